// SPDX-License-Identifier: Apache-2.0
// Whether a password is one of the common ones in disguise. Attackers apply the same rules to their lists before they try
// anything else: other case, digits for letters, years and signs around, the word twice, the word backwards.
#pragma once

#include <string>
#include <string_view>

namespace postern::auth {

/// True when the password (OpaqueString) is a common password (auth/word_lists.h) after case, accents and width are folded, or
/// is made from one by: digits and signs that look like letters; at most 8 digits or signs before and behind together; the word
/// again, whole or cut, with at most two signs between; all of it backwards.
bool is_common_password(std::string_view password);

/// The folded form with look-alikes as letters and without digits and signs at both ends: "P4ssw0rd!!" is "password". What two
/// passwords have in common when one was made from the other.
std::string password_skeleton(std::string_view password);

}  // namespace postern::auth
