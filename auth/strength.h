// SPDX-License-Identifier: Apache-2.0
// The gate for new passwords (security.md §5, NIST SP 800-63B-4): length, then zxcvbn with the user's own words. No rules of
// composition, no expiry. Messages give the reason and the remedy and never repeat the password.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/settings.h"
#include "base/result.h"
#include "base/secret.h"

namespace postern::auth {

/// What is guessed early for this user: parts of login, display name and host, and our own name; lower case, at least 3 letters.
std::vector<std::string> guessable_words(std::string_view login, std::string_view display_name, std::string_view hostname);

/// Judges a password in OpaqueString form. Error invalid with a sentence for the user.
Result<> check_strength(const Secret& password, const StrengthRules& rules, const std::vector<std::string>& words);

/// zxcvbn's estimate in bits of guesses, of the first 100 code points.
double estimated_bits(const Secret& password, const std::vector<std::string>& words);

}  // namespace postern::auth
