// SPDX-License-Identifier: Apache-2.0
// GuardBook: what auth's guard keeps over a restart: bans with their evidence, and how much of each budget is used up.
// Networks and names are text in the spelling of auth; the store compares them and reads nothing into them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"

namespace postern::store {

/// What failed logins looked like. Never holds a password, nor a name that could not be one of ours: people type passwords
/// where a name belongs.
struct GuardEvidence {
  std::uint64_t failures = 0;  ///< wrong passwords that were looked at
  std::uint64_t refused = 0;   ///< attempts beyond a budget, not looked at
  UnixTime first = 0;
  UnixTime last = 0;
  std::uint64_t imap = 0, pop3 = 0, submission = 0;  ///< failures and refusals by protocol
  std::vector<std::string> names;                    ///< tried first, at most ten; no line ends in them
  std::uint64_t more_names = 0;                      ///< attempts with further names of our domains
  std::uint64_t foreign_names = 0;                   ///< attempts with names that could not be ours
  bool operator==(const GuardEvidence&) const = default;
};

/// A network that may not connect, now or in the past.
struct BanRow {
  std::string network;  ///< "192.0.2.1/32"; the key
  UnixTime since = 0;
  UnixTime until = 0;       ///< 0: until somebody lifts it
  UnixTime lifted = 0;      ///< when somebody did; 0: nobody
  std::uint64_t times = 0;  ///< bans by the guard so far, this one included
  bool by_admin = false;
  std::string reason;
  std::string note;  ///< the admin's
  GuardEvidence evidence;
  bool operator==(const BanRow&) const = default;
};

/// Whose budget.
enum class TallyScope : std::uint8_t {
  address = 1,       ///< "192.0.2.1" or "2001:db8::/64"
  network = 2,       ///< "192.0.2.0/24" or "2001:db8::/48"
  account = 3,       ///< a name: failures from networks that it does not know
  known_network = 4  ///< "192.0.2.0/24 name": failures from a network that it knows
};

/// How much of one budget is used up.
struct TallyRow {
  TallyScope scope = TallyScope::address;
  std::string key;
  UnixTime since = 0;       ///< the day that is counted began
  std::uint64_t count = 0;  ///< failures since then
  GuardEvidence evidence;   ///< of addresses and networks
  bool operator==(const TallyRow&) const = default;
};

struct GuardMemory {
  std::vector<BanRow> bans;       ///< by network
  std::vector<TallyRow> tallies;  ///< oldest first
};

/// Rows that replace those with the same key. Then what is old goes.
struct GuardChanges {
  std::vector<BanRow> bans;
  std::vector<TallyRow> tallies;
  std::vector<TallyRow> forgotten;  ///< by scope and key
  UnixTime bans_before = 0;         ///< bans that were over before that moment go
  UnixTime tallies_before = 0;      ///< tallies whose day began before it go
};

class GuardBook {
 public:
  virtual ~GuardBook() = default;
  /// Everything. Waits for what was noted before; for the start, not for a session. Error unavailable when closed.
  virtual Result<GuardMemory> recall() = 0;
  /// Written some time soon, many at once. Never waits; when far too much waits already it is dropped, which is logged.
  virtual void note(GuardChanges changes) = 0;
  /// The same, and returns when it is written. Errors: io, no_space, unavailable.
  virtual async::Task<Result<>> save(GuardChanges changes) = 0;
};

}  // namespace postern::store
