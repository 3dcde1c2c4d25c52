// SPDX-License-Identifier: Apache-2.0
// Reading of DKIM signatures and key records.
#include "policy/dkim_signature.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/ascii.h"
#include "base/encoding.h"
#include "mail/domain.h"

namespace postern::policy {

std::string_view to_string(DkimCode code) {
  static constexpr std::array<std::string_view, 7> names{"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"};
  return names[static_cast<std::size_t>(code)];
}

std::string_view to_string(DkimAlgorithm algorithm) {
  static constexpr std::array<std::string_view, 3> names{"rsa-sha256", "ed25519-sha256", "rsa-sha1"};
  return names[static_cast<std::size_t>(algorithm)];
}

namespace {

constexpr std::size_t longest_selector = 190;
/// Seconds since 1970 that fit twelve digits (RFC 6376 §3.5, tag t=).
constexpr std::uint64_t latest_time = 999'999'999'999;

std::unexpected<Error> invalid(std::string why) { return fail(ErrorKind::invalid, std::move(why)); }

Result<std::string> required(const TagList& tags, std::string_view name) {
  const auto value = tags.find(name);
  if (!value || value->empty()) return invalid("no " + std::string(name) + "= tag");
  return std::string(*value);
}

Result<std::string> base64_tag(const TagList& tags, std::string_view name) {
  const auto value = required(tags, name);
  if (!value) return value;
  auto bytes = base64_decode(without_space(*value));
  if (!bytes) return invalid(std::string(name) + "= is not base64");
  return bytes;
}

std::optional<Canonical> canonical_word(std::string_view word) {
  if (ascii::iequals(word, "simple")) return Canonical::simple;
  if (ascii::iequals(word, "relaxed")) return Canonical::relaxed;
  return std::nullopt;
}

Result<> read_algorithm(const TagList& tags, DkimSignature& out) {
  const auto name = required(tags, "a");
  if (!name) return std::unexpected(name.error());
  for (const auto algorithm : {DkimAlgorithm::rsa_sha256, DkimAlgorithm::ed25519_sha256, DkimAlgorithm::rsa_sha1}) {
    if (!ascii::iequals(*name, to_string(algorithm))) continue;
    out.algorithm = algorithm;
    return {};
  }
  return fail(ErrorKind::unsupported, "unknown algorithm");
}

// RFC 6376 §3.5, tag c=: header/body; the body's is simple when it is not named.
Result<> read_canonical(const TagList& tags, DkimSignature& out) {
  const auto text = tags.find("c").value_or("simple/simple");
  const auto slash = std::min(text.find('/'), text.size());
  const auto header = canonical_word(text.substr(0, slash));
  const auto body = slash == text.size() ? Canonical::simple : canonical_word(text.substr(slash + 1));
  if (!header || !body) return fail(ErrorKind::unsupported, "unknown canonicalization");
  out.header = *header;
  out.body = *body;
  return {};
}

Result<> read_place(const TagList& tags, DkimSignature& out) {
  const auto domain_text = required(tags, "d");
  if (!domain_text) return std::unexpected(domain_text.error());
  const auto domain = mail::Domain::parse(*domain_text);
  if (!domain || !domain->ascii().contains('.')) return invalid("d= is not a domain name");
  out.domain = domain->ascii();
  const auto selector = required(tags, "s");
  if (!selector) return std::unexpected(selector.error());
  const auto fits = [](char c) { return ascii::is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  const bool right = selector->size() <= longest_selector && std::ranges::all_of(*selector, fits) && selector->front() != '.' &&
                     selector->back() != '.' && !selector->contains("..");
  if (!right) return invalid("s= is not a selector");
  out.selector = ascii::lower(*selector);
  return {};
}

/// dkim-quoted-printable (RFC 6376 §2.11) of i=; what is no escape stays.
std::string unquoted(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = text[i] == '=' && i + 2 < text.size() ? hex_decode(text.substr(i + 1, 2)) : Result<std::string>("");
    if (octet && octet->size() == 1) {
      out += *octet;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// RFC 6376 §3.5, tag i=: its domain is d= or below.
Result<> read_agent(const TagList& tags, DkimSignature& out) {
  const auto text = tags.find("i");
  if (!text) {
    out.agent = "@" + out.domain;
    out.agent_domain = out.domain;
    return {};
  }
  out.agent = unquoted(without_space(*text));
  const auto at = out.agent.rfind('@');
  if (at == std::string::npos) return invalid("i= has no @");
  const auto domain = mail::Domain::parse(out.agent.substr(at + 1));
  if (!domain) return invalid("i= is not in a domain");
  out.agent_domain = domain->ascii();
  if (out.agent_domain != out.domain && !out.agent_domain.ends_with("." + out.domain)) return invalid("i= is not within d=");
  return {};
}

Result<> read_fields(const TagList& tags, DkimSignature& out) {
  const auto text = required(tags, "h");
  if (!text) return std::unexpected(text.error());
  for (const auto name : split_colons(*text, signed_fields_max + 1)) {
    if (name.empty()) return invalid("h= has an empty name");
    out.fields.push_back(ascii::lower(name));
  }
  if (out.fields.size() > signed_fields_max) return fail(ErrorKind::limit, "h= has too many names");
  // RFC 6376 §5.4: a signature that does not cover From says nothing about the author (security.md D45).
  if (std::ranges::find(out.fields, "from") == out.fields.end()) return invalid("h= does not have From");
  return {};
}

Result<> read_numbers(const TagList& tags, DkimSignature& out) {
  const auto time = [&tags](std::string_view name, std::optional<UnixTime>& place) {
    const auto text = tags.find(name);
    if (!text) return true;
    const auto value = whole_number(*text);
    if (value) place = static_cast<UnixTime>(std::min(*value, latest_time));
    return value.has_value();
  };
  if (!time("t", out.signed_at) || !time("x", out.expires)) return invalid("t= or x= is not a time");
  if (out.signed_at && out.expires && *out.expires <= *out.signed_at) return invalid("x= is before t=");
  if (const auto text = tags.find("l")) {
    out.length = whole_number(*text);
    if (!out.length) return invalid("l= is not a number");
  }
  return {};
}

/// RFC 6376 §3.5, tag q=: only dns/txt is known.
bool can_query(const TagList& tags) {
  const auto text = tags.find("q");
  if (!text) return true;
  const auto methods = split_colons(*text, tags_max);
  return std::ranges::any_of(methods, [](std::string_view method) { return ascii::iequals(method, "dns/txt"); });
}

}  // namespace

Result<DkimSignature> parse_dkim_signature(std::string_view value, SignatureKind kind) {
  const auto tags = TagList::parse(value);
  if (!tags) return std::unexpected(tags.error());
  if (kind == SignatureKind::dkim && tags->find("v").value_or("") != "1") return invalid("v= is not 1");
  DkimSignature out;
  if (auto read = read_algorithm(*tags, out); !read) return std::unexpected(read.error());
  if (auto read = read_canonical(*tags, out); !read) return std::unexpected(read.error());
  if (auto read = read_place(*tags, out); !read) return std::unexpected(read.error());
  if (kind == SignatureKind::dkim) {
    if (auto read = read_agent(*tags, out); !read) return std::unexpected(read.error());
  }
  if (auto read = read_fields(*tags, out); !read) return std::unexpected(read.error());
  if (auto read = read_numbers(*tags, out); !read) return std::unexpected(read.error());
  if (!can_query(*tags)) return fail(ErrorKind::unsupported, "q= has no method that we know");
  auto hash = base64_tag(*tags, "bh");
  if (!hash) return std::unexpected(hash.error());
  auto signature = base64_tag(*tags, "b");
  if (!signature) return std::unexpected(signature.error());
  out.body_hash = std::move(*hash);
  out.signature = std::move(*signature);
  return out;
}

std::string without_signature(std::string_view field) {
  std::size_t from = field.find(':') + 1;
  while (from < field.size()) {
    const auto end = std::min(field.find(';', from), field.size());
    const auto equals = field.find('=', from);
    if (equals < end && ascii::trim(field.substr(from, equals - from)) == "b") {
      return std::string(field.substr(0, equals + 1)) + std::string(field.substr(end));
    }
    from = end + 1;
  }
  return std::string(field);
}

// RFC 6376 §3.6.1, RFC 8463 §4.2
Result<DkimKeyRecord> parse_dkim_key(std::string_view text) {
  const auto tags = TagList::parse(text);
  if (!tags) return std::unexpected(tags.error());
  if (const auto version = tags->find("v")) {
    if (*version != "DKIM1" || tags->tags().front().name != "v") return invalid("v= is not DKIM1 at the beginning");
  }
  const auto key = tags->find("p");
  if (!key) return invalid("no p= tag");
  if (key->empty()) return fail(ErrorKind::not_found, "the key was revoked");
  DkimKeyRecord out;
  const auto type = tags->find("k").value_or("rsa");
  if (type != "rsa" && type != "ed25519") return fail(ErrorKind::unsupported, "unknown key type");
  out.ed25519 = type == "ed25519";
  const auto lists = [&tags](std::string_view tag, std::string_view word) {
    const auto list = tags->find(tag);
    const auto words = list ? split_colons(*list, tags_max) : std::vector<std::string_view>{};
    return std::ranges::find(words, word) != words.end();
  };
  out.testing = lists("t", "y");
  out.exact_agent = lists("t", "s");
  out.takes_sha256 = !tags->find("h") || lists("h", "sha256");
  out.for_mail = !tags->find("s") || lists("s", "*") || lists("s", "email");
  auto bytes = base64_decode(without_space(*key));
  if (!bytes) return invalid("p= is not base64");
  out.key = std::move(*bytes);
  return out;
}

SignedFields::SignedFields(std::string_view header) : header_(header) {
  std::size_t at = 0;
  while (const auto field = mime::next_field(header, at)) {
    fields_.push_back(*field);
    names_.push_back(ascii::lower(field->name));
  }
}

std::string_view SignedFields::text(const mime::Field& field) const {
  auto out = header_.substr(field.begin, field.end - field.begin);
  if (out.ends_with('\n')) out.remove_suffix(1);
  if (out.ends_with('\r')) out.remove_suffix(1);
  return out;
}

std::vector<std::string_view> SignedFields::all(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& field : fields_) {
    if (field.is(name)) out.push_back(text(field));
  }
  return out;
}

void SignedFields::append(std::string& out, const std::vector<std::string>& names, Canonical canonical) const {
  std::map<std::string_view, std::size_t> next;  // how many of this name are taken, from the bottom
  for (const auto& name : names) {
    auto [place, added] = next.try_emplace(name, names_.size());
    auto& below = place->second;
    while (below > 0 && names_[below - 1] != name) --below;
    if (below == 0) continue;
    --below;
    append_canonical_field(out, text(fields_[below]), canonical);
    out += "\r\n";
  }
}

}  // namespace postern::policy
