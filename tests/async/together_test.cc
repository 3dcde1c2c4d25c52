// SPDX-License-Identifier: Apache-2.0
#include "async/together.h"

#include <gtest/gtest.h>

#include "async/completion.h"
#include "async/executor.h"
#include "async/task_group.h"

namespace postern::async {
namespace {

/// Two that can only end together: each wakes the other.
Task<> meet(WaitState& mine, WaitState& other, int& ended) {
  other.complete();
  co_await mine.wait();
  ++ended;
}
Task<> add(int& sum, int what) {
  sum += what;
  co_return;
}
Task<> refuse() {
  co_await yield();
  throw std::out_of_range("no");
}
Task<> run_list(std::vector<Task<>> list) { co_await together(std::move(list)); }

Task<> meet_each_other(int& ended) {
  WaitState one;
  WaitState two;
  co_await together(all(meet(one, two, ended), meet(two, one, ended)));
}

TEST(Together, RunsAllAtOnceAndWaits) {
  int ended = 0;
  run_alone(meet_each_other(ended));
  EXPECT_EQ(ended, 2);
  int sum = 0;
  run_alone(run_list(all(add(sum, 1), add(sum, 2), add(sum, 4))));
  EXPECT_EQ(sum, 7);
  run_alone(run_list({}));
}

TEST(Together, GivesTheFirstErrorWhenAllHaveEnded) {
  int sum = 0;
  EXPECT_THROW(run_alone(run_list(all(refuse(), add(sum, 3)))), std::out_of_range);
  EXPECT_EQ(sum, 3);
}

/// Counts its own end, whichever way it ends.
struct Counted {
  int* ends;
  ~Counted() { ++*ends; }
};
Task<> wait_for_ever(int& ends) {
  const Counted counted{&ends};
  co_await sleep(std::chrono::hours(1));
}
Task<> parent(int& ends, int& seen) {
  const Counted counted{&ends};
  try {
    co_await together(all(wait_for_ever(ends), wait_for_ever(ends)));
  } catch (...) {
    seen = ends;
    throw;
  }
}
Task<> cancel_soon(TaskGroup& tasks) {
  co_await yield();
  co_await yield();
  tasks.cancel();
}

TEST(Together, CancellingTheParentEndsTheMembersFirst) {
  Log log(LogLevel::error, null_sink());
  Runtime runtime(1);
  int ends = 0;
  int seen = 0;
  {
    TaskGroup tasks(log, "test");
    TaskGroup canceller(log, "test");
    tasks.spawn(runtime.executor(0), parent(ends, seen));
    canceller.spawn(runtime.executor(0), cancel_soon(tasks));
    runtime.start();
    EXPECT_TRUE(tasks.join(std::chrono::seconds(20)));
    EXPECT_TRUE(canceller.join(std::chrono::seconds(20)));
  }
  runtime.stop();
  EXPECT_EQ(seen, 2) << "the members are gone before the parent goes on";
  EXPECT_EQ(ends, 3);
}

}  // namespace
}  // namespace postern::async
