// SPDX-License-Identifier: Apache-2.0
// How a command comes to a password: the one that was given, when the gate takes it, or a fresh one. The same for every command
// that makes or changes an account.
#pragma once

#include <string>

#include "admin/control.h"
#include "auth/judgement.h"
#include "base/secret.h"

namespace postern::admin {

/// A password that the gate accepted, or a hash of one that nobody here knows.
struct ChosenPassword {
  Secret password;
  bool generated = false;
  std::string advice;  ///< for one that could be better; otherwise empty
  std::string hash;    ///< of another server; then the rest is empty
};

/// From the arguments "password", or "hash", or "words" (a number) and "app_style" (a flag) for a fresh one. Errors: invalid,
/// with the gate's reason and remedy or what is wrong with the arguments; unavailable.
async::Task<Result<ChosenPassword>> choose_password(Context context, auth::Person person, Arguments arguments);

/// Gives it to the account. Errors: as set_password() and Office::set_imported().
async::Task<Result<>> set_chosen(Context context, store::AccountId account, const ChosenPassword& chosen);

/// Puts the password (only a generated one) and the advice into an answer.
void tell_password(boost::json::object& answer, const ChosenPassword& chosen);

}  // namespace postern::admin
