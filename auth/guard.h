// SPDX-License-Identifier: Apache-2.0
// Guard: budgets of failed logins per client address and per account (security.md §1.6, D73, D74), in memory.
// A network from which the account has logged in keeps a budget of its own, so that a guessing stranger locks nobody out.
// Names that do not exist are treated like those that do. Thread-safe; both tables are bounded, their keys are seeded hashes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "auth/settings.h"
#include "base/clock.h"
#include "base/secret.h"

namespace postern::auth {

/// Who tries: the address as text and the name as it will be looked up.
struct Attempt {
  std::string ip;
  std::string name;
};

class Guard {
 public:
  Guard(GuardLimits limits, const Clock& clock);
  ~Guard();

  /// Leave for one attempt. Counts as under way while it lives; tell it how the attempt ended, or nothing when we failed.
  class Permit {
   public:
    Permit(Permit&& other) noexcept;
    Permit& operator=(Permit&&) = delete;
    ~Permit();
    /// True when exactly this password was refused for this name lately: it costs neither a hash nor budget (D74).
    bool known_wrong(const Secret& password) const;
    void failed(const Secret& password);
    /// A failure that shows no password (SCRAM).
    void failed();
    void succeeded();

   private:
    friend class Guard;
    struct Release;
    explicit Permit(std::unique_ptr<Release> release);
    std::unique_ptr<Release> release_;
  };

  /// Nothing when a budget is used up: Refusal::throttled, before any hashing.
  std::optional<Permit> admit(const Attempt& attempt);
  /// Forgets refused passwords and failures of a name whose password has changed.
  void forget(std::string_view name);
  /// Other budgets from now on; the size of the tables stays.
  void set_limits(const GuardLimits& limits);
  /// Addresses and names remembered now.
  std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace postern::auth
