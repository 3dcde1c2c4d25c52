// SPDX-License-Identifier: Apache-2.0
#include "tests/store/conformance.h"

namespace postern::store::test {

class QueueTest : public Conformance {
 protected:
  Queue& queue() { return store_->queue(); }
  UnixTime now() { return real_.clock.unix_now(); }

  QueueId enqueue(std::vector<std::string> to, const std::string& sender = "alice@example.org") {
    Acceptance work{body_of("the body"), {}, 0, {}, QueueEntry{}};
    QueueEntry& entry = *work.enqueue;
    if (!sender.empty()) entry.sender = mail::Address::parse(sender).value();
    entry.account = alice_;
    entry.bounce = BounceRight::authenticated;
    entry.created = now();
    entry.expires = now() + 5 * 86'400;
    entry.body_type = mail::BodyType::eight_bit_mime;
    entry.smtputf8 = true;
    entry.require_tls = true;
    entry.ret = mail::Return::headers;
    entry.envid = "QQ314159";
    entry.prefix = "Received: here\r\n";
    for (const auto& address : to) entry.recipients.push_back(recipient(address, now()));
    entry.recipients.front().recipient.notify = mail::notify_failure;
    entry.recipients.front().recipient.orcpt = "rfc822;x@y.example";
    return *must(store_->accept(std::move(work))).queued;
  }
  std::vector<Claim> claim(std::size_t most = 100, std::vector<std::string> busy = {}) {
    return must(queue().claim(most, std::chrono::seconds(60), std::move(busy)));
  }
  static std::string text(const std::vector<Claim>& claims) {
    std::string out;
    for (const auto& one : claims) {
      out += std::to_string(one.entry.id) + "[";
      for (const auto& r : one.entry.recipients) out += r.recipient.address.to_string() + " ";
      out += "] ";
    }
    return out;
  }
  void report(const QueueRecipient& r, Attempt::Result result, UnixTime next_at = 0) {
    std::vector<Attempt> attempts;
    attempts.push_back({r.id, result, next_at, result == Attempt::Result::retry, "451 later"});
    must(queue().report(std::move(attempts)));
  }
};

TEST_P(QueueTest, KeepsEverythingOfAnEntry) {
  const QueueId id = enqueue({"x@remote.example"});
  const auto claims = claim();
  ASSERT_EQ(claims.size(), 1u);
  const QueueEntry& entry = claims[0].entry;
  EXPECT_EQ(entry.id, id);
  EXPECT_EQ(entry.sender->to_string(), "alice@example.org");
  EXPECT_EQ(entry.account, alice_);
  EXPECT_EQ(entry.bounce, BounceRight::authenticated);
  EXPECT_EQ(entry.created, now());
  EXPECT_EQ(entry.expires, now() + 5 * 86'400);
  EXPECT_EQ(entry.body_type, mail::BodyType::eight_bit_mime);
  EXPECT_TRUE(entry.smtputf8 && entry.require_tls);
  EXPECT_EQ(entry.ret, mail::Return::headers);
  EXPECT_EQ(entry.envid, "QQ314159");
  EXPECT_EQ(entry.prefix, "Received: here\r\n");
  EXPECT_EQ(entry.size, 24u);
  const QueueRecipient& r = entry.recipients.at(0);
  EXPECT_EQ(r.recipient.address.to_string(), "x@remote.example");
  EXPECT_EQ(r.recipient.notify, mail::notify_failure);
  EXPECT_EQ(r.recipient.orcpt, "rfc822;x@y.example");
  EXPECT_EQ(r.domain, "remote.example");
  EXPECT_EQ(r.attempts, 0u);
  EXPECT_EQ(read_all(*must(queue().body(id))), "Received: here\r\nthe body");
  EXPECT_EQ(error_of(queue().body(id + 1)), ErrorKind::not_found);
}

TEST_P(QueueTest, ClaimsByMessageAndDomainOldestFirst) {
  enqueue({"a@one.example", "b@two.example", "c@one.example"});
  enqueue({"d@two.example"});
  EXPECT_EQ(queue().depth(), 4u);
  EXPECT_EQ(text(claim()), "1[a@one.example c@one.example ] 1[b@two.example ] 2[d@two.example ] ");
  EXPECT_EQ(text(claim()), "");
  EXPECT_EQ(must(queue().next_due()), now() + 60);
  // The lease of a dead process ends.
  real_.clock.advance(std::chrono::seconds(61));
  EXPECT_EQ(text(claim(1)), "1[a@one.example ] ");
  EXPECT_EQ(text(claim(2, {"two.example"})), "1[c@one.example ] ");
  EXPECT_EQ(text(claim()), "1[b@two.example ] 2[d@two.example ] ");
}

TEST_P(QueueTest, NothingIsDueBeforeItsTime) {
  EXPECT_EQ(must(queue().next_due()), std::nullopt);
  enqueue({"a@one.example"});
  const auto first = claim();
  report(first[0].entry.recipients[0], Attempt::Result::retry, now() + 300);
  EXPECT_EQ(text(claim()), "");
  EXPECT_EQ(must(queue().next_due()), now() + 300);
  real_.clock.advance(std::chrono::seconds(300));
  const auto second = claim();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].entry.recipients[0].attempts, 1u);
  EXPECT_EQ(second[0].entry.recipients[0].last_reply, "451 later");
  EXPECT_TRUE(second[0].entry.recipients[0].delay_told);
}

