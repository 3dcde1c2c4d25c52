// SPDX-License-Identifier: Apache-2.0
// The lexical tokens that structured header fields share: white space with comments, quoted strings, atoms.
// All move a Cursor forward only, so whatever is built of them is linear; nesting is counted, never recursed (D32).
#pragma once

#include <string>
#include <string_view>

#include "base/ascii.h"
#include "base/cursor.h"

namespace postern::mime {

// atext = ALPHA / DIGIT / "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "/" / "=" / "?" / "^" / "_" / "`" / "{" / "|" /
// "}" / "~" RFC 5322 §3.2.3, with UTF-8 of RFC 6532 §3.2
constexpr bool is_atext(char c) {
  return ascii::is_alnum(c) || ascii::is_eight_bit(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c);
}

/// White space and line ends.
constexpr bool is_fws(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// What a token function met, for callers that care.
struct Lexical {
  std::string comment;  ///< text of the last comment, unquoted
  bool broken = false;  ///< a comment or quoted string was never closed
};

/// Skips white space, line ends and comments nested to any depth. RFC 5322 §3.2.2.
void skip_cfws(Cursor& in, Lexical* seen = nullptr);

/// The cursor is at a double quote: consumes the quoted string and gives its content without quotes, backslashes and line ends.
/// An unclosed one reaches to the end. RFC 5322 §3.2.4.
std::string take_quoted(Cursor& in, Lexical* seen = nullptr);

/// `text` as a quoted string; quotes and backslashes are escaped.
std::string quote(std::string_view text);

}  // namespace postern::mime
