// SPDX-License-Identifier: Apache-2.0
// The one place where configuration keys become auth::Settings.
#include "auth/settings.h"

namespace postern::auth {

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
