// SPDX-License-Identifier: Apache-2.0
// Any charset to UTF-8, and the comparison form for SEARCH. The only place of mime that knows ICU, and ICU stays in the .cc.
// Output is always well-formed UTF-8: what cannot be converted becomes U+FFFD. Cut input never reads beyond (security.md D35).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace postern::mime {

/// True when text in this charset can be converted.
bool is_known_charset(std::string_view name);

/// Converts a stream. US-ASCII and unknown charsets are read as UTF-8; ISO-8859-1 as windows-1252, its superset in practice.
class CharsetDecoder {
 public:
  explicit CharsetDecoder(std::string_view charset);
  ~CharsetDecoder();
  CharsetDecoder(CharsetDecoder&&) noexcept;
  CharsetDecoder& operator=(CharsetDecoder&&) noexcept;

  /// Appends the UTF-8 of `in`; an incomplete character at its end waits for the next call.
  void decode(std::string_view in, std::string& out);
  /// Ends the text: an incomplete character becomes U+FFFD, and shift states start anew.
  void finish(std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Whole values.
std::string to_utf8(std::string_view bytes, std::string_view charset);

/// RFC 5051 (i;unicode-casemap): the form in which two texts that differ only in case or compatibility are equal. ASCII goes
/// through without ICU. Broken UTF-8 becomes U+FFFD.
std::string casemap(std::string_view utf8);

/// Warms up ICU (converter tables, normaliser), to be called before a sandbox closes the file system.
void load_charsets();

}  // namespace postern::mime