TEST_P(QueueTest, AnEntryGoesWithItsLastRecipient) {
  const QueueId id = enqueue({"a@one.example", "b@two.example"});
  const auto claims = claim();
  report(claims[0].entry.recipients[0], Attempt::Result::done);
  EXPECT_EQ(queue().depth(), 1u);
  const auto left = must(queue().list({}));
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].recipients.size(), 2u);
  EXPECT_EQ(left[0].recipients[0].state, QueueRecipient::State::done);
  report(claims[1].entry.recipients[0], Attempt::Result::done);
  report(claims[1].entry.recipients[0], Attempt::Result::done);
  EXPECT_EQ(queue().depth(), 0u);
  EXPECT_TRUE(must(queue().list({})).empty());
  EXPECT_EQ(error_of(queue().body(id)), ErrorKind::not_found);
}

TEST_P(QueueTest, FiltersAndOrders) {
  const QueueId first = enqueue({"a@one.example", "b@two.example"});
  enqueue({"c@one.example"}, "");
  EXPECT_EQ(must(queue().list({.id = first})).size(), 1u);
  EXPECT_EQ(must(queue().list({.domain = "one.example"})).size(), 2u);
  EXPECT_EQ(must(queue().list({.domain = "two.example"})).at(0).recipients.size(), 1u);
  EXPECT_EQ(must(queue().list({.sender = "<>"})).at(0).sender, std::nullopt);
  EXPECT_EQ(must(queue().list({.most = 1})).size(), 1u);

  EXPECT_EQ(must(queue().order({.domain = "one.example"}, QueueOrder::hold)), 2u);
  EXPECT_EQ(must(queue().order({.domain = "one.example"}, QueueOrder::hold)), 0u);
  const auto claims = claim();
  EXPECT_EQ(text(claims), "1[b@two.example ] ");
  // Not while the attempt is under way.
  EXPECT_EQ(must(queue().order({.id = first}, QueueOrder::retry_now)), 1u);
  EXPECT_EQ(text(claim()), "");
  report(claims[0].entry.recipients[0], Attempt::Result::retry, now() + 900);
  EXPECT_EQ(must(queue().order({.id = first}, QueueOrder::retry_now)), 1u);
  EXPECT_EQ(text(claim()), "1[b@two.example ] ");
  const auto seen = queue().event().sequence();
  EXPECT_EQ(must(queue().order({}, QueueOrder::release)), 2u);
  EXPECT_GT(queue().event().sequence(), seen);
  EXPECT_EQ(text(claim()), "1[a@one.example ] 2[c@one.example ] ");
  EXPECT_EQ(must(queue().order({.id = first}, QueueOrder::remove)), 2u);
  EXPECT_EQ(queue().depth(), 1u);
  EXPECT_EQ(must(queue().list({})).size(), 1u);
}

TEST_P(QueueTest, FiltersByRecipientAndLastReply) {
  const QueueId first = enqueue({"a@one.example", "b@two.example"});
  const QueueId second = enqueue({"c@two.example"});
  Attempt attempt{claim()[1].entry.recipients[0].id, Attempt::Result::retry, now() + 900, false, "mx said: 450 Greylisted"};
  must(queue().report({attempt}));
  EXPECT_EQ(must(queue().list({.recipient = "A@one.example"})).at(0).id, first);
  EXPECT_EQ(must(queue().list({.recipient = "a@one.example"})).at(0).recipients.size(), 1u);
  EXPECT_EQ(must(queue().list({.reply = "greyLISTED"})).at(0).recipients.at(0).recipient.address.to_string(), "b@two.example");
  EXPECT_TRUE(must(queue().list({.reply = "refused"})).empty());
  // The text is no pattern.
  EXPECT_TRUE(must(queue().list({.reply = "450%"})).empty());
  EXPECT_EQ(must(queue().order({.recipient = "c@two.EXAMPLE"}, QueueOrder::hold)), 1u);
  EXPECT_EQ(must(queue().order({.reply = "GREY"}, QueueOrder::hold)), 1u);
  EXPECT_EQ(must(queue().order({.recipient = "nobody@two.example"}, QueueOrder::remove)), 0u);
  EXPECT_EQ(must(queue().list({.id = second})).at(0).recipients.at(0).state, QueueRecipient::State::held);
}

TEST_P(QueueTest, AHoldDuringAnAttemptStays) {
  enqueue({"a@one.example"});
  const auto claims = claim();
  must(queue().order({}, QueueOrder::hold));
  report(claims[0].entry.recipients[0], Attempt::Result::retry, now());
  EXPECT_EQ(text(claim()), "");
  EXPECT_EQ(must(queue().list({})).at(0).recipients[0].state, QueueRecipient::State::held);
  report(claims[0].entry.recipients[0], Attempt::Result::done);
  EXPECT_EQ(queue().depth(), 0u);
}

TEST_P(QueueTest, AttemptsMayHold) {
  enqueue({"a@one.example"});
  report(claim()[0].entry.recipients[0], Attempt::Result::hold);
  EXPECT_EQ(must(queue().next_due()), std::nullopt);
  EXPECT_EQ(queue().depth(), 1u);
}

TEST_P(QueueTest, SignalsNewWork) {
  const auto seen = queue().event().sequence();
  enqueue({"a@one.example"});
  EXPECT_GT(queue().event().sequence(), seen);
}

POSTERN_CONFORMANCE(QueueTest);

}  // namespace postern::store::test
