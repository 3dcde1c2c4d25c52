// SPDX-License-Identifier: Apache-2.0
// The one place where configuration keys become auth::Settings.
#include "auth/settings.h"

namespace postern::auth {
namespace {

std::vector<IpNetwork> never_banned(const config::Config& config) {
  std::vector<IpNetwork> out;
  for (const auto* list : {&config.auth.never_ban, &config.trusted.networks}) {
    for (const auto& network : *list) {
      if (auto parsed = IpNetwork::parse(network.to_string())) out.push_back(*parsed);
    }
  }
  return out;
}

}  // namespace

Settings settings_from(const config::Config& config) {
  Settings out;
  out.mechanisms = config.auth.mechanisms;
  out.hostname = config.server.hostname;
  out.key_file = config.server.data_dir / "auth.key";
  out.cost = {.argon2_memory = config.auth.argon2_memory,
              .argon2_ops = config.auth.argon2_ops,
              .scram_iterations = config.auth.scram_iterations};
  out.strength.min_length = config.auth.min_password_length;
  out.strength.min_bits = config.auth.zxcvbn_bits;
  out.strength.history = config.auth.password_history;
  out.breach_file = config.server.data_dir / breach_file_name;
  out.guard.address_minute = config.auth.failures_per_minute;
  out.guard.address_day = config.auth.failures_per_day;
  out.guard.network_day = config.auth.network_failures_per_day;
  out.guard.account_day = config.auth.account_failures_per_day;
  out.guard.bans = {.first = config.auth.ban_first, .longest = config.auth.ban_longest, .never = never_banned(config)};
  out.hash_threads = config.auth.hash_threads;
  out.hash_queue = config.auth.hash_queue;
  out.cache_ttl = config.auth.cache_ttl;
  out.record = {.life = config.auth.login_record,
                .rows = static_cast<std::size_t>(config.auth.login_record_rows),
                .new_network_mail = config.auth.new_network_mail};
  return out;
}

Settings settings_from(const config::Live& live) {
  auto out = settings_from(*live.get());
  out.live = &live;
  return out;
}

}  // namespace postern::auth
