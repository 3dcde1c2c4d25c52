// SPDX-License-Identifier: Apache-2.0
// What the gate says about a password, as values: for the service's callers, who need no more of the gate (auth/strength.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "mail/identity.h"

namespace postern::auth {

/// Why the gate refuses.
enum class Weakness : unsigned char {
  malformed,  ///< no OpaqueString: controls, unassigned characters, not UTF-8
  too_short,
  too_long,
  common,        ///< a common password or one in disguise
  like_old,      ///< made from the old password
  own_words,     ///< built on the user's name, address or host
  common_words,  ///< dictionary words and little else
  pattern,       ///< repetition, keyboard row, sequence, date
  breached,      ///< on the admin's breach list
  reused         ///< a password of this account before; found by the service, which has the history
};

/// "too_short": as the store, the log and JSON name it.
std::string_view to_string(Weakness weakness);
/// What the admin reads about an existing password: "shorter than the rules allow".
std::string_view describe(Weakness weakness);
/// The weakness with that name, or nothing.
std::optional<Weakness> weakness_named(std::string_view name);

/// A refusal: the sentence for the user has the reason and the remedy and never the password.
struct Objection {
  Weakness weakness = Weakness::common;
  std::string text;
  bool operator==(const Objection&) const = default;
};

/// What came of a judgement, whichever way it ended.
struct Judgement {
  std::optional<Objection> objection;  ///< nothing: accepted
  double bits = 0;                     ///< zxcvbn's estimate of guesses; 0 when an earlier rule decided
  std::string advice;  ///< for an accepted password that a thief of the stored keys might still find; otherwise empty
};

/// Who wants the password, for the words that are guessed early for this user.
struct Person {
  std::string login;                 ///< "alice@example.org"
  std::string name;                  ///< display name
  std::vector<std::string> aliases;  ///< further addresses
};

/// A password that somebody wants.
struct PasswordWish {
  Person person;
  Secret password;  ///< as typed
};

/// A change by who knows the old password.
struct PasswordChange {
  mail::AccountId account = 0;
  Secret old_password;  ///< as typed
  Secret password;      ///< as typed
};

}  // namespace postern::auth
