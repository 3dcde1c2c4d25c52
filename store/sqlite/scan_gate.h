// SPDX-License-Identifier: Apache-2.0
// ScanGate: one long scan of an account at a time; others of the same account wait in line. So nobody gets more of the lane for
// long work by asking more often. Thread-safe.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "async/completion.h"
#include "base/result.h"
#include "store/ids.h"

namespace postern::store::sqlite {

class ScanGate {
 public:
  /// Scans of one account that may wait.
  static constexpr std::size_t max_waiting = 64;

  /// The right to scan; gives it on to the next one when it goes.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), account_(other.account_) {}
    Ticket& operator=(Ticket&& other) noexcept {
      leave();
      gate_ = std::exchange(other.gate_, nullptr);
      account_ = other.account_;
      return *this;
    }
    ~Ticket() { leave(); }

   private:
    friend class ScanGate;
    Ticket(ScanGate& gate, AccountId account) : gate_(&gate), account_(account) {}
    void leave() {
      if (gate_) std::exchange(gate_, nullptr)->next(account_);
    }
    ScanGate* gate_ = nullptr;
    AccountId account_ = 0;
  };

  /// Waits for its turn. Error limit when too many wait. The gate must outlive the ticket.
  async::Task<Result<Ticket>> enter(AccountId account);

 private:
  using Line = std::deque<async::Promise<Ticket>>;
  void next(AccountId account);

  std::mutex mutex_;
  std::unordered_map<AccountId, Line> lines_;  ///< an account is here while one of its scans runs
};

}  // namespace postern::store::sqlite
