// SPDX-License-Identifier: Apache-2.0
// NameServerWatch: remembers for a short time that the name server is silent, so that not every message waits for it anew. A
// question without an answer in time only raises a doubt, because it may be the asked domain that is slow; what decides is a
// question of our own, about a name below ours that nobody remembers. While the server is silent that question is repeated in
// the background, and the questions of messages wait only as long as a remembered answer takes.
#pragma once

#include <chrono>
#include <memory>

#include "async/task.h"
#include "async/task_group.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/live.h"
#include "dns/resolver.h"

namespace postern::policy {

/// How long our own question may take before the server counts as silent.
inline constexpr std::chrono::milliseconds name_server_patience{2000};
/// How long a silent server is left alone before it is asked again.
inline constexpr std::chrono::seconds name_server_rest{5};
/// How long a message waits for an answer while the server is silent: enough for one that the resolver remembers.
inline constexpr std::chrono::milliseconds silent_patience{50};

/// Thread-safe.
class NameServerWatch {
 public:
  /// All outlive the watch; `tasks` owns the questions.
  struct Parts {
    dns::Resolver& resolver;
    const config::Live& config;
    const Clock& clock;
    Log& log;
    async::TaskGroup& tasks;
  };
  explicit NameServerWatch(Parts parts);

  /// How long to wait for an answer, of the time that there is. Asks a silent server again when it has rested.
  std::chrono::milliseconds patience(std::chrono::milliseconds limit, const async::Executor& executor);
  /// A question had no answer in time.
  void unanswered(const async::Executor& executor);
  bool silent() const;

 private:
  struct State;
  void probe(const async::Executor& executor);
  std::shared_ptr<State> state_;
};

}  // namespace postern::policy
