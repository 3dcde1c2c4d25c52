// SPDX-License-Identifier: Apache-2.0
// Base64, hex, percent encoding and UTF-8 validation. Every decoder is strict and never reads past its input.
#include "base/encoding.h"

#include <array>
#include <cstdint>

#include "base/ascii.h"

namespace postern {
namespace {

constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view lower_hex = "0123456789abcdef";
constexpr std::string_view upper_hex = "0123456789ABCDEF";
constexpr std::uint8_t not_in_alphabet = 0xff;

constexpr auto base64_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(not_in_alphabet);
  for (std::uint8_t i = 0; i < base64_alphabet.size(); ++i) values[static_cast<unsigned char>(base64_alphabet[i])] = i;
  return values;
}();

std::uint32_t octet(char c) { return static_cast<unsigned char>(c); }

/// The value of a hex digit, or -1.
int hex_value(char c) {
  if (ascii::is_digit(c)) return c - '0';
  if (!ascii::is_hex(c)) return -1;
  return ascii::lower(c) - 'a' + 10;
}

/// Number of '=' at the end of the text, at most 2.
std::size_t padding(std::string_view text) {
  if (text.ends_with("==")) return 2;
  return text.ends_with('=') ? 1 : 0;
}

/// Four characters as 24 bits; 'missing' of them count as zero. Nothing when one is outside the alphabet.
bool read_group(std::string_view four, std::size_t missing, std::uint32_t& bits) {
  bits = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint8_t value = i < 4 - missing ? base64_values[octet(four[i])] : std::uint8_t{0};
    if (value == not_in_alphabet) return false;
    bits = bits << 6 | value;
  }
  return true;
}

bool is_unreserved(char c) { return ascii::is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

}  // namespace

// RFC 4648 §4
std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto part = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < part.size() ? octet(part[k]) : 0);
    for (std::size_t k = 0; k < 4; ++k) out += k <= part.size() ? base64_alphabet[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

// RFC 4648 §3.5: bits that carry nothing must be zero, otherwise two texts would mean the same bytes.
Result<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return fail(ErrorKind::invalid, "base64 length is not a multiple of four");
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::size_t missing = i + 4 == text.size() ? padding(text) : 0;
    std::uint32_t bits = 0;
    if (!read_group(text.substr(i, 4), missing, bits)) return fail(ErrorKind::invalid, "character outside the base64 alphabet");
    const std::uint32_t unused = missing == 0 ? 0 : (1U << (8 * missing)) - 1;
    if ((bits & unused) != 0) return fail(ErrorKind::invalid, "base64 with unused bits set");
    for (std::size_t k = 0; k < 3 - missing; ++k) out += static_cast<char>(bits >> (16 - 8 * k) & 255);
  }
  return out;
}

std::string hex_encode(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += lower_hex[octet(c) >> 4];
    out += lower_hex[octet(c) & 15];
  }
  return out;
}

Result<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return fail(ErrorKind::invalid, "odd number of hex digits");
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return fail(ErrorKind::invalid, "character that is no hex digit");
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

// RFC 3986 §2.1
std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      out += {'%', upper_hex[octet(c) >> 4], upper_hex[octet(c) & 15]};
    }
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto digits = hex_decode(text.substr(i + 1, 2));
    if (!digits || digits->size() != 1) return fail(ErrorKind::invalid, "broken percent sequence");
    out += *digits;
    i += 2;
  }
  return out;
}

// RFC 3629 §4: the table of well-formed sequences, by first octet and the range of the second.
std::size_t utf8_sequence(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const std::uint32_t first = octet(bytes[0]);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const std::size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (bytes.size() < length) return 0;
  const std::uint32_t lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const std::uint32_t highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (octet(bytes[1]) < lowest || octet(bytes[1]) > highest) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((octet(bytes[i]) & 0xc0) != 0x80) return 0;
  }
  return length;
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = utf8_sequence(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

}  // namespace postern
