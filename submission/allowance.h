// SPDX-License-Identifier: Apache-2.0
// Allowance: how much one account may send, so that a stolen password is worth little (security.md D78). Counts messages and
// recipients in a sliding hour and a sliding day, and in a day those elsewhere to whom the account had never written.
// What goes beyond suspends sending, not reading: until a time, or until the admin resumes it. Whoever wants to know is told
// once.
//
// Counts, known recipients and suspensions are kept in the ledger as well (store/sending_book.h), so that a restart forgives
// nothing; the steady clock counts, so that setting the wall clock forgives nothing either. Thread-safe. Memory: one small ring
// for each account that sent within a day, eight octets for each recipient that is remembered.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "mail/address.h"
#include "mail/identity.h"
#include "store/sending_book.h"
#include "submission/sliding_day.h"

namespace postern::submission {

struct AllowanceLimits {
  std::uint32_t messages_per_hour = 300;
  std::uint32_t recipients_per_hour = 2'000;
  std::uint32_t messages_per_day = 2'000;
  std::uint32_t recipients_per_day = 10'000;
  std::uint32_t new_recipients_per_day = 500;
  std::chrono::seconds suspend_for{86'400};  ///< 0: until the admin resumes
};

/// What a message, or a part of it, would use.
struct Spending {
  std::size_t recipients = 1;
  std::vector<std::uint64_t> outside;  ///< of them elsewhere, by recipient_hash()
};

/// Names a recipient in counts and in the ledger.
std::uint64_t recipient_hash(const mail::Address& address);

class Allowance {
 public:
  /// Recipients elsewhere that are remembered for an account, and for how long after the last message.
  static constexpr std::size_t most_known = 50'000;
  static constexpr std::chrono::hours known_for{24 * 365};

  explicit Allowance(const Clock& clock, const AllowanceLimits& limits = {}, store::SendingBook* book = nullptr);

  /// What accounts without numbers of their own may send.
  const AllowanceLimits& limits() const { return limits_; }
  /// Called once for each suspension, outside of locks, on the thread of the session that caused it. Before the first use.
  void on_suspension(std::function<void(store::SuspensionRow)> told) { told_ = std::move(told); }

  /// The suspension in force, if there is one.
  std::optional<store::SuspensionRow> suspension(mail::AccountId account);
  /// Whether one more message that uses so much still fits. Going beyond suspends the account.
  bool permits(mail::AccountId account, const Spending& what, const AllowanceLimits& limits);
  /// Counts a message that was accepted. False, and nothing counted, when it does not fit any more.
  bool spend(mail::AccountId account, const Spending& what, const AllowanceLimits& limits);
  /// Sending goes on, with a fresh hour and day. False when it was not suspended.
  bool resume(mail::AccountId account);
  /// All suspensions in force.
  std::vector<store::SuspensionRow> suspensions();

 private:
  struct Slot {
    std::uint32_t messages = 0;
    std::uint32_t recipients = 0;
    std::uint32_t fresh = 0;
    Slot& operator+=(const Slot& more);
  };
  using Used = SlidingDay<Slot>;

  Used& current(mail::AccountId account);
  std::uint32_t count_fresh(mail::AccountId account, const Spending& what) const;
  /// Why it does not fit, for people; empty when it does.
  std::string objection(mail::AccountId account, const Spending& what, const AllowanceLimits& limits);
  std::optional<store::SuspensionRow> in_force(mail::AccountId account);
  void suspend(mail::AccountId account, std::string reason, const AllowanceLimits& limits);
  void recall();
  void note(mail::AccountId account, const Slot& more, const Spending& what);

  const Clock& clock_;
  AllowanceLimits limits_;
  store::SendingBook* book_;
  std::function<void(store::SuspensionRow)> told_;
  std::mutex mutex_;
  std::unordered_map<mail::AccountId, Used> used_;
  std::unordered_map<mail::AccountId, std::unordered_set<std::uint64_t>> known_;
  std::unordered_map<mail::AccountId, store::SuspensionRow> suspended_;
};

}  // namespace postern::submission
