// SPDX-License-Identifier: Apache-2.0
// AccountChoice: how rooms that know no directory ask what an account has chosen (auth/account_settings.h).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "mail/identity.h"

namespace postern::auth {

/// The account's value of a setting in canonical form, "" when it has none. May be empty itself: nobody has chosen anything.
using AccountChoice = std::function<std::string(mail::AccountId account, std::string_view setting)>;

/// Names of settings that mail protocols ask for.
inline constexpr std::string_view imap_capabilities_off = "imap_capabilities_off";
inline constexpr std::string_view pop3_to_trash = "pop3_to_trash";
inline constexpr std::string_view pop3_folders = "pop3_folders";
inline constexpr std::string_view pop3_login_delay = "pop3_login_delay";

inline std::string choice_of(const AccountChoice& choice, mail::AccountId account, std::string_view setting) {
  return choice ? choice(account, setting) : std::string();
}

}  // namespace postern::auth
