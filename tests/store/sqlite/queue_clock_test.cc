// SPDX-License-Identifier: Apache-2.0
// The queue after a restart whose clock is another one than that of the process before.
#include <set>

#include "store/queue_clock.h"
#include "tests/store/fixture.h"

namespace postern::store::test {
namespace {

using std::chrono::hours;
constexpr hours year{365 * 24};
constexpr UnixTime day = 86'400;

class QueueClock : public testing::Test {
 protected:
  void open() { store_ = real_.must_open(folder_.path()); }
  void restart() {
    store_.reset();
    open();
  }
  UnixTime now() { return real_.clock.unix_now(); }

  void enqueue(const std::string& to, UnixTime first_at) {
    Acceptance work{body_of("the body"), {}, 0, {}, QueueEntry{}};
    work.enqueue->created = std::max(now(), first_at);
    work.enqueue->expires = work.enqueue->created + 5 * day;
    work.enqueue->recipients.push_back(recipient(to, first_at));
    if (first_at > now()) work.enqueue->recipients.front().last_reply = chosen_time_note(now());
    must(store_->accept(std::move(work)));
  }
  /// An attempt now, another after the pause.
  void retry_in(UnixTime pause) {
    for (const auto& one : must(store_->queue().claim(10, hours(1), {}))) {
      for (const auto& r : one.entry.recipients) {
        std::vector<Attempt> attempts;
        attempts.push_back({r.id, Attempt::Result::retry, now() + pause, false, "451 later"});
        must(store_->queue().report(std::move(attempts)));
      }
    }
  }
  std::set<std::string> due() {
    std::set<std::string> out;
    for (const auto& one : must(store_->queue().claim(10, hours(1), {}))) {
      for (const auto& r : one.entry.recipients) out.insert(r.recipient.address.to_string());
    }
    return out;
  }

  Folder folder_;
  Real real_;
  std::unique_ptr<sqlite::SqliteStore> store_;
};

TEST_F(QueueClock, TimesOfAClockThatWasAheadAreBroughtBack) {
  open();
  enqueue("tried@x.example", now());
  real_.clock.jump_wall(10 * year);
  retry_in(4 * 3600);
  enqueue("new@x.example", now());
  enqueue("wish@x.example", now() + 20 * day);
  real_.clock.jump_wall(-10 * year);
  restart();
  EXPECT_EQ(due(), (std::set<std::string>{"tried@x.example", "new@x.example"}));
  // Nobody knows how long that clock was wrong: the wish is kept in full.
  real_.clock.advance(hours(20 * 24 - 1));
  EXPECT_FALSE(due().contains("wish@x.example"));
  real_.clock.advance(hours(1));
  EXPECT_TRUE(due().contains("wish@x.example"));
}

TEST_F(QueueClock, AClockThatStartsBehindStallsNothing) {
  open();
  enqueue("tried@x.example", now());
  retry_in(4 * 3600);
  real_.clock.jump_wall(-10 * year);
  restart();
  EXPECT_EQ(due(), std::set<std::string>{"tried@x.example"});
}

TEST_F(QueueClock, WhatWaitsAsItShouldGoesOnWaiting) {
  open();
  enqueue("tried@x.example", now());
  retry_in(4 * 3600);
  enqueue("wish@x.example", now() + 30 * day);
  real_.clock.advance(hours(1));
  restart();
  EXPECT_TRUE(due().empty());
  real_.clock.advance(hours(4));
  EXPECT_EQ(due(), std::set<std::string>{"tried@x.example"});
}

}  // namespace
}  // namespace postern::store::test
