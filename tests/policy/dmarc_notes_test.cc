// SPDX-License-Identifier: Apache-2.0
#include "policy/dmarc_notes.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "config/gate.h"
#include "store/memory/ledger.h"

namespace postern::policy {
namespace {

const IpAddress client = IpAddress::parse("192.0.2.1").value();

Authentication failed() {
  Authentication all;
  all.spf.domain = "bounce.example";
  all.spf.code = SpfCode::pass;
  all.helo.domain = "mx.bounce.example";
  all.helo.code = SpfCode::none;
  all.mail_from = "x@bounce.example";
  DkimResult signature;
  signature.domain = "bounce.example";
  signature.selector = "s1";
  signature.code = DkimCode::pass;
  all.dkim = {signature};
  all.dmarc.code = DmarcCode::fail;
  all.dmarc.author = "news.author.example";
  all.dmarc.found_at = "author.example";
  all.dmarc.record.reports = {{"r@author.example"}};
  all.disposition = DmarcPolicy::reject;
  return all;
}

TEST(DmarcReportRow, SaysWhatWasFound) {
  const auto row = report_row(failed(), client, false);
  EXPECT_EQ(row.source_ip, "192.0.2.1");
  EXPECT_EQ(row.disposition, "reject");
  EXPECT_EQ(row.dkim, "fail") << "a pass of another domain";
  EXPECT_EQ(row.spf, "fail");
  EXPECT_TRUE(row.reasons.empty());
  EXPECT_EQ(row.header_from, "news.author.example");
  EXPECT_EQ(row.envelope_from, "bounce.example");
  EXPECT_EQ(row.dkim_results, (std::vector<ReportedResult>{{"bounce.example", "pass", "s1", ""}}));
  EXPECT_EQ(row.spf_results,
            (std::vector<ReportedResult>{{"bounce.example", "pass", "", "mfrom"}, {"mx.bounce.example", "none", "", "helo"}}));
}

TEST(DmarcReportRow, SaysWhatWeDidInstead) {
  auto all = failed();
  auto row = report_row(all, client, true);
  EXPECT_EQ(row.disposition, "none");
  ASSERT_EQ(row.reasons.size(), 1U);
  EXPECT_EQ(row.reasons[0].type, "local_policy");
  all.disposition = DmarcPolicy::none;
  all.overridden = OverrideReason::sampled_out;
  EXPECT_EQ(report_row(all, client, true).reasons[0].type, "sampled_out");
  all.dmarc.record.testing = true;
  EXPECT_EQ(report_row(all, client, true).reasons[0].type, "policy_test_mode");
}

class DmarcNotesTest : public testing::Test {
 protected:
  std::vector<store::ReportTopic> topics() {
    return async::run_alone(ledger_->reports().due(store::ReportKind::dmarc, 1'000'000, 10)).value();
  }
  static config::Config configured(bool on) {
    config::Config config;
    config.gate->reports.dmarc = on;
    return config;
  }

  FakeClock clock_;
  config::Live live_{configured(true)};
  std::unique_ptr<store::Ledger> ledger_ = store::memory::make_ledger();
  DmarcNotes notes_{ledger_->reports(), live_, clock_};
};

TEST_F(DmarcNotesTest, EqualMessagesAreOneRow) {
  for (int i = 0; i < 3; ++i) notes_.note(failed(), client, false);
  notes_.note(failed(), IpAddress::parse("2001:db8::1").value(), false);
  const store::ReportTopic topic{store::ReportKind::dmarc, clock_.unix_now() / report_day, "author.example"};
  EXPECT_EQ(topics(), std::vector<store::ReportTopic>{topic});
  const auto counts = async::run_alone(ledger_->reports().read(topic)).value();
  ASSERT_EQ(counts.size(), 2U);
  EXPECT_EQ(counts[0].count, 3U);
  auto row = read_row_facts(counts[0].facts).value();
  EXPECT_EQ(row, report_row(failed(), client, false)) << "what is kept is what was seen";
}

TEST_F(DmarcNotesTest, OnlyWhereReportsAreWanted) {
  auto all = failed();
  all.dmarc.record.reports.clear();
  notes_.note(all, client, false);
  all = failed();
  all.dmarc.code = DmarcCode::temperror;
  notes_.note(all, client, false);
  config::Live off(configured(false));
  DmarcNotes(ledger_->reports(), off, clock_).note(failed(), client, false);
  EXPECT_TRUE(topics().empty());
}

TEST(DmarcFacts, NonsenseIsRefused) {
  for (const auto* text : {"", "x", "<record>", "<row/>"}) EXPECT_FALSE(read_row_facts(text)) << text;
}

}  // namespace
}  // namespace postern::policy
