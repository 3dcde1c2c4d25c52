// SPDX-License-Identifier: Apache-2.0
// TaskGroup: the owner of coroutines. Every coroutine of the program is spawned here, and nowhere else.
//
// Stopping has two phases: request_stop() asks (the stop event, the gentle hooks), wait()/join() waits with a limit, cancel()
// insists: each coroutine leaves its next co_await by an exception. An exception that leaves a coroutine is logged once.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "async/event.h"
#include "async/task.h"
#include "base/log.h"

namespace postern::async {

/// Thread-safe.
class TaskGroup {
 public:
  /// `name` appears in the log as the area of failures.
  TaskGroup(Log& log, std::string name);
  /// Cancels what still runs; does not wait. The coroutines must not use what is destroyed before their executor is.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts the coroutine on the executor. After request_stop() it does nothing and gives false.
  /// `on_stop`, when given, runs on the executor at request_stop() if the coroutine has not ended by then.
  bool spawn(Executor executor, Task<> task, std::function<void()> on_stop = {});

  /// Coroutines that have not ended.
  std::size_t size() const;
  bool stopping() const;
  /// Its sequence becomes 1 at request_stop(); for subscribe() and wait_beyond(0).
  Event& stop_event();

  void request_stop();
  void cancel();
  /// Waits until no coroutine is left; false when the limit passed first.
  Task<bool> wait(std::chrono::milliseconds limit);
  /// The same for a thread that runs no executor.
  bool join(std::chrono::milliseconds limit);
  /// request_stop, join(gentle), cancel, join(hard). True when everything ended.
  bool stop_and_join(std::chrono::milliseconds gentle, std::chrono::milliseconds hard);

  struct Shared;

 private:
  std::shared_ptr<Shared> shared_;
};

}  // namespace postern::async
