// SPDX-License-Identifier: Apache-2.0
// Who wants a password, as the gate wants to know it, from the directory.
#pragma once

#include <string>
#include <vector>

#include "auth/directory.h"
#include "auth/strength.h"

namespace postern::auth {

/// The account with its aliases.
Person person_of(const Directory& directory, const store::AccountRow& account);
/// What is guessed early for this account.
std::vector<std::string> words_of(const Directory& directory, const store::AccountRow& account, std::string_view hostname);

}  // namespace postern::auth
