// SPDX-License-Identifier: Apache-2.0
// The gate: one judgement for every way a password can be set (security.md §5, NIST SP 800-63B-4). In this order: length, common
// passwords in any disguise, likeness to the old one, zxcvbn with the user's own words, breach list. No rules of composition, no
// expiry. Each refusal gives the reason and the remedy and never repeats the password; the first one decides.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/breach_list.h"
#include "auth/judgement.h"
#include "auth/settings.h"
#include "base/result.h"
#include "base/secret.h"

namespace postern::auth {

/// What the gate knows about the user.
struct Subject {
  std::vector<std::string> words;      ///< of guessable_words()
  std::optional<Secret> old_password;  ///< when it is known: the new one must not be made from it
};

/// Parts of login, aliases, display name and host, and our own name; lower case, each once, at least 3 letters. Local parts also
/// without their dots ("alice.smith" gives "alice", "smith" and "alicesmith").
std::vector<std::string> guessable_words(const Person& person, std::string_view hostname);

class Gate {
 public:
  /// `breached` is shared by everybody who judges; without one that rule is skipped.
  explicit Gate(StrengthRules rules, std::shared_ptr<BreachList> breached = nullptr);

  /// The whole way of a password as typed: OpaqueString, then judge().
  Judgement judge_typed(const Secret& password, const Subject& subject) const;
  /// Judges a password in OpaqueString form. Thread-safe; takes at most a few milliseconds of CPU, so not on an I/O thread.
  Judgement judge(const Secret& password, const Subject& subject) const;
  /// A passphrase or an app-style password (auth/passphrase.h) that this gate accepts for this user.
  Secret generate(unsigned words, const Subject& subject) const;

  const StrengthRules& rules() const { return rules_; }
  /// Changes when another breach list is in place: judgements before may differ from those after.
  std::uint64_t edition() const;

 private:
  StrengthRules rules_;
  std::shared_ptr<BreachList> breached_;
};

/// zxcvbn's estimate in bits of guesses, of the first 100 code points; less for repetitions and scripts that it does not know.
double estimated_bits(const Secret& password, const std::vector<std::string>& words);

}  // namespace postern::auth
