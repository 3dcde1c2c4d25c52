// SPDX-License-Identifier: Apache-2.0
#include "async/event.h"

#include <gtest/gtest.h>

#include <thread>

#include "async/completion.h"
#include "async/executor.h"
#include "async/task_group.h"

namespace postern::async {
namespace {

Task<std::uint64_t> beyond(Event& event, std::uint64_t seen) { co_return co_await event.wait_beyond(seen); }

TEST(Event, IsLevelTriggered) {
  Event event;
  event.publish();
  event.publish(5);
  event.publish(3);  // lower numbers change nothing
  EXPECT_EQ(event.sequence(), 5U);
  EXPECT_EQ(run_alone(beyond(event, 0)), 5U);
  EXPECT_EQ(run_alone(beyond(event, 4)), 5U);
}

TEST(Event, WakesFromAnotherThread) {
  Event event;
  std::thread publisher([&event] { event.publish(); });
  EXPECT_EQ(run_alone(beyond(event, 0)), 1U);
  publisher.join();
}

Task<> follow(Event& event, std::uint64_t until, std::atomic<int>& arrived) {
  std::uint64_t seen = 0;
  while (seen < until) seen = co_await event.wait_beyond(seen);
  ++arrived;
}

TEST(Event, ManyWaitersOnTwoExecutorsMissNothing) {
  constexpr std::uint64_t last = 500;
  Log log(LogLevel::off, null_sink());
  Runtime runtime(2);
  TaskGroup tasks(log, "test");
  Event event;
  std::atomic<int> arrived{0};
  for (std::size_t i = 0; i < 50; ++i) tasks.spawn(runtime.executor(i % 2), follow(event, last, arrived));
  runtime.start();
  for (std::uint64_t i = 0; i < last; ++i) event.publish();
  EXPECT_TRUE(tasks.join(std::chrono::seconds(20)));
  EXPECT_EQ(arrived, 50);
}

Task<> destroy(std::unique_ptr<Event>& event) {
  event.reset();
  co_return;
}

TEST(Event, DestructionWakesWithBrokenPromise) {
  std::string reason;
  Log log(LogLevel::error, [&reason](LogLevel, std::string_view line) { reason += line; });
  Runtime runtime(1);
  TaskGroup tasks(log, "test");
  auto event = std::make_unique<Event>();
  std::atomic<int> arrived{0};
  tasks.spawn(runtime.executor(0), follow(*event, 1, arrived));
  tasks.spawn(runtime.executor(0), destroy(event));
  runtime.start();
  EXPECT_TRUE(tasks.join(std::chrono::seconds(20)));
  EXPECT_EQ(arrived, 0);
  EXPECT_EQ(reason, "");
}

Task<bool> drop_subscription(Event& event) {
  bool called = false;
  {
    const auto subscription = event.subscribe(0, co_await this_executor(), [&called] { called = true; });
    event.publish();
  }
  co_await yield();
  co_return called;
}

TEST(Event, DroppedSubscriptionIsNotCalled) {
  Event event;
  EXPECT_FALSE(run_alone(drop_subscription(event)));
}

}  // namespace
}  // namespace postern::async
