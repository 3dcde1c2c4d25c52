// SPDX-License-Identifier: Apache-2.0
// The ledger, in memory and in state.db: what is noted is there, by key, until it is old.
#include <gtest/gtest.h>

#include "store/guard_book.h"
#include "store/memory/ledger.h"
#include "store/report_book.h"
#include "store/sending_book.h"
#include "store/sqlite/ledger.h"
#include "store/sts_book.h"
#include "tests/store/conformance.h"

namespace postern::store::test {
namespace {

class LedgerConformance : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    if (GetParam() == Backend::memory) {
      ledger_ = memory::make_ledger();
    } else {
      ledger_ = sqlite::open_ledger(folder_.path(), {real_.clock, real_.log, real_.metrics});
    }
  }
  GuardBook& book() { return ledger_->guard(); }
  GuardMemory all() { return book().recall().value(); }

  static GuardEvidence evidence() {
    return {.failures = 50,
            .refused = 10,
            .first = 100,
            .last = 900,
            .imap = 30,
            .pop3 = 20,
            .submission = 10,
            .names = {"alice@example.org", "\"odd, name\"@example.org"},
            .more_names = 3,
            .foreign_names = 4};
  }
  static BanRow ban(std::string network, UnixTime until) {
    return {.network = std::move(network),
            .since = 1000,
            .until = until,
            .lifted = 0,
            .times = 2,
            .by_admin = true,
            .reason = "50 failed logins",
            .note = "asked them",
            .evidence = evidence()};
  }
  static TallyRow tally(TallyScope scope, std::string key, UnixTime since, std::uint64_t count) {
    return {.scope = scope, .key = std::move(key), .since = since, .count = count, .evidence = evidence()};
  }

