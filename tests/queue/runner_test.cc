// SPDX-License-Identifier: Apache-2.0
// The runner with a scripted courier: every outcome, faults of the store, clocks that jump, domains that hang.
#include "queue/runner.h"

#include "queue/backlog.h"
#include "queue/decision.h"
#include "tests/queue/house.h"

namespace postern::queue {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class RunnerTest : public House {
 protected:
  RunnerTest() { make_runner(); }

  void make_runner() {
    runner_ = std::make_unique<Runner>(Runner::Parts{store_->queue(), courier_, bouncer_, live_, clock_, log_, metrics_},
                                       loop_.executor());
  }
  static async::Task<> pass(Runner& runner) {
    co_await runner.poll();
    co_await runner.settle();
  }
  /// One pass of the queue, deliveries included.
  void run_once() { loop_.run(pass(*runner_)); }

  void send(std::string_view to, unsigned char notify = mail::notify_unset,
            store::BounceRight right = store::BounceRight::authenticated) {
    auto made = arrival();
    made.bounce = right;
    made.remote.push_back(remote(to, notify));
    ASSERT_TRUE(accept(std::move(made)));
  }
  const store::QueueRecipient& first() {
    entries_ = queued();
    return entries_.at(0).recipients.at(0);
  }

  CourierFake courier_;
  std::unique_ptr<Runner> runner_;
  std::vector<store::QueueEntry> entries_;
};

TEST_F(RunnerTest, DeliveredMailLeavesTheQueue) {
  send("carol@example.net");
  run_once();
  EXPECT_EQ(courier_.seen.size(), 1U);
  EXPECT_TRUE(queued().empty());
  EXPECT_TRUE(inbox(alice_).empty());
}

TEST_F(RunnerTest, DeferredMailIsTriedAgainWhenItIsDue) {
  courier_.answer = [](const auto&, const auto&) { return CourierFake::deferred(); };
  send("carol@example.net");
  run_once();
  EXPECT_EQ(first().attempts, 1U);
  EXPECT_NEAR(static_cast<double>(first().next_at - clock_.unix_now()), 300, 30);
  EXPECT_EQ(first().last_reply, "mx.remote.example said: 450 4.2.0 Try again later");
  run_once();
  EXPECT_EQ(courier_.seen.size(), 1U) << "not due";
  clock_.advance(minutes(6));
  run_once();
  EXPECT_EQ(courier_.seen.size(), 2U);
  EXPECT_EQ(first().attempts, 2U);
}

TEST_F(RunnerTest, RefusedMailIsReportedToItsSender) {
  courier_.answer = [](const auto&, const auto&) { return CourierFake::failed(); };
  send("carol@example.net");
  run_once();
  EXPECT_TRUE(queued().empty());
  const auto mail = inbox(alice_);
  ASSERT_EQ(mail.size(), 1U);
  EXPECT_NE(mail[0].find("Action: failed"), std::string::npos);
  EXPECT_NE(mail[0].find("Final-Recipient: rfc822; carol@example.net"), std::string::npos);
}

// product.md promise 4
TEST_F(RunnerTest, MailOfAStrangerThatCannotBeDeliveredIsHeldAndThenPurged) {
  courier_.answer = [](const auto&, const auto&) { return CourierFake::failed(); };
  send("carol@example.net", mail::notify_unset, store::BounceRight::none);
  run_once();
  EXPECT_EQ(first().state, store::QueueRecipient::State::held);
  EXPECT_TRUE(first().last_reply.starts_with(undeliverable_mark));
  EXPECT_TRUE(inbox(alice_).empty());
  clock_.advance(hours(13 * 24));
  loop_.run(runner_->purge());
  EXPECT_EQ(queued().size(), 1U);
  clock_.advance(hours(2 * 24));
  loop_.run(runner_->purge());
  EXPECT_TRUE(queued().empty());
}

TEST_F(RunnerTest, AnAdminsHoldIsNotPurged) {
  send("carol@example.net");
  ASSERT_TRUE(loop_.run(store_->queue().order({}, store::QueueOrder::hold)));
  clock_.advance(hours(100 * 24));
  loop_.run(runner_->purge());
  EXPECT_EQ(queued().size(), 1U);
}

TEST_F(RunnerTest, NeverMeansNever) {
  courier_.answer = [](const auto&, const auto&) { return CourierFake::failed(); };
  send("carol@example.net", mail::notify_never);
  run_once();
  EXPECT_TRUE(queued().empty());
  EXPECT_TRUE(inbox(alice_).empty());
}

TEST_F(RunnerTest, SuccessIsReportedWhereTheNextHopWillNot) {
  send("carol@example.net", mail::notify_success);
  run_once();
  ASSERT_EQ(inbox(alice_).size(), 1U);
  EXPECT_NE(inbox(alice_)[0].find("Action: relayed"), std::string::npos);
  EXPECT_TRUE(queued().empty());
}

TEST_F(RunnerTest, ADelayIsReportedOnceAndTheEndOnce) {
  courier_.answer = [](const auto&, const auto&) { return CourierFake::deferred(); };
  send("carol@example.net");
  std::size_t rounds = 0;
  for (; rounds < 100 && !queued().empty(); ++rounds) {
    run_once();
    clock_.advance(hours(4) + minutes(30));
    if (rounds == 8) {
      ASSERT_EQ(inbox(alice_).size(), 1U);
      EXPECT_NE(inbox(alice_)[0].find("Action: delayed"), std::string::npos);
      EXPECT_TRUE(first().delay_told);
    }
  }
  EXPECT_TRUE(queued().empty());
  const auto mail = inbox(alice_);
  ASSERT_EQ(mail.size(), 2U);
  EXPECT_NE(mail[1].find("Action: failed"), std::string::npos);
  EXPECT_NE(mail[1].find("stopped now"), std::string::npos);
}

TEST_F(RunnerTest, EachRecipientHasItsOwnFate) {
  auto made = arrival();
  for (const char* to : {"good@example.net", "bad@example.net", "slow@example.net"}) made.remote.push_back(remote(to));
  ASSERT_TRUE(accept(std::move(made)));
  courier_.answer = [](const auto&, const auto& one) {
    const auto& local = one.recipient.address.local();
    return local == "bad" ? CourierFake::failed() : local == "slow" ? CourierFake::deferred() : CourierFake::delivered();
  };
  run_once();
  ASSERT_EQ(courier_.seen.size(), 1U) << "one claim for one domain";
  EXPECT_EQ(courier_.seen[0].entry.recipients.size(), 3U);
  std::size_t waiting = 0;
  entries_ = queued();
  for (const auto& one : entries_.at(0).recipients) waiting += one.state == store::QueueRecipient::State::waiting;
  EXPECT_EQ(waiting, 1U);
  ASSERT_EQ(inbox(alice_).size(), 1U);
  EXPECT_EQ(inbox(alice_)[0].find("good@example.net"), std::string::npos);
}

TEST_F(RunnerTest, ASlowDomainDoesNotDelayTheRest) {
  courier_.stuck.insert("slow.example");
  for (int i = 0; i < 300; ++i) send(fmt::format("u{}@slow.example", i));
  for (int i = 0; i < 20; ++i) send(fmt::format("u{}@fast.example", i));
  for (int i = 0; i < 3; ++i) loop_.run(runner_->poll());
  const auto is_fast = [](const auto& claim) { return claim.entry.recipients[0].domain == "fast.example"; };
  const auto wait = [](CourierFake& courier) -> async::Task<> {
    while (courier.running > 10) co_await async::yield();
  };
  for (int i = 0; i < 10; ++i) {
    loop_.run(wait(courier_));
    loop_.run(runner_->poll());
  }
  EXPECT_EQ(std::ranges::count_if(courier_.seen, is_fast), 20);
  EXPECT_EQ(courier_.running, Pace::first) << "nothing good is known of it";
  courier_.open();
  for (int i = 0; i < 20; ++i) run_once();
  EXPECT_TRUE(queued().empty());
}

TEST_F(RunnerTest, AFailingCourierIsATemporaryFailure) {
  courier_.answer = [](const auto&, const auto&) -> mail::Outcome { throw std::runtime_error("bug"); };
  send("carol@example.net");
  run_once();
  EXPECT_EQ(first().attempts, 1U);
  EXPECT_NE(first().last_reply.find("internal error"), std::string::npos);
}

// A kill between the courier's answer and the record: the outcome is lost, the message is sent again, never lost.
TEST_F(RunnerTest, AReportThatIsLostWithTheProcessLeadsToASecondDelivery) {
  courier_.answer = [this](const auto&, const auto&) {
    store_->fail_writes(Error{ErrorKind::io, "power is going"});
    return CourierFake::delivered();
  };
  send("carol@example.net");
  loop_.run(runner_->poll());
  const auto wait = [](CourierFake& courier) -> async::Task<> {
    while (courier.seen.empty() || courier.running > 0) co_await async::yield();
    for (int i = 0; i < 20; ++i) co_await async::yield();
  };
  loop_.run(wait(courier_));
  EXPECT_FALSE(loop_.run(runner_->stop(std::chrono::milliseconds(10)))) << "it still wants to record";
  store_->fail_writes(std::nullopt);
  courier_.answer = nullptr;
  EXPECT_EQ(queued().size(), 1U);
  clock_.advance(hours(2));  // the lease of the dead process runs out
  make_runner();
  run_once();
  EXPECT_EQ(courier_.seen.size(), 2U);
  EXPECT_TRUE(queued().empty());
}

TEST_F(RunnerTest, AReportIsRepeatedUntilTheStoreTakesIt) {
  int failures = 0;
  courier_.answer = [this, &failures](const auto&, const auto&) {
    ++failures;
    store_->fail_writes(Error{ErrorKind::no_space, "full"});
    return CourierFake::delivered();
  };
  send("carol@example.net");
  const auto heal = [](store::memory::MemoryStore& store) -> async::Task<> {
    co_await async::sleep(std::chrono::milliseconds(150));
    store.fail_writes(std::nullopt);
  };
  loop_.spawn(heal(*store_));
  run_once();
  EXPECT_EQ(failures, 1) << "carried once";
  EXPECT_TRUE(queued().empty());
}

TEST_F(RunnerTest, AFailureThatCannotBeToldNowIsTriedAgain) {
  courier_.answer = [](const auto&, const auto&) { return CourierFake::failed(); };
  send("carol@example.net");
  auto config = make_config();
  config.limits.message_bytes = 10;  // the door refuses the notice for good
  live_.replace(config);
  run_once();
  EXPECT_EQ(first().state, store::QueueRecipient::State::held) << "visible rather than dropped";
  EXPECT_TRUE(inbox(alice_).empty());
}

// security.md D108
TEST_F(RunnerTest, AClockSetBackStallsNothing) {
  courier_.answer = [](const auto&, const auto&) { return CourierFake::deferred(); };
  send("carol@example.net");
  run_once();
  clock_.jump_wall(-hours(24 * 365));
  courier_.answer = nullptr;
  run_once();
  EXPECT_TRUE(queued().empty());
}

TEST_F(RunnerTest, AClockSetForwardBouncesNothing) {
  courier_.answer = [](const auto&, const auto&) { return CourierFake::deferred(); };
  send("carol@example.net");
  run_once();
  clock_.jump_wall(hours(24 * 3650));
  run_once();
  EXPECT_EQ(queued().size(), 1U);
  EXPECT_TRUE(inbox(alice_).empty());
}

// RFC 4865: "not before", whatever the clock does.
TEST_F(RunnerTest, NoJumpSendsBeforeTheTimeThatTheSenderChose) {
  for (const auto by : {hours(24 * 3650), -hours(24 * 3650)}) {
    auto made = arrival();
    made.envelope.hold_until = clock_.unix_now() + 3600;
    made.remote.push_back(remote("carol@example.net"));
    ASSERT_TRUE(accept(std::move(made)));
    clock_.advance(minutes(10));
    clock_.jump_wall(by);
    run_once();
    clock_.advance(minutes(49));
    run_once();
    EXPECT_TRUE(courier_.seen.empty());
    clock_.advance(minutes(1));
    run_once();
    EXPECT_EQ(courier_.seen.size(), 1U);
    EXPECT_TRUE(queued().empty());
    courier_.seen.clear();
  }
}

// A time that did not follow would be met at once: nothing is claimed until it could be written.
TEST_F(RunnerTest, NothingIsClaimedBeforeTheTimesFollowed) {
  auto made = arrival();
  made.envelope.hold_until = clock_.unix_now() + 3600;
  made.remote.push_back(remote("carol@example.net"));
  ASSERT_TRUE(accept(std::move(made)));
  clock_.jump_wall(hours(24 * 3650));
  store_->fail_writes(Error{ErrorKind::no_space, "full"});
  run_once();
  store_->fail_writes(std::nullopt);
  run_once();
  EXPECT_TRUE(courier_.seen.empty());
  EXPECT_EQ(first().next_at, clock_.unix_now() + 3600);
}

TEST_F(RunnerTest, NoJumpPurgesEarly) {
  courier_.answer = [](const auto&, const auto&) { return CourierFake::failed(); };
  send("carol@example.net", mail::notify_unset, store::BounceRight::none);
  run_once();
  for (const auto by : {hours(24 * 3650), -hours(24 * 3650), hours(24 * 20), -hours(24 * 20)}) {
    clock_.jump_wall(by);
    run_once();
    loop_.run(runner_->purge());
    EXPECT_EQ(queued().size(), 1U) << by.count();
  }
  clock_.advance(hours(14 * 24));
  loop_.run(runner_->purge());
  EXPECT_TRUE(queued().empty());
}

TEST_F(RunnerTest, RunsOnItsOwnWhenStarted) {
  runner_->start();
  const auto wait = [](store::Queue& queue, CourierFake& courier, std::size_t count) -> async::Task<> {
    while (courier.seen.size() < count || queue.depth() > 0) co_await async::sleep(std::chrono::milliseconds(1));
  };
  send("carol@example.net");
  loop_.run(wait(store_->queue(), courier_, 1));
  for (int i = 0; i < 250; ++i) send(fmt::format("u{}@d{}.example", i, i % 7));
  loop_.run(wait(store_->queue(), courier_, 251));
  EXPECT_TRUE(loop_.run(runner_->stop(seconds(5))));
  send("late@example.net");
  EXPECT_EQ(store_->queue().depth(), 1U) << "nothing new after the stop";
}

}  // namespace
}  // namespace postern::queue
