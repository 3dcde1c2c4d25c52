// SPDX-License-Identifier: Apache-2.0
// Bans: which networks may not connect, why, and until when. The guard bans who goes on guessing when his budget is used up,
// each time for longer; the admin bans and lifts. Thread-safe; the look-up is cheap enough for every connection.
//
// Invariants: an address on the `never` list is never banned, whatever else is written; a ban of the guard always ends; the guard
// bans an address or one of its networks (/64; /24 and /48), never more; every ban names its reason. Nothing here waits for a
// disk.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "auth/settings.h"
#include "base/clock.h"
#include "base/ip_address.h"
#include "base/result.h"
#include "store/guard_book.h"

namespace postern::auth {

/// How long a ban that is over is remembered, so that the next one is longer.
inline constexpr std::chrono::seconds ban_memory{30 * 86'400};

/// What the admin wants.
struct BanOrder {
  IpNetwork network;
  UnixTime until = 0;  ///< 0: until it is lifted
  std::string note;
};

/// A ban and how many connections it has turned away since the server started.
struct BanInForce {
  store::BanRow row;
  std::uint64_t turned_away = 0;
};

class Bans {
 public:
  Bans(BanRules rules, const Clock& clock);

  /// Takes over what the ledger had kept. Rows that make no sense are left out.
  void load(std::vector<store::BanRow> rows);
  void set_rules(BanRules rules);

  /// True when the address must not connect; counts it as turned away.
  bool turns_away(const IpAddress& address) const;
  /// The ban in force for the address, the narrowest one first.
  std::optional<BanInForce> find(const IpAddress& address) const;
  /// True when the never list has the address.
  bool is_spared(const IpAddress& address) const;

  /// A ban by the guard. Nothing when it bans nobody, when the network is banned already, or when the never list has a part of
  /// it.
  std::optional<store::BanRow> punish(const IpNetwork& network, std::string reason, store::GuardEvidence evidence);
  /// A ban by the admin; takes the place of one of the same network. Error invalid, with the remedy, when the never list has all
  /// of it or the end has passed.
  Result<store::BanRow> add(BanOrder order);
  /// Ends the ban of exactly this network. Error not_found, which names bans of the same addresses.
  Result<store::BanRow> lift(const IpNetwork& network);

  /// By network; with those that are over, when wished.
  enum class Which : std::uint8_t { in_force, all };
  std::vector<BanInForce> list(Which which) const;
  /// Every row that has to do with the address, those that are over too.
  std::vector<BanInForce> about(const IpAddress& address) const;
  std::size_t in_force() const;

 private:
  struct Entry {
    store::BanRow row;
    mutable std::atomic<std::uint64_t> turned_away{0};
  };
  using Rows = std::map<IpNetwork, Entry>;
  const Entry* find_entry(const IpAddress& address) const;
  bool holds(const store::BanRow& row) const;
  Entry& put(const IpNetwork& network, store::BanRow row);
  void forget_old();
  void note_prefixes();

  const Clock& clock_;
  mutable std::shared_mutex mutex_;
  // Under the mutex:
  BanRules rules_;
  Rows rows_;
  std::vector<int> v4_prefixes_, v6_prefixes_;  ///< that occur in rows_, longest first
};

}  // namespace postern::auth
