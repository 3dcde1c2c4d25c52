// SPDX-License-Identifier: Apache-2.0
// Settings: what auth takes from the configuration, as plain values with units, so that tests need no configuration file.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "config/config.h"
#include "config/live.h"

namespace postern::auth {

/// What one hash costs. The defaults are those of security.md §4.6 (64 MiB, 2 passes: about 43 ms of one core).
struct HashCost {
  std::uint64_t argon2_memory = 64ULL * 1024 * 1024;  ///< bytes, at least 8 KiB
  unsigned argon2_ops = 2;                            ///< passes, at least 1
  unsigned scram_iterations = 65536;                  ///< Cyrus clients refuse more than 65,536
};

/// Which networks may not connect (auth/bans.h).
struct BanRules {
  std::chrono::seconds first{3600};  ///< of the guard's first ban; each further one is four times as long. 0: it bans nobody
  std::chrono::seconds longest{7 * 86'400};  ///< and no longer than this
  std::vector<IpNetwork> never;              ///< never banned: our own and trusted networks
  bool operator==(const BanRules&) const = default;
};

/// Budgets of failed logins. Windows begin with the first failure in them.
struct GuardLimits {
  unsigned address_minute = 10;       ///< failures of one IPv4 address or IPv6 /64 in a minute
  unsigned address_day = 50;          ///< the same in 24 hours
  unsigned network_day = 200;         ///< of an IPv4 /24 or IPv6 /48 in 24 hours
  unsigned account_day = 30;          ///< distinct wrong passwords for one account in 24 hours, from networks it does not know
  unsigned known_network_day = 1000;  ///< the same from a network the account has logged in from; then one in five minutes
  unsigned ban_after = 10;            ///< attempts beyond the budget of a day before an address or network is banned
  unsigned parallel = 20;             ///< attempts of one address under way at once
  std::size_t table_size = 65536;     ///< addresses, networks, and names remembered; the least recently used goes first
  BanRules bans = {};
};

/// The breach list in the data folder (auth/breach_file.h).
inline constexpr const char* breach_file_name = "breach.list";

/// The gate for new passwords.
struct StrengthRules {
  unsigned min_length = 15;  ///< code points
  double min_bits = 33.3;    ///< estimated by zxcvbn: 10^10 guesses
  unsigned history = 3;      ///< the present and former passwords that may not come back; each costs one Argon2id
};

/// What is remembered of logins.
struct RecordRules {
  std::chrono::seconds life{90 * 86400};  ///< 0: nothing is recorded
  std::size_t rows = 1000;                ///< of each account: successes, and failures
  bool new_network_mail = true;
};

struct Settings {
  std::vector<std::string> mechanisms = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};  ///< strongest first
  std::string hostname = "localhost";
  std::filesystem::path key_file;     ///< "auth.key" in the data folder
  std::filesystem::path breach_file;  ///< breach_file_name in the data folder; empty: none is looked for
  HashCost cost;
  StrengthRules strength;
  GuardLimits guard;
  RecordRules record;
  unsigned hash_threads = 2;
  unsigned hash_queue = 64;  ///< logins that wait for a hash thread; one more is Refusal::unavailable
  std::chrono::seconds cache_ttl{600};
  std::size_t cache_size = 10000;      ///< accounts whose password is remembered
  const config::Live* live = nullptr;  ///< when set, `guard`, `record` and `cache_ttl` follow a reload
};

/// Reads everything auth needs from the configuration.
Settings settings_from(const config::Config& config);
/// The same, following reloads; `live` outlives the service.
Settings settings_from(const config::Live& live);

}  // namespace postern::auth
