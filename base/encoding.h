// SPDX-License-Identifier: Apache-2.0
// Base64, hex and percent encoding of whole values (streams of a message body: mime/transfer_encoding).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postern {

/// RFC 4648 §4, padded, no line breaks.
std::string base64_encode(std::string_view bytes);
/// Strict: alphabet, padding and unused bits must be right, nothing else may occur. Error: invalid.
Result<std::string> base64_decode(std::string_view text);
/// Lower-case hex.
std::string hex_encode(std::string_view bytes);
Result<std::string> hex_decode(std::string_view text);
/// RFC 3986 §2.1: everything but unreserved characters becomes %XX.
std::string percent_encode(std::string_view text);
/// Error: invalid, on a broken % sequence.
Result<std::string> percent_decode(std::string_view text);

/// True when the bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
bool is_utf8(std::string_view bytes);
/// Octets of the well-formed UTF-8 sequence at the start of bytes (1–4), or 0 when there is none.
std::size_t utf8_sequence(std::string_view bytes);

}  // namespace postern
