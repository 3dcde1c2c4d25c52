// SPDX-License-Identifier: Apache-2.0
// Deadline: one lazily re-armed timer. Moving a deadline into the future, the common case of a busy session, costs a store;
// the timer is touched only when it fires early or the deadline comes nearer. Used on one executor only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "async/task.h"

namespace postern::async {

class Deadline {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// `on_expiry` runs on the executor; it may set() again. It never runs after the Deadline is destroyed.
  Deadline(Executor executor, std::function<void()> on_expiry);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void set(Time at);
  /// No expiry until the next set().
  void clear();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace postern::async
