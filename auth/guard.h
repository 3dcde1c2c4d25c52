// SPDX-License-Identifier: Apache-2.0
// Guard: budgets of failed logins per address (/32, /64), network (/24, /48) and account (security.md §1.6, D73, D74). Who goes
// on beyond his budget is banned for a while (auth/bans.h).
//
// Invariants: a network from which the account has logged in keeps a budget of its own, which a stranger cannot use up, and is
// never locked out altogether; failures there cost nobody else anything, and nobody there is banned by the guard. Names that do
// not exist are treated like those that do, also over a restart. Attempts under way count as if they failed, so that many at once
// get no more than one after the other. Thread-safe; tables are bounded, their hashes seeded; passwords are seen as keyed hashes
// only.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "auth/bans.h"
#include "auth/service.h"
#include "auth/settings.h"
#include "base/clock.h"
#include "base/secret.h"
#include "store/credentials.h"
#include "store/guard_book.h"

namespace postern::auth {

/// Who tries: the address as text and the name as it will be looked up.
struct Attempt {
  std::string ip;
  std::string name;
  Protocol protocol = Protocol::imap;
  bool ours = true;  ///< the name has a domain of ours, so that it may be written down
};

/// Why an attempt is not looked at.
enum class Stop : unsigned char {
  banned,          ///< the address was banned while its connection was open
  busy,            ///< too many attempts of the address under way
  address_minute,  ///< the address has failed too often in this minute
  address_day,
  network_day,
  account_day,   ///< the account has been tried too often from networks that it does not know
  known_network  ///< the account has been tried very often from this network that it knows
};
inline constexpr std::size_t stops = static_cast<std::size_t>(Stop::known_network) + 1;
/// "address_day", for metrics; and a sentence for the log.
std::string_view to_string(Stop stop);
std::string_view describe(Stop stop);

/// What the guard knows about an address, for `postern ban explain`.
struct AddressReport {
  struct Budget {
    std::string key;  ///< "192.0.2.1", "192.0.2.0/24"
    unsigned used = 0;
    unsigned limit = 0;
    UnixTime renewed = 0;  ///< when it is whole again; 0: it is
    store::GuardEvidence evidence;
  };
  bool spared = false;           ///< on the never list
  std::vector<BanInForce> bans;  ///< of it and of networks around it, also those that are over
  std::optional<BanInForce> in_force;
  Budget minute, day, network;
  std::vector<std::string> known_to;  ///< accounts that log in from its network
};
/// The same about an account's name.
struct NameReport {
  AddressReport::Budget strangers;                    ///< from networks that it does not know
  std::vector<AddressReport::Budget> known_networks;  ///< used last first
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

  /// An error when a budget is used up: Refusal::throttled, before any hashing.
  std::expected<Permit, Stop> admit(const Attempt& attempt);
  /// Forgets refused passwords and failures of a name whose password has changed.
  void forget(std::string_view name);
  /// The account is gone: its networks are no longer known either.
  void remove(std::string_view name);
  /// Forgets the failures of an address and its network: the admin has lifted its ban.
  void pardon(const IpNetwork& network);
  /// Other budgets from now on; the size of the tables stays.
  void set_limits(const GuardLimits& limits);

  /// Takes over what was kept, before the first attempt. Names as in Attempt.
  void load(const store::GuardMemory& memory);
  void learn(const std::string& name, const store::KnownNetwork& network);
  /// What has changed since the last call, for the ledger.
  store::GuardChanges collect();
  /// Who hears of each ban that the guard makes; before the first attempt.
  void on_ban(std::function<void(const store::BanRow&)> hear);

  Bans& bans();
  /// Accounts that log in from this network or a part of it, or from one that it is a part of.
  std::vector<std::string> known_to(const IpNetwork& network) const;
  AddressReport report(const IpAddress& address) const;
  NameReport report(const std::string& name) const;
  /// Addresses, networks and names remembered now.
  std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace postern::auth
