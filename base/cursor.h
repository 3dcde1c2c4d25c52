// SPDX-License-Identifier: Apache-2.0
// Cursor: the one way our grammars walk over text. No I/O, no allocation, no reading past the end; every call either
// consumes what it says or leaves the position where it was.
//
//   Cursor in(text);
//   if (!in.take_word("FROM:")) return fail(ErrorKind::invalid, in.where("expected FROM:"));
//   auto local = in.take_while(is_atext);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ascii.h"

namespace postern {

class Cursor {
 public:
  constexpr explicit Cursor(std::string_view text) : text_(text) {}

  constexpr bool at_end() const { return pos_ >= text_.size(); }
  constexpr std::size_t position() const { return pos_; }
  constexpr std::string_view rest() const { return text_.substr(pos_); }
  constexpr std::string_view text() const { return text_; }
  /// The next octet, or NUL at the end (use at_end() where NUL may occur in the text).
  constexpr char peek(std::size_t ahead = 0) const { return pos_ + ahead < text_.size() ? text_[pos_ + ahead] : '\0'; }
  constexpr bool is(char c) const { return !at_end() && text_[pos_] == c; }

  /// Consumes c when it is next.
  constexpr bool take(char c) {
    if (!is(c)) return false;
    ++pos_;
    return true;
  }
  /// Consumes exactly this text, case-sensitive.
  constexpr bool take(std::string_view token) {
    if (!rest().starts_with(token)) return false;
    pos_ += token.size();
    return true;
  }
  /// Consumes this text without regard to ASCII case.
  bool take_word(std::string_view token) {
    if (!ascii::istarts_with(rest(), token)) return false;
    pos_ += token.size();
    return true;
  }
  /// Consumes and gives the next octet; nothing at the end.
  constexpr std::optional<char> next() {
    if (at_end()) return std::nullopt;
    return text_[pos_++];
  }
  /// Consumes the longest run of octets that satisfy the predicate; may be empty.
  template <class Predicate>
  constexpr std::string_view take_while(Predicate predicate) {
    const std::size_t from = pos_;
    while (pos_ < text_.size() && predicate(text_[pos_])) ++pos_;
    return text_.substr(from, pos_ - from);
  }
  /// Consumes up to, not including, the first c; everything when there is none.
  constexpr std::string_view take_until(char c) {
    return take_while([c](char other) { return other != c; });
  }
  /// Consumes up to n octets.
  constexpr std::string_view take_n(std::size_t n) {
    const auto part = rest().substr(0, n);
    pos_ += part.size();
    return part;
  }
  constexpr void skip_wsp() { take_while(ascii::is_wsp); }

  /// Decimal number, at least one digit, no sign, at most `max`; leaves the position when absent or larger.
  std::optional<std::uint64_t> take_number(std::uint64_t max = UINT64_MAX) {
    const std::size_t from = pos_;
    std::uint64_t value = 0;
    while (ascii::is_digit(peek())) {
      const auto digit = static_cast<std::uint64_t>(peek() - '0');
      if (value > (UINT64_MAX - digit) / 10 || value * 10 + digit > max) {
        pos_ = from;
        return std::nullopt;
      }
      value = value * 10 + digit;
      ++pos_;
    }
    if (pos_ == from) return std::nullopt;
    return value;
  }

  /// Goes back to a position() noted before.
  constexpr void restore(std::size_t position) { pos_ = position; }
  /// "message at position 17", for errors; positions count from 1.
  std::string where(std::string_view message) const { return std::string(message) + " at position " + std::to_string(pos_ + 1); }

 private:
  std::string_view text_;
  std::size_t pos_ = 0;
};

}  // namespace postern
