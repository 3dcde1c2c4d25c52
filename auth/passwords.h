// SPDX-License-Identifier: Apache-2.0
// Passwords as text: the PRECIS OpaqueString form in which they are compared, hashed and judged, and the generator.
// Every password that enters auth goes through opaque_string() once, so that two ways of typing it are one password.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace postern::auth {

/// Longest password, in octets of UTF-8 and in code points.
inline constexpr std::size_t max_password_octets = 512;
inline constexpr std::size_t max_password_length = 128;

/// RFC 8265 §4.2.2: checks that every code point is of the FreeformClass, maps spaces to U+0020 and normalises to NFC.
/// Errors: invalid (not UTF-8, a control or unassigned code point, a context rule, empty), too_large. The texts say what
/// is wrong without repeating the password.
Result<Secret> opaque_string(std::string_view password);

/// Number of code points of well-formed UTF-8.
std::size_t code_points(std::string_view utf8);

/// A fresh password of 100 random bits: "k3vq2-…", four groups of five lower-case base32 characters.
Secret generate_password();

}  // namespace postern::auth
