// SPDX-License-Identifier: Apache-2.0
#include "queue/decision.h"

#include <gtest/gtest.h>

#include "queue/courier_fake.h"

namespace postern::queue {
namespace {

using Notice = Decision::Notice;
using Attempted = store::Attempt::Result;
using store::BounceRight;

struct Row {
  std::string name;
  mail::Outcome outcome;
  std::uint32_t attempts;
  bool late;  ///< the lifetime is over
  BounceRight right;
  bool null_sender;
  unsigned notify;
  Attempted result;
  Notice notice;
};

// product.md promise 4, RFC 3461 §4.1
TEST(Decide, IsTheTable) {
  const auto good = CourierFake::delivered();
  auto passed = good;
  passed.dsn_passed = true;
  const auto later = CourierFake::deferred();
  const auto never = CourierFake::failed();
  const auto yes = BounceRight::authenticated;
  const auto no = BounceRight::none;
  const std::vector<Row> rows = {
      {"delivered", good, 0, false, yes, false, 0, Attempted::done, Notice::none},
      {"delivered, success wanted", good, 0, false, yes, false, mail::notify_success, Attempted::done, Notice::relayed},
      {"delivered, next hop reports", passed, 0, false, yes, false, mail::notify_success, Attempted::done, Notice::none},
      {"delivered, stranger wants success", good, 0, false, no, false, mail::notify_success, Attempted::done, Notice::none},
      {"deferred", later, 0, false, yes, false, 0, Attempted::retry, Notice::none},
      {"deferred long", later, 5, false, yes, false, 0, Attempted::retry, Notice::delayed},
      {"deferred long, stranger", later, 5, false, no, false, 0, Attempted::retry, Notice::none},
      {"deferred long, null sender", later, 5, false, yes, true, 0, Attempted::retry, Notice::none},
      {"deferred long, delay unwanted", later, 5, false, yes, false, mail::notify_failure, Attempted::retry, Notice::none},
      {"deferred long, never", later, 5, false, yes, false, mail::notify_never, Attempted::retry, Notice::none},
      {"deferred, late clock, few attempts", later, 0, true, yes, false, 0, Attempted::retry, Notice::none},
      {"deferred, expired", later, 40, true, yes, false, 0, Attempted::done, Notice::failed},
      {"deferred, expired, stranger", later, 40, true, no, false, 0, Attempted::hold, Notice::none},
      {"failed", never, 0, false, yes, false, 0, Attempted::done, Notice::failed},
      {"failed, verified", never, 0, false, BounceRight::verified, false, 0, Attempted::done, Notice::failed},
      {"failed, stranger", never, 0, false, no, false, 0, Attempted::hold, Notice::none},
      {"failed, null sender", never, 0, false, yes, true, 0, Attempted::hold, Notice::none},
      {"failed, null sender, never", never, 0, false, yes, true, mail::notify_never, Attempted::hold, Notice::none},
      {"failed, never", never, 0, false, yes, false, mail::notify_never, Attempted::done, Notice::none},
      {"failed, only success wanted", never, 0, false, yes, false, mail::notify_success, Attempted::done, Notice::none},
  };
  const config::Queue options;
  const Schedule schedule(options);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    store::QueueEntry entry;
    if (!row.null_sender) entry.sender = mail::Address::parse("alice@example.org").value();
    entry.bounce = row.right;
    entry.created = 1000;
    entry.expires = 1000 + 5 * 86400;
    const UnixTime now = row.late ? entry.expires : 2000;
    store::QueueRecipient to{.recipient = {.address = mail::Address::parse("bob@example.net").value()}};
    to.id = 7;
    to.attempts = row.attempts;
    to.recipient.notify = static_cast<unsigned char>(row.notify);
    const auto decision = decide(entry, to, row.outcome, schedule, {now, 500});
    EXPECT_EQ(decision.attempt.recipient, 7U);
    EXPECT_EQ(decision.attempt.result, row.result);
    EXPECT_EQ(decision.notice, row.notice);
    EXPECT_EQ(decision.attempt.delay_told, row.notice == Notice::delayed);
    EXPECT_EQ(decision.attempt.reply.starts_with(undeliverable_mark), row.result == Attempted::hold);
    if (row.result == Attempted::retry) {
      EXPECT_GT(decision.attempt.next_at, now);
    }
  }
}

TEST(Decide, TellsOfADelayOnce) {
  const config::Queue options;
  store::QueueEntry entry;
  entry.sender = mail::Address::parse("alice@example.org").value();
  entry.bounce = BounceRight::authenticated;
  entry.expires = 5 * 86400;
  store::QueueRecipient to{.recipient = {.address = mail::Address::parse("bob@example.net").value()}};
  to.attempts = 9;
  to.delay_told = true;
  const auto decision = decide(entry, to, CourierFake::deferred(), Schedule(options), {2000, 500});
  EXPECT_EQ(decision.notice, Notice::none);
  EXPECT_TRUE(decision.attempt.delay_told);
}

TEST(Describe, IsOneShortLine) {
  EXPECT_EQ(describe(CourierFake::failed("5.1.1 No such user")), "mx.remote.example said: 550 5.1.1 No such user");
  EXPECT_EQ(describe(CourierFake::failed("No such user")), "mx.remote.example said: 550 5.1.1 No such user");
  EXPECT_EQ(describe({mail::Outcome::Kind::deferred, 0, {4, 4, 1}, "no route", "", false}), "4.4.1 no route");
  EXPECT_EQ(describe({mail::Outcome::Kind::failed, 0, {5, 3, 4}, "mx takes 10", "mx", false}), "5.3.4 mx takes 10");
  EXPECT_LE(describe(CourierFake::failed(std::string(5000, 'x'))).size(), 500U);
}

}  // namespace
}  // namespace postern::queue