  Folder folder_;
  Real real_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_P(LedgerConformance, BeginsEmpty) {
  EXPECT_TRUE(all().bans.empty());
  EXPECT_TRUE(all().tallies.empty());
}

TEST_P(LedgerConformance, KeepsEveryField) {
  const auto one = ban("192.0.2.1/32", 5000);
  const auto two = tally(TallyScope::account, "alice@example.org", 70, 12);
  must(book().save({.bans = {one}, .tallies = {two}}));
  EXPECT_EQ(all().bans, std::vector{one});
  EXPECT_EQ(all().tallies, std::vector{two});
}

TEST_P(LedgerConformance, AKeyHasOneRow) {
  must(book().save({.bans = {ban("192.0.2.1/32", 5000), ban("10.0.0.0/24", 0)}}));
  auto changed = ban("192.0.2.1/32", 9000);
  changed.note = "again";
  book().note({.bans = {changed}, .tallies = {tally(TallyScope::address, "192.0.2.1", 5, 1)}});
  book().note({.tallies = {tally(TallyScope::address, "192.0.2.1", 5, 2), tally(TallyScope::network, "192.0.2.1", 4, 9)}});
  must(ledger_->settle());
  EXPECT_EQ(all().bans, (std::vector{ban("10.0.0.0/24", 0), changed}));
  ASSERT_EQ(all().tallies.size(), 2U) << "the scope is part of the key";
  EXPECT_EQ(all().tallies[0].count, 9U) << "oldest first";
  EXPECT_EQ(all().tallies[1].count, 2U);
}

TEST_P(LedgerConformance, ForgetsByKeyAndByAge) {
  auto lifted = ban("192.0.2.3/32", 0);
  lifted.lifted = 4000;
  must(book().save({.bans = {ban("192.0.2.1/32", 5000), ban("192.0.2.2/32", 0), lifted},
                    .tallies = {tally(TallyScope::address, "a", 10, 1), tally(TallyScope::address, "b", 20, 1),
                                tally(TallyScope::network, "b", 30, 1)}}));
  must(book().save({.forgotten = {{.scope = TallyScope::address, .key = "b"}}, .bans_before = 4500, .tallies_before = 11}));
  ASSERT_EQ(all().tallies.size(), 1U);
  EXPECT_EQ(all().tallies[0].scope, TallyScope::network);
  EXPECT_EQ(all().bans, (std::vector{ban("192.0.2.1/32", 5000), ban("192.0.2.2/32", 0)}));
  must(book().save({.bans_before = 1'000'000'000}));
  EXPECT_EQ(all().bans, std::vector{ban("192.0.2.2/32", 0)}) << "one without end stays";
}

TEST_P(LedgerConformance, WhatAccountsSend) {
  auto& book = ledger_->sending();
  const SendingBook::Since since{.sent = 600, .correspondents = 100};
  book.note({1, 300, 9, 9, 9}, {{1, 7, 50}}, {});
  book.note({1, 900, 1, 3, 2}, {{1, UINT64_MAX, 900}, {1, 8, 800}}, since);
  book.note({1, 900, 1, 1, 0}, {{1, 8, 900}, {2, 8, 1000}}, since);
  book.note({2, 900, 5, 5, 5}, {}, since);
  book.suspend({1, 900, 0, "more than 3 messages"});
  book.suspend({2, 900, 1000, "much"});
  book.suspend({2, 950, 2000, "more"});
  must(ledger_->settle());
  auto known = book.recall({}).value();
  ASSERT_EQ(known.sent.size(), 2U) << "the slot before 600 is gone";
  EXPECT_EQ(known.sent[0].messages, 2U);
  EXPECT_EQ(known.sent[0].recipients, 4U);
  EXPECT_EQ(known.sent[0].fresh, 2U);
  ASSERT_EQ(known.correspondents.size(), 3U);
  EXPECT_EQ(known.correspondents[0].account, 2);
  EXPECT_EQ(known.suspensions, (std::vector<SuspensionRow>{{1, 900, 0, "more than 3 messages"}, {2, 950, 2000, "more"}}));
  EXPECT_EQ(book.recall({.most = 1}).value().correspondents.size(), 1U);
  EXPECT_EQ(book.recall({.correspondents = 950}).value().correspondents.size(), 1U);
  book.lift(1);
  book.forgive(1);
  must(ledger_->settle());
  known = book.recall({}).value();
  EXPECT_EQ(known.suspensions.size(), 1U);
  ASSERT_EQ(known.sent.size(), 1U);
  EXPECT_EQ(known.sent[0].account, 2);
}

TEST_P(LedgerConformance, ReportsAreCountedAndSettledOnce) {
  auto& book = ledger_->reports();
  const ReportTopic monday{ReportKind::dmarc, 20'000, "a.example"};
  const ReportTopic tuesday{ReportKind::dmarc, 20'001, "a.example"};
  const ReportTopic other{ReportKind::dmarc, 20'000, "b.example"};
  const ReportTopic tls{ReportKind::tls, 20'000, "a.example"};
  for (int i = 0; i < 3; ++i) book.note(monday, "x");
  book.note(monday, "it's");
  for (const auto& topic : {tuesday, other, tls}) book.note(topic, "y");
  EXPECT_EQ(must(book.due(ReportKind::dmarc, 20'001, 10)), (std::vector<ReportTopic>{monday, other})) << "the day is not over";
  EXPECT_EQ(must(book.due(ReportKind::dmarc, 20'002, 2)).size(), 2U);
  EXPECT_EQ(must(book.due(ReportKind::tls, 20'001, 10)), std::vector<ReportTopic>{tls});
  const std::vector<ReportCount> counts{{"it's", 1}, {"x", 3}};
  EXPECT_EQ(must(book.read(monday)), counts);
  EXPECT_EQ(must(book.read(monday)), counts) << "what is not settled can be read again";
  must(book.settle(monday));
  EXPECT_TRUE(must(book.read(monday)).empty());
  EXPECT_EQ(must(book.due(ReportKind::dmarc, 20'001, 10)), std::vector<ReportTopic>{other});
  book.note(monday, "late");
  EXPECT_TRUE(must(book.read(monday)).empty()) << "a second report of the day";
  EXPECT_EQ(must(book.due(ReportKind::dmarc, 20'001, 10)).size(), 2U);
  must(book.settle(monday));
  EXPECT_EQ(must(book.due(ReportKind::dmarc, 20'001, 10)), std::vector<ReportTopic>{other});
  book.forget(20'001);
  EXPECT_TRUE(must(book.due(ReportKind::tls, 20'001, 10)).empty());
  EXPECT_EQ(must(book.read(tuesday)).size(), 1U);
}

TEST_P(LedgerConformance, FactsOfOneReportAreBounded) {
  auto& book = ledger_->reports();
  const ReportTopic flood{ReportKind::dmarc, 20'000, "a.example"};
  for (std::size_t i = 0; i < report_facts_max + 10; ++i) book.note(flood, std::to_string(i));
  book.note(flood, "0");
  book.note({ReportKind::dmarc, 20'000, "b.example"}, "0");
  const auto counts = must(book.read(flood));
  must(book.settle(flood));
  EXPECT_EQ(counts.size(), report_facts_max);
  EXPECT_EQ(counts.front(), (ReportCount{"0", 2})) << "what is known is counted on";
  EXPECT_EQ(must(book.due(ReportKind::dmarc, 20'001, 10)).size(), 1U);
}

TEST_P(LedgerConformance, PoliciesOfTlsAreKeptUntilTheyEnd) {
  auto& book = ledger_->sts();
  const StsRow a{"a.example", "1", "version: STSv1", 10, 100};
  const StsRow b{"b.example", "2", "text", 20, 300};
  const StsRow c{"c.example", "3", "text", 30, 200};
  for (const auto& row : {a, b, c}) book.note(row);
  must(ledger_->settle());
  EXPECT_EQ(book.recall(2).value(), (std::vector<StsRow>{b, c}));
  const StsRow later{"a.example", "9", "other", 50, 400};
  book.note(later);
  book.forget(300);
  must(ledger_->settle());
  EXPECT_EQ(book.recall(10).value(), (std::vector<StsRow>{later, b}));
}

TEST_P(LedgerConformance, AClosedOneSaysSo) {
  ledger_->close();
  EXPECT_EQ(book().recall().error().kind, ErrorKind::unavailable);
  EXPECT_EQ(error_of(book().save({})), ErrorKind::unavailable);
  EXPECT_EQ(error_of(ledger_->settle()), ErrorKind::unavailable);
  book().note({.bans = {ban("192.0.2.1/32", 5000)}});
}

POSTERN_CONFORMANCE(LedgerConformance);

}  // namespace
}  // namespace postern::store::test
