// SPDX-License-Identifier: Apache-2.0
// Promises, batches and offloaded work across threads.
#include "async/completion.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "async/executor.h"
#include "async/offload.h"
#include "async/task_group.h"

namespace postern::async {
namespace {

Task<int> wait_for(Future<int> future) { co_return co_await std::move(future).get(); }

TEST(Promise, SetBeforeAndAfterTheWait) {
  auto [early, early_future] = make_promise<int>();
  early.set(7);
  EXPECT_FALSE(early);
  EXPECT_EQ(run_alone(wait_for(std::move(early_future))), 7);

  auto [late, late_future] = make_promise<int>();
  std::thread giver([promise = std::move(late)]() mutable { promise.set(8); });
  EXPECT_EQ(run_alone(wait_for(std::move(late_future))), 8);
  giver.join();
}

TEST(Promise, DroppedPromiseThrows) {
  auto [promise, future] = make_promise<int>();
  {
    auto dropped = std::move(promise);
  }
  EXPECT_THROW(run_alone(wait_for(std::move(future))), BrokenPromise);
}

TEST(Promise, ErrorIsRethrown) {
  auto [promise, future] = make_promise<int>();
  promise.set_error(std::make_exception_ptr(std::logic_error("no")));
  EXPECT_THROW(run_alone(wait_for(std::move(future))), std::logic_error);
}

Task<> add_result(Future<int> future, std::atomic<int>& sum) { sum += co_await std::move(future).get(); }

/// The same, telling first that it is about to wait.
Task<> add_result_later(Future<int> future, std::atomic<int>& sum, std::atomic<int>& waiting) {
  ++waiting;
  waiting.notify_one();
  sum += co_await std::move(future).get();
}

void wait_until(std::atomic<int>& value, int wanted) {
  for (int now = value; now < wanted; now = value) value.wait(now);
}

// A waiter that comes after its promise was set would not wait at all: so all of them are there first.
TEST(Promise, BatchResumesWaitersOfSeveralExecutors) {
  Log log(LogLevel::off, null_sink());
  Runtime runtime(2);
  TaskGroup tasks(log, "test");
  std::vector<Promise<int>> promises;
  std::atomic<int> sum{0};
  std::atomic<int> waiting{0};
  for (std::size_t i = 0; i < 100; ++i) {
    auto [promise, future] = make_promise<int>();
    promises.push_back(std::move(promise));
    tasks.spawn(runtime.executor(i % 2), add_result_later(std::move(future), sum, waiting));
  }
  runtime.start();
  wait_until(waiting, 100);
  Batch batch;
  for (auto& promise : promises) promise.set(1, batch);
  EXPECT_FALSE(tasks.join(std::chrono::milliseconds(0)));
  batch.flush();
  EXPECT_TRUE(tasks.join(std::chrono::seconds(20)));
  EXPECT_EQ(sum, 100);
}

TEST(Promise, CancelledWaiterStopsWaiting) {
  Log log(LogLevel::off, null_sink());
  Runtime runtime(1);
  TaskGroup tasks(log, "test");
  auto [promise, future] = make_promise<int>();
  std::atomic<int> sum{0};
  tasks.spawn(runtime.executor(0), add_result(std::move(future), sum));
  runtime.start();
  EXPECT_TRUE(tasks.stop_and_join(std::chrono::milliseconds(0), std::chrono::seconds(20)));
  promise.set(1);
  EXPECT_EQ(sum, 0);
}

Task<std::thread::id> thread_of(Pool& pool) {
  const auto id = co_await offload(pool, [] { return std::this_thread::get_id(); });
  co_return *id;
}

TEST(Offload, RunsElsewhereAndResumesHere) {
  Pool pool({.name = "work"});
  EXPECT_NE(run_alone(thread_of(pool)), std::this_thread::get_id());
}

Task<Result<int>> flat(Pool& pool) {
  co_return co_await offload(pool, []() -> Result<int> { return fail(ErrorKind::conflict, "moved on"); });
}
Task<Result<void>> thrower(Pool& pool) {
  co_return co_await offload(pool, [] { throw std::out_of_range("bug"); });
}

TEST(Offload, ErrorsAndExceptionsComeBack) {
  Pool pool({.name = "work"});
  EXPECT_EQ(run_alone(flat(pool)).error().kind, ErrorKind::conflict);
  EXPECT_THROW(run_alone(thrower(pool)), std::out_of_range);
}

TEST(Offload, FullQueueIsUnavailable) {
  Pool pool({.name = "work", .threads = 1, .queue_limit = 1});
  std::latch started(1);
  std::latch gate(1);
  ASSERT_TRUE(pool.submit([&] {
    started.count_down();
    gate.wait();
  }));
  started.wait();
  ASSERT_TRUE(pool.submit([] {}));
  EXPECT_EQ(pool.waiting(), 1U);
  EXPECT_EQ(run_alone(flat(pool)).error().kind, ErrorKind::unavailable);
  gate.count_down();
  pool.stop();
  EXPECT_FALSE(pool.submit([] {}));
}

}  // namespace
}  // namespace postern::async
