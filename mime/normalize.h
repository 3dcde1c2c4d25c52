// SPDX-License-Identifier: Apache-2.0
// Unicode normalisation of UTF-8 text, for names that must compare equal however they were typed.
#pragma once

#include <string>
#include <string_view>

namespace postern::mime {

/// Normalization Form C (Unicode Standard Annex 15). Broken UTF-8 becomes U+FFFD; ASCII goes through unchanged.
std::string nfc(std::string_view utf8);

}  // namespace postern::mime
