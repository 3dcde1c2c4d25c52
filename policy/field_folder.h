// SPDX-License-Identifier: Apache-2.0
// FieldFolder: writes a tag list as a header field whose lines are short (RFC 5322 §2.2.3). For DKIM and ARC.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace postern::policy {

/// Adds text at places where it may be folded.
class FieldFolder {
 public:
  /// Longest line in octets.
  static constexpr std::size_t line_max = 76;
  explicit FieldFolder(std::string start) : text_(std::move(start)), column_(text_.size()) {}
  /// A word with a space before it, or on a new line.
  void word(std::string_view text) { put(text, " "); }
  /// Text that may break anywhere.
  void stretch(std::string_view text) {
    while (!text.empty()) {
      if (column_ >= line_max) fold();
      const auto part = text.substr(0, line_max - column_);
      text_ += part;
      column_ += part.size();
      text.remove_prefix(part.size());
    }
  }
  /// Text behind the last word, broken before it when the line is full.
  void piece(std::string_view text) { put(text, ""); }
  std::string take() { return std::move(text_); }

 private:
  void put(std::string_view text, std::string_view space) {
    if (column_ + space.size() + text.size() > line_max) {
      fold();
    } else {
      text_ += space;
      column_ += space.size();
    }
    text_ += text;
    column_ += text.size();
  }
  void fold() {
    text_ += "\r\n\t";
    column_ = 1;
  }
  std::string text_;
  std::size_t column_;
};

}  // namespace postern::policy
