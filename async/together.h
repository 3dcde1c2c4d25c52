// SPDX-License-Identifier: Apache-2.0
// together(): runs several coroutines at once on the executor of the one that awaits it, and ends when all of them have. They
// may use what their parent holds: it resumes only after the last one, also when it is cancelled, which cancels them.
#pragma once

#include <vector>

#include "async/task.h"

namespace postern::async {

/// The first exception that left one of them leaves this, once all have ended.
Task<> together(std::vector<Task<>> tasks);

/// The same for tasks that are at hand one by one: `co_await together(all(one(), two()))`.
template <class... Tasks>
std::vector<Task<>> all(Tasks... tasks) {
  std::vector<Task<>> out;
  out.reserve(sizeof...(tasks));
  (out.push_back(std::move(tasks)), ...);
  return out;
}

/// Leaves in `out` what the task gives: `co_await together(all(keep(one(), first), keep(two(), second)))`.
template <class T>
Task<> keep(Task<T> task, T& out) {
  out = co_await std::move(task);
}

}  // namespace postern::async
