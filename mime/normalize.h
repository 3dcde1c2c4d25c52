// SPDX-License-Identifier: Apache-2.0
// Unicode normalisation of UTF-8 text, for names that must compare equal however they were typed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::mime {

/// Normalization Form C (Unicode Standard Annex 15). Broken UTF-8 becomes U+FFFD; ASCII goes through unchanged.
std::string nfc(std::string_view utf8);

/// Of ICU's tables: major << 8 | minor. What normal forms and case mapping give may change with it.
std::uint16_t unicode_version();

}  // namespace postern::mime
