// SPDX-License-Identifier: Apache-2.0
// ASCII without locale: classes of octets, case folding and trimming as mail grammars mean them.
#pragma once

#include <string>
#include <string_view>

namespace postern::ascii {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_alpha(char c) { return is_upper(c) || is_lower(c); }
constexpr bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
constexpr bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
constexpr bool is_wsp(char c) { return c == ' ' || c == '\t'; }
/// CTL of RFC 5234 B.1: 0x00–0x1F and 0x7F.
constexpr bool is_ctl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
/// VCHAR of RFC 5234 B.1: 0x21–0x7E.
constexpr bool is_vchar(char c) { return c > 0x20 && c < 0x7f; }
/// An octet above 0x7F: part of UTF-8 where a grammar allows it.
constexpr bool is_eight_bit(char c) { return static_cast<unsigned char>(c) >= 0x80; }
constexpr char lower(char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; }
constexpr char upper(char c) { return is_lower(c) ? static_cast<char>(c - 32) : c; }

std::string lower(std::string_view text);
std::string upper(std::string_view text);
/// Equal without regard to ASCII case.
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
/// Position of needle in text without regard to ASCII case, or npos.
std::size_t ifind(std::string_view text, std::string_view needle);
/// Without leading and trailing space, tab, CR and LF.
std::string_view trim(std::string_view text);
/// True when no octet is above 0x7F.
bool is_ascii(std::string_view text);

/// For ordered containers with keys that ignore ASCII case.
struct ILess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};

}  // namespace postern::ascii
