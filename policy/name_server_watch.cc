// SPDX-License-Identifier: Apache-2.0
// One flag, and one question under way at most.
#include "policy/name_server_watch.h"

#include <mutex>

#include "base/random.h"
#include "policy/timed_resolver.h"

namespace postern::policy {
namespace {

/// Nobody can have the answer to it in memory.
std::string fresh_name(const std::string& hostname) {
  constexpr std::size_t random_characters = 12;
  return "alive-" + random::token(random_characters) + '.' + hostname;
}

}  // namespace

struct NameServerWatch::State {
  explicit State(Parts given) : parts(given) {}

  static async::Task<> ask(std::shared_ptr<State> state, async::Executor executor) {
    auto& parts = state->parts;
    const auto name = fresh_name(parts.config.get()->server.hostname);
    const auto answer = co_await ask_within({parts.resolver, parts.tasks, executor}, {name, dns::Type::a}, name_server_patience);
    state->conclude(answer && !dns::is_temporary(answer->status));
  }

  void conclude(bool answers) {
    const std::lock_guard lock(mutex);
    asking = false;
    if (answers && silent) parts.log.info("dns", "name server answers again");
    if (!answers && !silent) {
      parts.log.warning("dns", "name server is silent",
                        {{"effect", "rules and authentication on port 25 go without it until it answers"}});
    }
    silent = !answers;
    ask_again = parts.clock.steady() + name_server_rest;
  }

  Parts parts;
  mutable std::mutex mutex;
  bool silent = false;
  bool asking = false;
  Clock::Steady ask_again;
};

NameServerWatch::NameServerWatch(Parts parts) : state_(std::make_shared<State>(parts)) {}

bool NameServerWatch::silent() const {
  const std::lock_guard lock(state_->mutex);
  return state_->silent;
}

void NameServerWatch::probe(const async::Executor& executor) {
  if (state_->parts.tasks.spawn(executor, State::ask(state_, executor))) return;
  const std::lock_guard lock(state_->mutex);
  state_->asking = false;
}

std::chrono::milliseconds NameServerWatch::patience(std::chrono::milliseconds limit, const async::Executor& executor) {
  bool again = false;
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->silent) return limit;
    again = !state_->asking && state_->parts.clock.steady() >= state_->ask_again;
    if (again) state_->asking = true;
  }
  if (again) probe(executor);
  return std::min(limit, silent_patience);
}

void NameServerWatch::unanswered(const async::Executor& executor) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->silent || std::exchange(state_->asking, true)) return;
  }
  probe(executor);
}

}  // namespace postern::policy
