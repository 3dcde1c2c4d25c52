// SPDX-License-Identifier: Apache-2.0
#include "async/task_group.h"

#include <gtest/gtest.h>

#include <latch>
#include <mutex>
#include <thread>

#include "async/deadline.h"
#include "async/executor.h"

namespace postern::async {
namespace {

Task<> fails() {
  throw std::runtime_error("broken\nthing");
  co_return;
}
Task<> sleeps_long() { co_await sleep(std::chrono::hours(1)); }
Task<> until_event(Event& event) { co_await event.wait_beyond(0); }
Task<> does_nothing() { co_return; }

struct TaskGroupTest : testing::Test {
  std::mutex mutex;
  std::vector<std::string> lines;
  Log log{LogLevel::info, [this](LogLevel, std::string_view line) {
            const std::lock_guard lock(mutex);
            lines.emplace_back(line);
          }};
  Runtime runtime{2};
  TaskGroup tasks{log, "test"};
};

TEST_F(TaskGroupTest, ExceptionIsLoggedOnce) {
  tasks.spawn(runtime.executor(0), fails());
  runtime.start();
  ASSERT_TRUE(tasks.join(std::chrono::seconds(20)));
  runtime.stop();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("broken"), std::string::npos);
  EXPECT_EQ(lines[0].find('\n'), std::string::npos);
}

TEST_F(TaskGroupTest, GentleStopRunsHooksAndPublishes) {
  Event hook;
  tasks.spawn(runtime.executor(0), until_event(hook), [&hook] { hook.publish(); });
  tasks.spawn(runtime.executor(1), until_event(tasks.stop_event()));
  runtime.start();
  EXPECT_EQ(tasks.size(), 2U);
  EXPECT_TRUE(tasks.stop_and_join(std::chrono::seconds(20), std::chrono::seconds(0)));
  EXPECT_TRUE(tasks.stopping());
  EXPECT_FALSE(tasks.spawn(runtime.executor(0), does_nothing()));
}

TEST_F(TaskGroupTest, HardCancelEndsSleepers) {
  tasks.spawn(runtime.executor(0), sleeps_long());
  tasks.spawn(runtime.executor(1), sleeps_long());
  runtime.start();
  EXPECT_TRUE(tasks.stop_and_join(std::chrono::milliseconds(1), std::chrono::seconds(20)));
  EXPECT_TRUE(lines.empty());
}

// A connection is accepted on one loop and served on another, while a third thread stops the group.
TEST_F(TaskGroupTest, CancelWhileSpawningIsNotLost) {
  runtime.start();
  constexpr std::size_t rounds = 500;
  for (std::size_t round = 0; round < rounds; ++round) {
    TaskGroup group(log, "round");
    std::latch begin(2);
    std::jthread spawner([&] {
      begin.arrive_and_wait();
      group.spawn(runtime.executor(round % runtime.size()), sleeps_long());
    });
    begin.arrive_and_wait();
    while (group.size() == 0) std::this_thread::yield();
    group.cancel();
    ASSERT_TRUE(group.join(std::chrono::seconds(20))) << round;
  }
}

Task<bool> wait_for_group(TaskGroup& group, std::chrono::milliseconds limit) { co_return co_await group.wait(limit); }

TEST_F(TaskGroupTest, AwaitableWaitHasALimit) {
  Event gate;
  tasks.spawn(runtime.executor(0), until_event(gate));
  runtime.start();
  EXPECT_FALSE(run_alone(wait_for_group(tasks, std::chrono::milliseconds(5))));
  gate.publish();
  EXPECT_TRUE(run_alone(wait_for_group(tasks, std::chrono::seconds(20))));
}

TEST(Runtime, LeasesGoToTheLeastLoaded) {
  Runtime runtime(2);
  const auto first = runtime.lease();
  auto second = runtime.lease();
  EXPECT_NE(first.executor(), second.executor());
  const Executor freed = second.executor();
  second = {};
  EXPECT_EQ(runtime.lease().executor(), freed);
}

TEST(Runtime, SuspendedCoroutinesAreDestroyedWithIt) {
  Log log(LogLevel::off, null_sink());
  TaskGroup tasks(log, "test");
  {
    Runtime runtime(1);
    tasks.spawn(runtime.executor(0), sleeps_long());
    runtime.start();
    runtime.stop();
    EXPECT_EQ(tasks.size(), 1U);
  }
  EXPECT_EQ(tasks.size(), 0U);
}

Task<int> count_expiries(int wanted) {
  int fired = 0;
  Event done;
  Deadline* self = nullptr;
  Deadline deadline(co_await this_executor(), [&] {
    if (++fired < wanted) self->set(std::chrono::steady_clock::now());
    if (fired == wanted) done.publish();
  });
  self = &deadline;
  // Far away, moved nearer, then moved away and nearer again: it fires once for the last target.
  const auto now = std::chrono::steady_clock::now();
  deadline.set(now + std::chrono::hours(1));
  deadline.set(now + std::chrono::milliseconds(1));
  deadline.set(now + std::chrono::milliseconds(3));
  co_await done.wait_beyond(0);
  co_await sleep(std::chrono::milliseconds(5));
  co_return fired;
}

TEST(Deadline, FiresOncePerSet) {
  EXPECT_EQ(run_alone(count_expiries(1)), 1);
  EXPECT_EQ(run_alone(count_expiries(3)), 3);
}

Task<bool> cleared_deadline() {
  bool fired = false;
  Deadline deadline(co_await this_executor(), [&fired] { fired = true; });
  deadline.set(std::chrono::steady_clock::now());
  deadline.clear();
  co_await sleep(std::chrono::milliseconds(2));
  co_return fired;
}

TEST(Deadline, ClearedOneDoesNotFire) { EXPECT_FALSE(run_alone(cleared_deadline())); }

}  // namespace
}  // namespace postern::async
