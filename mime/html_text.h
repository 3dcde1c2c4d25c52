// SPDX-License-Identifier: Apache-2.0
// HtmlText: what a person reads of an HTML page, for searching: tags, comments, scripts and styles gone, character references
// decoded, white space as one space, blocks on lines of their own. Inline tags leave no trace, so "f<b>oo</b>" reads "foo".
//
// A stream: the output does not depend on where the input is cut. It never fails and keeps only a few octets of state; a tag or
// comment that is never closed reaches to the end, as in a browser. Attributes (links, alternative texts) are not text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::mime {

class HtmlText {
 public:
  /// Appends the text of the next octets of well-formed UTF-8.
  void feed(std::string_view utf8, std::string& out);
  /// Appends what is left when the page ends inside of a character reference or after a "<".
  void finish(std::string& out);

 private:
  enum class State : std::uint8_t { text, reference, tag_start, tag, quoted, declaration, comment, raw };
  enum class Gap : std::uint8_t { none, space, line };

  void step(char c, std::string& out);
  void in_text(char c, std::string& out);
  void in_reference(char c, std::string& out);
  void in_tag_start(char c, std::string& out);
  void in_tag(char c);
  void in_declaration(char c);
  void in_comment(char c);
  void in_raw(char c);
  void end_tag();
  void end_reference(std::string& out);
  void put(std::string_view visible, std::string& out);

  State state_ = State::text;
  Gap gap_ = Gap::none;
  bool began_ = false;   ///< something visible was written
  char quote_ = 0;       ///< the open quote in state quoted
  bool naming_ = false;  ///< still in the tag's name
  std::string held_;     ///< reference, or name of the tag, bounded
  std::string raw_end_;  ///< "/script": what ends state raw
  std::uint8_t dashes_ = 0;
};

}  // namespace postern::mime
