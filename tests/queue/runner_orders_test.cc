// SPDX-License-Identifier: Apache-2.0
// Orders of the admin to the runner: to give up, to move elsewhere; and what goes at once when a route is back.
#include "queue/redirect.h"
#include "tests/queue/house.h"

namespace postern::queue {
namespace {

class RunnerOrdersTest : public House {
 protected:
  static async::Task<> pass(Runner& runner) {
    co_await runner.poll();
    co_await runner.settle();
  }
  void run_once() { loop_.run(pass(runner_)); }
  void send(std::vector<std::string> to, store::BounceRight right = store::BounceRight::authenticated) {
    auto made = arrival();
    made.bounce = right;
    for (const auto& one : to) made.remote.push_back(remote(one));
    ASSERT_TRUE(accept(std::move(made)));
  }
  Redirector redirector(std::string_view to) { return {{door_, *store_, directory_, live_, clock_, log_}, address(to)}; }

  CourierFake courier_;
  Runner runner_{{store_->queue(), courier_, bouncer_, live_, clock_, log_, metrics_}, loop_.executor()};
};

TEST_F(RunnerOrdersTest, FailTellsTheSender) {
  send({"carol@example.net", "dave@example.net", "eve@other.example"});
  store::QueueFilter filter;
  filter.domain = "example.net";
  const auto done = loop_.run(runner_.fail(filter, "the company has closed")).value();
  EXPECT_EQ(done.recipients, 2U);
  EXPECT_EQ(done.untold, 0U);
  ASSERT_EQ(inbox(alice_).size(), 1U);
  const auto notice = inbox(alice_)[0];
  EXPECT_NE(notice.find("Final-Recipient: rfc822; carol@example.net"), std::string::npos) << notice;
  EXPECT_NE(notice.find("dave@example.net"), std::string::npos);
  EXPECT_EQ(notice.find("eve@other.example"), std::string::npos);
  EXPECT_NE(notice.find("the company has closed"), std::string::npos);
  EXPECT_EQ(store_->queue().depth(), 1U);
  // The rest goes its way.
  run_once();
  EXPECT_TRUE(queued().empty());
}

TEST_F(RunnerOrdersTest, WhoMayNotBeToldIsKept) {
  send({"carol@example.net"}, store::BounceRight::none);
  const auto done = loop_.run(runner_.fail({}, "")).value();
  EXPECT_EQ(done.recipients, 1U);
  EXPECT_EQ(done.untold, 1U);
  ASSERT_EQ(queued().size(), 1U);
  EXPECT_EQ(queued()[0].recipients[0].state, store::QueueRecipient::State::held);
  EXPECT_TRUE(queued()[0].recipients[0].last_reply.starts_with("undeliverable: "));
}

TEST_F(RunnerOrdersTest, WhatIsBeingDeliveredIsLeftAlone) {
  courier_.stuck.insert("example.net");
  send({"carol@example.net"});
  loop_.run(runner_.poll());
  auto done = loop_.run(runner_.fail({}, "")).value();
  EXPECT_EQ(done.recipients, 0U);
  EXPECT_EQ(done.under_way, 1U);
  auto to_bob = redirector("bob@example.org");
  EXPECT_EQ(loop_.run(runner_.move({}, to_bob)).value().under_way, 1U);
  courier_.open();
  loop_.run(runner_.settle());
  EXPECT_TRUE(queued().empty());
  EXPECT_TRUE(inbox(bob_).empty());
}

TEST_F(RunnerOrdersTest, WhatWaitsForASlotIsTakenBack) {
  auto config = make_config();
  config.queue.per_domain = 1;
  live_.replace(config);
  courier_.stuck.insert("example.net");
  send({"carol@example.net"});
  send({"dave@example.net"});
  send({"eve@example.net"});
  loop_.run(runner_.poll());
  store::QueueFilter filter;
  filter.recipient = "dave@example.net";
  EXPECT_EQ(loop_.run(runner_.fail(filter, "")).value().recipients, 1U);
  courier_.open();
  loop_.run(runner_.settle());
  run_once();
  EXPECT_TRUE(queued().empty());
  for (const auto& claim : courier_.seen) {
    EXPECT_NE(claim.entry.recipients[0].recipient.address.to_string(), "dave@example.net");
  }
  EXPECT_EQ(courier_.seen.size(), 2U);
}

TEST_F(RunnerOrdersTest, RedirectsElsewhereAndHome) {
  send({"carol@example.net"});
  auto elsewhere = redirector("carol@new.example");
  EXPECT_EQ(loop_.run(runner_.move({}, elsewhere)).value().recipients, 1U);
  auto entries = queued();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].recipients[0].recipient.address.to_string(), "carol@new.example");
  EXPECT_EQ(entries[0].bounce, store::BounceRight::authenticated);
  const auto text = read(*loop_.run(store_->queue().body(entries[0].id)).value());
  EXPECT_TRUE(text.starts_with("Received: by mx.example.org (redirected)\r\n")) << text;
  EXPECT_TRUE(text.ends_with("Received: by mx.example.org\r\n" + std::string(small_message))) << text;

