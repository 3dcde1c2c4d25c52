// SPDX-License-Identifier: Apache-2.0
// TaskGroup: a list of entries under a mutex; each entry's signal and hook are touched only on the entry's executor.
#include "async/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <condition_variable>
#include <list>
#include <mutex>

#include "async/completion.h"
#include "async/deadline.h"
#include "async/executor.h"

namespace postern::async {

namespace asio = boost::asio;

namespace {

struct Entry {
  Executor executor;
  asio::cancellation_signal signal;
  std::function<void()> on_stop;
  bool done = false;
  // The next two are under the group's mutex: the signal belongs to the spawning thread until the coroutine is launched.
  bool launched = false;
  bool cancel_at_launch = false;
};

/// What left a coroutine, for the log; empty for what a cancelled coroutine throws.
std::string describe(const std::exception_ptr& error) {
  if (!error) return {};
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& failure) {
    return failure.code() == asio::error::operation_aborted ? std::string() : failure.what();
  } catch (const BrokenPromise&) {
    return {};
  } catch (const std::exception& failure) {
    return failure.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace

struct TaskGroup::Shared {
  Shared(Log& given_log, std::string given_name) : log(&given_log), name(std::move(given_name)) {}
  std::mutex mutex;
  std::condition_variable changed;
  Log* log;  ///< null once the group is destroyed
  const std::string name;
  std::list<std::shared_ptr<Entry>> entries;
  bool stopping = false;
  Event stop_event;
  Event idle_event;  ///< published whenever the last coroutine has ended

  void ended(std::list<std::shared_ptr<Entry>>::iterator position, const std::exception_ptr& error) {
    const std::string reason = describe(error);
    std::unique_lock lock(mutex);
    (*position)->done = true;
    (*position)->on_stop = nullptr;
    entries.erase(position);
    if (!reason.empty() && log != nullptr) log->error(name, "task failed", {{"reason", reason}});
    if (!entries.empty()) return;
    changed.notify_all();
    lock.unlock();
    idle_event.publish();
  }

  static void on_its_executor(const std::shared_ptr<Entry>& entry, void (*act)(Entry&)) {
    post(entry->executor, [entry, act] {
      if (!entry->done) act(*entry);
    });
  }

  void run_hooks() {
    const std::lock_guard lock(mutex);
    for (const auto& entry : entries) {
      on_its_executor(entry, [](Entry& asked) {
        if (asked.on_stop) asked.on_stop();
      });
    }
  }

  void cancel_all() {
    const std::lock_guard lock(mutex);
    for (const auto& entry : entries) {
      entry->cancel_at_launch = true;
      if (entry->launched) on_its_executor(entry, emit);
    }
  }

  /// From here on the entry's signal is touched only on its executor. Catches up on a cancel() that came too early: one that
  /// reaches Asio's own first co_await leaves co_spawn by an exception, which would end the process.
  void launched(const std::shared_ptr<Entry>& entry) {
    const std::lock_guard lock(mutex);
    entry->launched = true;
    if (entry->cancel_at_launch) on_its_executor(entry, emit);
  }

 private:
  static void emit(Entry& entry) { entry.signal.emit(asio::cancellation_type::terminal); }
};

namespace {

/// Called when the coroutine ends; when its loop is destroyed first, its own destruction counts as the end.
class Ended {
 public:
  Ended(std::shared_ptr<TaskGroup::Shared> shared, std::list<std::shared_ptr<Entry>>::iterator position)
      : shared_(std::move(shared)), entry_(*position), position_(position) {}
  Ended(Ended&&) noexcept = default;
  ~Ended() {
    if (shared_) shared_->ended(position_, nullptr);
  }
  void operator()(const std::exception_ptr& error) { std::exchange(shared_, nullptr)->ended(position_, error); }

 private:
  std::shared_ptr<TaskGroup::Shared> shared_;
  std::shared_ptr<Entry> entry_;  ///< its signal outlives the call
  std::list<std::shared_ptr<Entry>>::iterator position_;
};

}  // namespace

TaskGroup::TaskGroup(Log& log, std::string name) : shared_(std::make_shared<Shared>(log, std::move(name))) {}

TaskGroup::~TaskGroup() {
  request_stop();
  cancel();
  const std::lock_guard lock(shared_->mutex);
  shared_->log = nullptr;
}

bool TaskGroup::spawn(Executor executor, Task<> task, std::function<void()> on_stop) {
  const auto shared = shared_;  // the coroutine may run at once, and end the group
  auto entry = std::make_shared<Entry>();
  entry->executor = executor;
  entry->on_stop = std::move(on_stop);
  std::unique_lock lock(shared->mutex);
  if (shared->stopping) return false;
  const auto position = shared->entries.insert(shared->entries.end(), entry);
  lock.unlock();
  asio::co_spawn(executor, std::move(task), asio::bind_cancellation_slot(entry->signal.slot(), Ended(shared, position)));
  shared->launched(entry);
  return true;
}

std::size_t TaskGroup::size() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->entries.size();
}

bool TaskGroup::stopping() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->stopping;
}

Event& TaskGroup::stop_event() { return shared_->stop_event; }

void TaskGroup::request_stop() {
  {
    const std::lock_guard lock(shared_->mutex);
    if (std::exchange(shared_->stopping, true)) return;
  }
  shared_->stop_event.publish();
  shared_->run_hooks();
}

void TaskGroup::cancel() { shared_->cancel_all(); }

Task<bool> TaskGroup::wait(std::chrono::milliseconds limit) {
  auto shared = shared_;
  const auto until = std::chrono::steady_clock::now() + limit;
  const Executor executor = co_await this_executor();
  for (;;) {
    const std::uint64_t seen = shared->idle_event.sequence();
    {
      const std::lock_guard lock(shared->mutex);
      if (shared->entries.empty()) co_return true;
    }
    if (std::chrono::steady_clock::now() >= until) co_return false;
    WaitState waiter;
    Deadline deadline(executor, [&waiter] { waiter.complete(); });
    deadline.set(until);
    const auto subscription = shared->idle_event.subscribe(seen, executor, [&waiter] { waiter.complete(); });
    co_await waiter.wait();
  }
}

bool TaskGroup::join(std::chrono::milliseconds limit) {
  std::unique_lock lock(shared_->mutex);
  return shared_->changed.wait_for(lock, limit, [this] { return shared_->entries.empty(); });
}

bool TaskGroup::stop_and_join(std::chrono::milliseconds gentle, std::chrono::milliseconds hard) {
  request_stop();
  if (join(gentle)) return true;
  cancel();
  return join(hard);
}

}  // namespace postern::async
