// SPDX-License-Identifier: Apache-2.0
// Encoded words of RFC 2047 in both directions. What comes out of decoding is well-formed UTF-8 without control
// characters (TAB excepted), so that it can never end a line or a header (security.md D34). Linear time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::mime {

/// Longest encoded word (RFC 2047 §2).
inline constexpr std::size_t max_encoded_word = 75;

/// Decodes an unstructured value or a phrase, folded or not. Octets that are no UTF-8 become U+FFFD.
std::string decode_words(std::string_view text);

/// UTF-8 text as an unstructured header value: unchanged when it is printable ASCII without "=?", else as encoded words, which
/// are separated by single spaces (folding is the writer's work). CR, LF and other controls become spaces.
std::string encode_words(std::string_view utf8);
/// UTF-8 text as a phrase before an address: atoms, a quoted string, or encoded words (RFC 5322 §3.2.5, RFC 2047 §5).
std::string encode_phrase(std::string_view utf8);

/// Controls (all but TAB) to spaces and broken UTF-8 to U+FFFD: for text of others that goes into a header, log or page.
std::string clean_text(std::string_view text);

}  // namespace postern::mime
