// SPDX-License-Identifier: Apache-2.0
#include "queue/homeward.h"

#include "tests/queue/house.h"

namespace postern::queue {
namespace {

class HomewardTest : public House {
 protected:
  static async::Task<> pass(Runner& runner) {
    co_await runner.poll();
    co_await runner.settle();
  }
  void run_once() { loop_.run(pass(runner_)); }
  /// Mail that is held for an hour.
  void send(std::string_view to, unsigned char notify = mail::notify_unset) {
    auto made = arrival();
    made.envelope.hold_until = clock_.unix_now() + 3600;
    made.remote.push_back(remote(to, notify));
    ASSERT_TRUE(accept(std::move(made)));
  }

  CourierFake outward_;
  Homeward homeward_{{door_, *store_, directory_, outward_, log_}};
  Runner runner_{{store_->queue(), homeward_, bouncer_, live_, clock_, log_, metrics_}, loop_.executor()};
};

TEST_F(HomewardTest, HeldMailComesHomeWhenItsTimeHasCome) {
  send("bob@example.org");
  send("carol@example.net");
  const auto entries = queued();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].recipients[0].next_at, clock_.unix_now() + 3600);
  // The lifetime begins at the end of the hold.
  EXPECT_EQ(entries[0].expires, clock_.unix_now() + 3600 + live_.get()->queue.lifetime.count());
  clock_.advance(std::chrono::seconds(3599));
  run_once();
  EXPECT_TRUE(inbox(bob_).empty());
  EXPECT_TRUE(outward_.seen.empty());
  clock_.advance(std::chrono::seconds(1));
  run_once();
  ASSERT_EQ(inbox(bob_).size(), 1U);
  EXPECT_TRUE(inbox(bob_)[0].starts_with("Return-Path: <alice@example.org>\r\nDelivered-To: bob@example.org\r\n"))
      << inbox(bob_)[0];
  EXPECT_TRUE(inbox(bob_)[0].ends_with(small_message));
  EXPECT_EQ(outward_.seen.size(), 1U);
  EXPECT_TRUE(queued().empty());
}

TEST_F(HomewardTest, SuccessIsReportedOnce) {
  send("bob@example.org", mail::notify_success);
  clock_.advance(std::chrono::hours(1));
  run_once();
  EXPECT_EQ(inbox(bob_).size(), 1U);
  ASSERT_EQ(inbox(alice_).size(), 1U);
  EXPECT_NE(inbox(alice_)[0].find("Action: delivered"), std::string::npos);
}

TEST_F(HomewardTest, AliasesAreFollowedWhenTheTimeHasCome) {
  ASSERT_TRUE(loop_.run(directory_.add_alias("team@example.org", "bob@example.org")));
  send("team@example.org");
  ASSERT_TRUE(loop_.run(directory_.add_alias("team@example.org", "carol@example.net")));
  clock_.advance(std::chrono::hours(1));
  run_once();
  EXPECT_EQ(inbox(bob_).size(), 1U);
  const auto left = queued();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].recipients[0].recipient.address.to_string(), "carol@example.net");
}

TEST_F(HomewardTest, WhoHasGoneMeanwhileIsReported) {
  send("bob@example.org");
  ASSERT_TRUE(loop_.run(directory_.remove_account("bob@example.org")));
  clock_.advance(std::chrono::hours(1));
  run_once();
  EXPECT_TRUE(queued().empty());
  ASSERT_EQ(inbox(alice_).size(), 1U);
  EXPECT_NE(inbox(alice_)[0].find("Status: 5.1.1"), std::string::npos);
}

}  // namespace
}  // namespace postern::queue
