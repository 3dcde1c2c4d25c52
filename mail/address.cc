// SPDX-License-Identifier: Apache-2.0
// Mailbox grammar of RFC 5321 §4.1.2 with the UTF-8 of RFC 6531 §3.3. Local parts are opaque tokens: nothing of ours
// expands, splits or executes them (security.md D15, D16).
#include "mail/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/encoding.h"

namespace postern::mail {
namespace {

// RFC 5321 §4.1.2, RFC 5322 §3.2.3 atext; RFC 6531 §3.3 adds UTF8-non-ascii.
bool is_atext(char c) {
  return ascii::is_alnum(c) || ascii::is_eight_bit(c) ||
         (c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos);
}

bool is_domain_octet(char c) { return ascii::is_alnum(c) || c == '-' || c == '.' || ascii::is_eight_bit(c); }

/// Dot-string = Atom *("." Atom)
bool is_dot_string(std::string_view local) {
  if (local.empty() || local.front() == '.' || local.back() == '.') return false;
  return local.find("..") == std::string_view::npos && std::ranges::all_of(local, [](char c) { return is_atext(c) || c == '.'; });
}

// RFC 5321 §4.1.2
//   Quoted-string    = DQUOTE *QcontentSMTP DQUOTE
//   QcontentSMTP     = qtextSMTP / quoted-pairSMTP
//   quoted-pairSMTP  = %d92 %d32-126
//   qtextSMTP        = %d32-33 / %d35-91 / %d93-126     (RFC 6531 §3.3: / UTF8-non-ascii)
Result<std::string> take_quoted(Cursor& in) {
  std::string out;
  in.take('"');
  while (!in.take('"')) {
    const bool escaped = in.take('\\');
    const auto c = in.next();
    if (!c) return fail(ErrorKind::invalid, "quoted local part without end");
    if (ascii::is_ctl(*c)) return fail(ErrorKind::invalid, "control character in the local part");
    if (escaped && ascii::is_eight_bit(*c)) return fail(ErrorKind::invalid, "backslash before a character that is not ASCII");
    out += *c;
  }
  if (out.empty()) return fail(ErrorKind::invalid, "empty local part");
  return out;
}

//   Local-part = Dot-string / Quoted-string
Result<std::string> take_local(Cursor& in) {
  if (in.is('"')) return take_quoted(in);
  const auto local = in.take_while([](char c) { return is_atext(c) || c == '.'; });
  if (local.empty()) return fail(ErrorKind::invalid, in.where("no local part"));
  if (!is_dot_string(local)) return fail(ErrorKind::invalid, "local part with a dot at its edge or two dots together");
  return std::string(local);
}

/// Controls, line separators, spaces that are not U+0020, bidirectional controls and noncharacters have no place in a name.
bool is_refused(UChar32 c) {
  if (c < 0x80) return false;
  const auto type = u_charType(c);
  return type == U_CONTROL_CHAR || u_isUWhiteSpace(c) || u_hasBinaryProperty(c, UCHAR_BIDI_CONTROL) ||
         u_hasBinaryProperty(c, UCHAR_NONCHARACTER_CODE_POINT);
}

std::string utf8_of(const icu::UnicodeString& text) {
  std::string out;
  text.toUTF8String(out);
  return out;
}

icu::UnicodeString composed(const icu::UnicodeString& text) {
  UErrorCode code = U_ZERO_ERROR;
  const auto* nfc = icu::Normalizer2::getNFCInstance(code);
  if (U_FAILURE(code)) return text;
  auto out = nfc->normalize(text, code);
  return U_FAILURE(code) ? text : out;
}

// RFC 6531 §3.3 with RFC 6532 §3.1: normalisation form C.
Result<std::string> canonical_local(std::string local) {
  if (ascii::is_ascii(local)) return local;
  if (!is_utf8(local)) return fail(ErrorKind::invalid, "local part is not UTF-8");
  const auto text = composed(icu::UnicodeString::fromUTF8(local));
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    if (is_refused(text.char32At(i))) return fail(ErrorKind::invalid, "local part with a control or separator character");
  }
  return utf8_of(text);
}

std::string quoted_if_needed(std::string_view local) {
  if (is_dot_string(local)) return std::string(local);
  std::string out = "\"";
  for (const char c : local) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// The text of an address in the family's canonical form, or nothing.
std::optional<std::string> canonical_ip(int family, const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (::inet_pton(family, text.c_str(), bytes.data()) != 1) return std::nullopt;
  ::inet_ntop(family, bytes.data(), out.data(), out.size());
  return out.data();
}

// RFC 5321 §4.1.3
//   address-literal = "[" ( IPv4-address-literal / "IPv6:" IPv6-addr ) "]"
// General-address-literal has no registered tag and is refused.
Result<AddressLiteral> take_literal(Cursor& in) {
  in.take('[');
  const int family = in.take_word("IPv6:") ? AF_INET6 : AF_INET;
  const std::string text(in.take_while([](char c) { return ascii::is_hex(c) || c == '.' || c == ':'; }));
  auto ip = canonical_ip(family, text);
  if (!ip || !in.take(']')) return fail(ErrorKind::invalid, in.where("broken address literal"));
  return AddressLiteral{std::move(*ip)};
}

/// RFC 5321 §4.5.3.1.1 and .3, measured on the canonical wire form.
Result<Address> within_limits(Address address) {
  if (quoted_if_needed(address.local()).size() > Address::max_local)
    return fail(ErrorKind::invalid, fmt::format("local part is longer than {} octets", Address::max_local));
  if (address.to_string().size() > Address::max_path)
    return fail(ErrorKind::invalid, fmt::format("address is longer than {} octets", Address::max_path));
  return address;
}

//   Mailbox = Local-part "@" ( Domain / address-literal )
Result<Address> take_mailbox(Cursor& in) {
  if (in.is('@')) return fail(ErrorKind::invalid, "source routes and empty local parts are refused");
  auto local = take_local(in);
  if (local) local = canonical_local(std::move(*local));
  if (!local) return std::unexpected(local.error());
  if (!in.take('@')) return fail(ErrorKind::invalid, in.where("expected @"));
  if (in.is('[')) {
    auto literal = take_literal(in);
    if (!literal) return std::unexpected(literal.error());
    return within_limits(Address(std::move(*local), std::move(*literal)));
  }
  auto domain = Domain::parse(in.take_while(is_domain_octet));
  if (!domain) return std::unexpected(domain.error());
  return within_limits(Address(std::move(*local), std::move(*domain)));
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  Cursor in(text);
  auto address = take_mailbox(in);
  if (address && !in.at_end()) return fail(ErrorKind::invalid, in.where("text after the address"));
  return address;
}

Result<Address> Address::parse(Cursor& in) {
  const auto from = in.position();
  auto address = take_mailbox(in);
  if (!address) in.restore(from);
  return address;
}

std::string Address::domain_text() const {
  if (const auto* name = domain()) return name->ascii();
  const auto& ip = literal()->ip;
  return (ip.find(':') == std::string::npos ? "[" : "[IPv6:") + ip + "]";
}

std::string Address::to_string() const { return quoted_if_needed(local_) + "@" + domain_text(); }

std::string Address::to_unicode() const {
  return quoted_if_needed(local_) + "@" + (domain() != nullptr ? domain()->unicode() : domain_text());
}

bool Address::needs_smtputf8() const { return !ascii::is_ascii(local_); }

std::string Address::lookup_key() const {
  if (ascii::is_ascii(local_)) return ascii::lower(local_) + "@" + domain_text();
  return utf8_of(composed(icu::UnicodeString::fromUTF8(local_).foldCase())) + "@" + domain_text();
}

std::string to_string(const ReversePath& path) { return path ? "<" + path->to_string() + ">" : "<>"; }

}  // namespace postern::mail
