// SPDX-License-Identifier: Apache-2.0
// Domains are mapped by ICU's UTS 46 (non-transitional, STD3, bidi and joiner checks). Plain letters, digits and
// hyphens, which nearly all names are, do not need it. Both ways end in the same check of the ASCII form.
#include "mail/domain.h"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/uidna.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/encoding.h"

namespace postern::mail {
namespace {

constexpr std::size_t max_name = 253;        // RFC 1035 §2.3.4 without the root's octet
constexpr std::size_t max_label = 63;        // RFC 1035 §2.3.4
constexpr std::size_t max_given = 4 * 1024;  // UTF-8 that maps to 253 octets is shorter

bool is_ldh(char c) { return ascii::is_alnum(c) || c == '-'; }

/// ICU's mapper: immutable, safe for all threads, made at first use (the daemon uses it before its sandbox).
const UIDNA* mapper() {
  static const UIDNA* const instance = [] {
    UErrorCode code = U_ZERO_ERROR;
    return uidna_openUTS46(UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_CHECK_CONTEXTO |
                               UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE,
                           &code);
  }();
  return instance;
}

// RFC 5321 §4.1.2
//   sub-domain = Let-dig [Ldh-str]     Ldh-str = *( ALPHA / DIGIT / "-" ) Let-dig
Result<void> check_label(std::string_view label) {
  if (label.empty()) return fail(ErrorKind::invalid, "domain with an empty label");
  if (label.size() > max_label)
    return fail(ErrorKind::invalid, fmt::format("label \"{}\" is longer than {} octets", label, max_label));
  if (!std::ranges::all_of(label, is_ldh))
    return fail(ErrorKind::invalid, fmt::format("label \"{}\" has a character that host names do not have", label));
  if (label.front() == '-' || label.back() == '-')
    return fail(ErrorKind::invalid, fmt::format("label \"{}\" begins or ends with a hyphen", label));
  return {};
}

/// Labels, lengths, and a last label that is no number (RFC 3696 §2), so that no IP address passes as a domain.
Result<void> check_ascii(std::string_view name) {
  if (name.empty()) return fail(ErrorKind::invalid, "empty domain");
  if (name.size() > max_name) return fail(ErrorKind::invalid, fmt::format("domain is longer than {} octets", max_name));
  std::string_view label;
  for (std::size_t from = 0; from <= name.size(); from += label.size() + 1) {
    label = name.substr(from, std::min(name.find('.', from), name.size()) - from);
    if (auto checked = check_label(label); !checked) return checked;
  }
  if (std::ranges::all_of(label, ascii::is_digit))
    return fail(ErrorKind::invalid, fmt::format("last label \"{}\" is a number", label));
  return {};
}

/// RFC 5892 §2.1 LetterDigits, §2.6 Exceptions and §2.8 JoinControl. UTS 46 alone would let symbols pass, among them
/// look-alikes of "/" and "." (security.md D81).
bool may_name(UChar32 c) {
  constexpr std::uint32_t letters_digits =
      U_GC_LL_MASK | U_GC_LU_MASK | U_GC_LO_MASK | U_GC_ND_MASK | U_GC_LM_MASK | U_GC_MN_MASK | U_GC_MC_MASK;
  constexpr std::array<UChar32, 11> exceptions = {0xb7, 0x375, 0x5f3, 0x5f4, 0x6fd, 0x6fe, 0xf0b, 0x200c, 0x200d, 0x3007, 0x30fb};
  if (c < 0x80) return true;
  return (U_GET_GC_MASK(c) & letters_digits) != 0 || std::ranges::find(exceptions, c) != exceptions.end();
}

bool all_may_name(const std::string& text) {
  if (ascii::is_ascii(text)) return true;
  const auto unicode = icu::UnicodeString::fromUTF8(text);
  for (std::int32_t i = 0; i < unicode.length(); i = unicode.moveIndex32(i, 1)) {
    if (!may_name(unicode.char32At(i))) return false;
  }
  return true;
}

using Buffer = std::array<char, max_name + 1>;

/// The A-label form of any name; the caller checks it.
Result<std::string> map_to_ascii(std::string_view text) {
  if (text.size() > max_given) return fail(ErrorKind::invalid, fmt::format("domain is longer than {} octets", max_name));
  if (!is_utf8(text)) return fail(ErrorKind::invalid, "domain is not UTF-8");
  Buffer out;
  UIDNAInfo info = UIDNA_INFO_INITIALIZER;
  UErrorCode code = U_ZERO_ERROR;
  const auto length = uidna_nameToASCII_UTF8(mapper(), text.data(), static_cast<std::int32_t>(text.size()), out.data(),
                                             static_cast<std::int32_t>(out.size()), &info, &code);
  if (code == U_BUFFER_OVERFLOW_ERROR) return fail(ErrorKind::invalid, fmt::format("domain is longer than {} octets", max_name));
  if (U_FAILURE(code)) return fail(ErrorKind::invalid, fmt::format("domain cannot be mapped: {}", u_errorName(code)));
  if (info.errors != 0)
    return fail(ErrorKind::invalid,
                fmt::format("\"{}\" is no international domain name (UTS 46 errors 0x{:x})", text, info.errors));
  return std::string(out.data(), static_cast<std::size_t>(length));
}

}  // namespace

Result<Domain> Domain::parse(std::string_view text) {
  auto name = ascii::lower(text);
  if (!ascii::is_ascii(text) || name.find("xn--") != std::string::npos) {
    auto mapped = map_to_ascii(text);
    if (!mapped) return std::unexpected(mapped.error());
    name = std::move(*mapped);
  }
  if (auto checked = check_ascii(name); !checked) return std::unexpected(checked.error());
  Domain domain(std::move(name));
  if (!all_may_name(domain.unicode()))
    return fail(ErrorKind::invalid, fmt::format("domain \"{}\" has a symbol in it", domain.ascii()));
  return domain;
}

std::string Domain::unicode() const {
  if (!is_international()) return ascii_;
  std::array<char, 4 * (max_name + 1)> out;
  UIDNAInfo info = UIDNA_INFO_INITIALIZER;
  UErrorCode code = U_ZERO_ERROR;
  const auto length = uidna_nameToUnicodeUTF8(mapper(), ascii_.data(), static_cast<std::int32_t>(ascii_.size()), out.data(),
                                              static_cast<std::int32_t>(out.size()), &info, &code);
  if (U_FAILURE(code) || info.errors != 0) return ascii_;
  return {out.data(), static_cast<std::size_t>(length)};
}

}  // namespace postern::mail
