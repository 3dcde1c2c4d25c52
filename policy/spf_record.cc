// SPDX-License-Identifier: Apache-2.0
// The grammar of RFC 7208 §12.
#include "policy/spf_record.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/cursor.h"

namespace postern::policy {

std::string_view to_string(SpfCode code) {
  static constexpr std::array<std::string_view, 7> names{"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"};
  return names[static_cast<std::size_t>(code)];
}

namespace {

using Kind = SpfMechanism::Kind;

constexpr std::string_view version = "v=spf1";
constexpr int bits4 = 32;
constexpr int bits6 = 128;

/// What may follow a mechanism's name.
enum class Shape : std::uint8_t { bare, domain, domain_and_prefix, optional_domain, network };
struct Word {
  std::string_view name;
  Kind kind;
  Shape shape;
};
constexpr std::array words{
    Word{"all", Kind::all, Shape::bare},
    Word{"include", Kind::include, Shape::domain},
    Word{"a", Kind::a, Shape::domain_and_prefix},
    Word{"mx", Kind::mx, Shape::domain_and_prefix},
    Word{"ptr", Kind::ptr, Shape::optional_domain},
    Word{"ip4", Kind::ip4, Shape::network},
    Word{"ip6", Kind::ip6, Shape::network},
    Word{"exists", Kind::exists, Shape::domain},
};

std::unexpected<Error> wrong(std::string_view term, std::string_view why) {
  return fail(ErrorKind::invalid, "\"" + std::string(term) + "\": " + std::string(why));
}

/// A prefix length without leading zeros.
std::optional<int> prefix_length(std::string_view digits, int max) {
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  Cursor in(digits);
  const auto value = in.take_number(static_cast<std::uint64_t>(max));
  if (!value || !in.at_end()) return std::nullopt;
  return static_cast<int>(*value);
}

/// Cuts `mark` and the digits behind it off the end of `text`; nothing when there are none.
std::optional<std::string_view> cut_digits(std::string_view& text, std::string_view mark) {
  const auto last = text.find_last_not_of("0123456789");
  if (last == std::string_view::npos || last + 1 == text.size()) return std::nullopt;
  if (!text.substr(0, last + 1).ends_with(mark)) return std::nullopt;
  const auto digits = text.substr(last + 1);
  text.remove_suffix(digits.size() + mark.size());
  return digits;
}

// RFC 7208 §5.6
//   dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
Result<> take_prefixes(SpfMechanism& out, std::string_view& rest) {
  if (const auto digits = cut_digits(rest, "//")) {
    const auto length = prefix_length(*digits, bits6);
    if (!length) return wrong(out.text, "an IPv6 prefix is 0 to 128");
    out.prefix6 = *length;
  }
  if (const auto digits = cut_digits(rest, "/")) {
    const auto length = prefix_length(*digits, bits4);
    if (!length) return wrong(out.text, "an IPv4 prefix is 0 to 32");
    out.prefix4 = *length;
  }
  return {};
}

Result<MacroString> domain_spec(std::string_view text, std::string_view term) {
  auto macros = parse_macros(text, MacroPlace::name);
  if (!macros) return wrong(term, macros.error().text);
  if (!ends_like_a_domain(*macros)) return wrong(term, "not a domain name");
  return macros;
}

Result<> take_network(SpfMechanism& out, std::string_view text) {
  const bool four = out.kind == Kind::ip4;
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  // A mapped address ("::ffff:192.0.2.1") written as ip6 is one host of IPv4 and matches no IPv6 client.
  const bool right = address && (four ? address->is_v4() && !text.contains(':') : text.contains(':'));
  if (!right) return wrong(out.text, four ? "not an IPv4 network" : "not an IPv6 network");
  int prefix = four ? bits4 : bits6;
  if (slash != std::string_view::npos) {
    const auto length = prefix_length(text.substr(slash + 1), prefix);
    if (!length) return wrong(out.text, "the prefix length is out of range");
    prefix = *length;
  }
  if (!four && address->is_v4()) prefix = std::max(0, prefix - (bits6 - bits4));
  out.network = IpNetwork(*address, prefix);
  return {};
}

Result<> take_arguments(SpfMechanism& out, Shape shape, std::string_view rest) {
  if (shape == Shape::domain_and_prefix) {
    if (auto taken = take_prefixes(out, rest); !taken) return taken;
  }
  if (rest.empty()) {
    if (shape == Shape::domain || shape == Shape::network) return wrong(out.text, "needs an argument");
    return {};
  }
  if (shape == Shape::bare || rest.front() != ':') return wrong(out.text, "unexpected text behind the name");
  rest.remove_prefix(1);
  if (shape == Shape::network) return take_network(out, rest);
  auto target = domain_spec(rest, out.text);
  if (!target) return std::unexpected(target.error());
  out.target = std::move(*target);
  return {};
}

// RFC 7208 §4.6.2
//   directive = [ qualifier ] mechanism
//   qualifier = "+" / "-" / "?" / "~"
Result<SpfMechanism> parse_mechanism(std::string_view term) {
  SpfMechanism out;
  out.text = term;
  std::string_view rest = term;
  switch (rest.front()) {
    case '-': out.qualifier = SpfCode::fail; break;
    case '~': out.qualifier = SpfCode::softfail; break;
    case '?': out.qualifier = SpfCode::neutral; break;
    default: break;
  }
  if (std::string_view("+-~?").contains(rest.front())) rest.remove_prefix(1);
  const auto name = rest.substr(0, rest.find_first_of(":/"));
  const auto word = std::ranges::find_if(words, [name](const Word& w) { return ascii::iequals(w.name, name); });
  if (word == words.end()) return wrong(term, "unknown mechanism");
  out.kind = word->kind;
  if (auto taken = take_arguments(out, word->shape, rest.substr(name.size())); !taken) return std::unexpected(taken.error());
  return out;
}

/// The name of a modifier, when the term is one: name "=" and no ":" or "/" before it.
std::string_view modifier_name(std::string_view term) {
  const auto equals = term.find('=');
  if (equals == std::string_view::npos || equals == 0 || !ascii::is_alpha(term.front())) return {};
  const auto name = term.substr(0, equals);
  const auto fits = [](char c) { return ascii::is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  return std::ranges::all_of(name, fits) ? name : std::string_view();
}

// RFC 7208 §6: redirect and exp at most once; unknown modifiers are ignored, but must be well formed.
Result<> take_modifier(SpfRecord& out, std::string_view term, std::string_view name) {
  const auto value = term.substr(name.size() + 1);
  const bool redirect = ascii::iequals(name, "redirect");
  if (!redirect && !ascii::iequals(name, "exp")) {
    const auto macros = parse_macros(value, MacroPlace::name);
    if (!macros) return wrong(term, macros.error().text);
    return {};
  }
  auto& place = redirect ? out.redirect : out.explanation;
  if (place) return wrong(term, "occurs twice");
  auto target = domain_spec(value, term);
  if (!target) return std::unexpected(target.error());
  place = std::move(*target);
  return {};
}

}  // namespace

bool is_spf_record(std::string_view text) {
  return ascii::istarts_with(text, version) && (text.size() == version.size() || text[version.size()] == ' ');
}

// RFC 7208 §4.6.1
//   record = version terms *SP
//   terms  = *( 1*SP ( directive / modifier ) )
Result<SpfRecord> parse_spf_record(std::string_view text) {
  if (!is_spf_record(text)) return fail(ErrorKind::invalid, "not an SPF record");
  if (text.size() > spf_record_max) return fail(ErrorKind::too_large, "the record is longer than 4 KiB");
  SpfRecord out;
  Cursor in(text.substr(version.size()));
  const auto skip_spaces = [&in] { in.take_while([](char c) { return c == ' '; }); };
  for (skip_spaces(); !in.at_end(); skip_spaces()) {
    const auto term = in.take_until(' ');
    const auto name = modifier_name(term);
    if (!name.empty()) {
      if (auto taken = take_modifier(out, term, name); !taken) return std::unexpected(taken.error());
      continue;
    }
    auto mechanism = parse_mechanism(term);
    if (!mechanism) return std::unexpected(mechanism.error());
    out.mechanisms.push_back(std::move(*mechanism));
  }
  return out;
}

}  // namespace postern::policy
