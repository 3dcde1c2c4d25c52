// SPDX-License-Identifier: Apache-2.0
// Parsing and expansion of SPF macros.
#include "policy/spf_macro.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"

namespace postern::policy {
namespace {

constexpr std::string_view name_letters = "slodiphv";
constexpr std::string_view explanation_letters = "slodiphvcrt";
constexpr std::string_view delimiter_octets = ".-+,/_=";
/// Parts that a transformer can ask for; a name has no more than 127 labels.
constexpr std::uint64_t most_parts = 255;
constexpr std::size_t longest_name = 253;

std::string& literal_of(MacroString& out) {
  if (out.empty() || out.back().letter != '\0') out.emplace_back();
  return out.back().literal;
}

// RFC 7208 §7.1
//   macro-expand = ( "%{" macro-letter transformers *delimiter "}" )
//   transformers = *DIGIT [ "r" ]
Result<MacroPart> take_macro(Cursor& in, MacroPlace place) {
  MacroPart part;
  const char letter = in.next().value_or('\0');
  part.letter = ascii::lower(letter);
  part.escape = ascii::is_upper(letter);
  const auto allowed = place == MacroPlace::explanation ? explanation_letters : name_letters;
  if (part.letter == '\0' || !allowed.contains(part.letter)) return fail(ErrorKind::invalid, in.where("unknown macro letter"));
  if (ascii::is_digit(in.peek())) {
    const auto digits = in.take_while(ascii::is_digit);
    Cursor number(digits);
    part.keep = number.take_number(most_parts).value_or(most_parts);
    if (part.keep == 0) return fail(ErrorKind::invalid, in.where("a macro keeps at least one part"));
  }
  part.reverse = in.take('r') || in.take('R');
  const auto delimiters = in.take_while([](char c) { return delimiter_octets.contains(c); });
  if (!delimiters.empty()) part.delimiters = delimiters;
  if (!in.take('}')) return fail(ErrorKind::invalid, in.where("a macro does not end with }"));
  return part;
}

/// toplabel of RFC 7208 §7.1: letters, digits and inner hyphens, not digits alone.
bool is_top_label(std::string_view label) {
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  const auto fits = [](char c) { return ascii::is_alnum(c) || c == '-'; };
  return std::ranges::all_of(label, fits) && !std::ranges::all_of(label, ascii::is_digit);
}

/// RFC 7208 §7.3: "i" is dotted decimal, or each nibble of an IPv6 address.
std::string dotted(const IpAddress& ip) {
  if (ip.is_v4()) return ip.to_string();
  std::string out;
  const std::string hex = hex_encode({reinterpret_cast<const char*>(ip.bytes().data()), ip.bytes().size()});
  for (const char c : hex) {
    if (!out.empty()) out += '.';
    out += c;
  }
  return out;
}

std::string value_of(char letter, const MacroValues& values) {
  switch (letter) {
    case 's': return std::string(values.local) + '@' + std::string(values.sender);
    case 'l': return std::string(values.local);
    case 'o': return std::string(values.sender);
    case 'd': return std::string(values.domain);
    case 'i': return dotted(values.ip);
    case 'p': return std::string(values.validated);
    case 'h': return std::string(values.helo);
    case 'v': return values.ip.is_v4() ? "in-addr" : "ip6";
    case 'c': return values.ip.to_string();
    case 'r': return std::string(values.receiver);
    default: return std::to_string(values.now);
  }
}

std::string transformed(const MacroPart& part, const std::string& value) {
  std::vector<std::string_view> parts;
  std::string_view rest = value;
  for (auto at = rest.find_first_of(part.delimiters); at != std::string_view::npos; at = rest.find_first_of(part.delimiters)) {
    parts.push_back(rest.substr(0, at));
    rest.remove_prefix(at + 1);
  }
  parts.push_back(rest);
  if (part.reverse) std::ranges::reverse(parts);
  const std::size_t keep = part.keep == 0 ? parts.size() : std::min(part.keep, parts.size());
  std::string out;
  for (std::size_t i = parts.size() - keep; i < parts.size(); ++i) {
    if (i != parts.size() - keep) out += '.';
    out += parts[i];
  }
  return out;
}

}  // namespace

// RFC 7208 §7.1
//   macro-string  = *( macro-expand / macro-literal )
//   macro-expand  = ( "%{" … "}" ) / "%%" / "%_" / "%-"
//   macro-literal = %x21-24 / %x26-7E
Result<MacroString> parse_macros(std::string_view text, MacroPlace place) {
  MacroString out;
  Cursor in(text);
  while (!in.at_end()) {
    if (in.take("%{")) {
      auto part = take_macro(in, place);
      if (!part) return std::unexpected(part.error());
      out.push_back(std::move(*part));
    } else if (in.take("%%")) {
      literal_of(out) += '%';
    } else if (in.take("%_")) {
      literal_of(out) += ' ';
    } else if (in.take("%-")) {
      literal_of(out) += "%20";
    } else {
      const char c = in.peek();
      const bool space = c == ' ' && place == MacroPlace::explanation;
      if ((!ascii::is_vchar(c) && !space) || c == '%') return fail(ErrorKind::invalid, in.where("unexpected octet"));
      literal_of(out) += c;
      in.next();
    }
  }
  return out;
}

// RFC 7208 §7.1
//   domain-end = ( "." toplabel [ "." ] ) / macro-expand
bool ends_like_a_domain(const MacroString& macros) {
  if (macros.empty()) return false;
  if (macros.back().letter != '\0') return true;
  std::string_view text = macros.back().literal;
  if (text.ends_with('.')) text.remove_suffix(1);
  const auto dot = text.rfind('.');
  return dot != std::string_view::npos && is_top_label(text.substr(dot + 1));
}

bool uses_validated_name(const MacroString& macros) {
  return std::ranges::any_of(macros, [](const MacroPart& part) { return part.letter == 'p'; });
}

Result<std::string> expand(const MacroString& macros, const MacroValues& values) {
  std::string out;
  for (const auto& part : macros) {
    if (part.letter == '\0') {
      out += part.literal;
    } else {
      const auto text = transformed(part, value_of(part.letter, values));
      out += part.escape ? percent_encode(text) : text;
    }
    if (out.size() > macro_expansion_max) return fail(ErrorKind::too_large, "the macros expand to more than 8 KiB");
  }
  return out;
}

Result<std::string> expand_name(const MacroString& macros, const MacroValues& values) {
  auto name = expand(macros, values);
  if (!name) return name;
  if (name->ends_with('.')) name->pop_back();
  while (name->size() > longest_name) {
    const auto dot = name->find('.');
    if (dot == std::string::npos) return fail(ErrorKind::invalid, "a label has at most 63 octets");
    name->erase(0, dot + 1);
  }
  return name;
}

}  // namespace postern::policy