  auto home = redirector("bob@example.org");
  EXPECT_EQ(loop_.run(runner_.move({}, home)).value().recipients, 1U);
  EXPECT_TRUE(queued().empty());
  ASSERT_EQ(inbox(bob_).size(), 1U);
}

TEST_F(RunnerOrdersTest, ARedirectionThatFailsChangesNothing) {
  send({"carol@example.net"});
  auto nobody = redirector("nobody@example.org");
  const auto moved = loop_.run(runner_.move({}, nobody));
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().kind, ErrorKind::not_found);
  run_once();
  EXPECT_EQ(courier_.seen.size(), 1U);
}

TEST_F(RunnerOrdersTest, RetryAsksRestingHostsToo) {
  courier_.answer = [](const auto&, const auto&) { return CourierFake::deferred(); };
  send({"carol@example.net"});
  send({"eve@other.example"});
  run_once();
  courier_.answer = nullptr;
  courier_.seen.clear();
  store::QueueFilter filter;
  filter.domain = "example.net";
  EXPECT_EQ(loop_.run(runner_.retry(filter)).value(), 1U);
  EXPECT_EQ(courier_.forgotten, 1U);
  run_once();
  EXPECT_EQ(courier_.seen.size(), 1U);
  EXPECT_EQ(store_->queue().depth(), 1U);
}

TEST_F(RunnerOrdersTest, RedirectKeepsTheTimeThatTheSenderChose) {
  auto made = arrival();
  made.envelope.hold_until = clock_.unix_now() + 3600;
  made.remote.push_back(remote("carol@example.net"));
  ASSERT_TRUE(accept(std::move(made)));
  auto mover = redirector("bob@example.org");
  EXPECT_EQ(loop_.run(runner_.move({}, mover)).value().recipients, 1U);
  EXPECT_TRUE(inbox(bob_).empty());
  const auto left = queued();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].recipients[0].recipient.address.to_string(), "bob@example.org");
  EXPECT_EQ(left[0].recipients[0].next_at, clock_.unix_now() + 3600);
}

TEST_F(RunnerOrdersTest, WhatWaitsForARouteGoesWhenItIsBack) {
  courier_.answer = [](const auto&, const auto& one) {
    auto out =
        CourierFake::deferred(one.recipient.address.to_string().starts_with("grey") ? "4.2.0 Greylisted" : "no connection");
    out.enhanced = out.text.starts_with("no") ? mail::EnhancedStatus{4, 4, 1} : mail::EnhancedStatus{4, 2, 0};
    return out;
  };
  send({"carol@example.net"});
  send({"dave@example.net"});
  send({"grey@example.net"});
  send({"eve@other.example"});
  run_once();
  ASSERT_EQ(store_->queue().depth(), 4U);
  courier_.answer = nullptr;
  courier_.seen.clear();
  store::QueueFilter one;
  one.recipient = "carol@example.net";
  ASSERT_TRUE(loop_.run(store_->queue().order(one, store::QueueOrder::retry_now)));
  run_once();
  run_once();
  EXPECT_EQ(courier_.seen.size(), 2U);
  const auto left = queued();
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[0].recipients[0].recipient.address.to_string(), "grey@example.net");
  EXPECT_EQ(left[1].recipients[0].recipient.address.to_string(), "eve@other.example");
}

}  // namespace
}  // namespace postern::queue
