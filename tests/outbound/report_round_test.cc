// SPDX-License-Identifier: Apache-2.0
// A day's reports: from noted facts to mails in the queue.
#include "outbound/report_round.h"

#include "config/gate.h"
#include "dns/zone.h"
#include "mime/part.h"
#include "policy/dmarc_notes.h"
#include "policy/report_archive.h"
#include "store/memory/ledger.h"
#include "tests/queue/house.h"

namespace postern::outbound {
namespace {

constexpr std::int64_t day = 20'000;

class ReportRoundTest : public queue::House {
 protected:
  ReportRoundTest() {
    auto config = make_config();
    config.gate->reports.dmarc = true;
    config.gate->reports.organization = "Example";
    live_.replace(config);
    // Past the longest wait after midnight.
    clock_.jump_wall(std::chrono::seconds((day + 1) * policy::report_day + 3 * 3600 - clock_.unix_now()));
  }

  void note(const std::string& domain, const std::string& ip = "192.0.2.1", std::int64_t on = day) {
    policy::ReportRow row;
    row.source_ip = ip;
    row.disposition = "none";
    row.dkim = row.spf = "pass";
    row.header_from = domain;
    ledger_->reports().note({store::ReportKind::dmarc, on, domain}, policy::row_facts(row));
  }
  void look() {
    ReportRound round({ledger_->reports(), zone_, door_, directory_, live_, clock_, log_, metrics_});
    loop_.run(round.look());
  }
  /// "to" of all mails in the queue.
  std::vector<std::string> readers() {
    std::vector<std::string> out;
    for (const auto& entry : queued()) out.push_back(entry.recipients.front().recipient.address.to_string());
    return out;
  }
  std::string text_of(const store::QueueEntry& entry) {
    auto body = loop_.run(store_->queue().body(entry.id)).value();
    return read(*body);
  }

  dns::Zone zone_{R"(
    _dmarc.a.example.    TXT "v=DMARC1; p=quarantine; sp=none; adkim=s; rua=mailto:r@a.example,mailto:x@other.example"
    _dmarc.none.example. TXT "v=DMARC1; p=none"
    _dmarc.tiny.example. TXT "v=DMARC1; p=none; rua=mailto:r@tiny.example!10,mailto:big@tiny.example!1m"
    _dmarc.ours.example. TXT "v=DMARC1; p=none; rua=mailto:alice@example.org"
    ours.example._report._dmarc.example.org. TXT "v=DMARC1"
    _dmarc.late.example. SERVFAIL
  )"};
  std::unique_ptr<store::Ledger> ledger_ = store::memory::make_ledger();
};

TEST_F(ReportRoundTest, OneMailWithTheCountedRows) {
  note("a.example");
  note("a.example");
  note("a.example", "2001:db8::1");
  look();
  const auto entries = queued();
  ASSERT_EQ(entries.size(), 1U) << "x@other.example has not agreed";
  EXPECT_FALSE(entries[0].sender) << "null sender";
  EXPECT_EQ(entries[0].bounce, store::BounceRight::none);
  const auto text = text_of(entries[0]);
  EXPECT_NE(text.find("From: postmaster@mx.example.org\r\nTo: r@a.example\r\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Subject: Report Domain: a.example Submitter: mx.example.org"), std::string::npos) << text;
  EXPECT_NE(text.find("Report-ID:\r\n <20241004.a.example@mx.example.org>"), std::string::npos) << text;
  const auto tree = mime::parse_message(text);
  ASSERT_EQ(tree.parts.size(), 3U);
  EXPECT_EQ(tree.parts[0].type.subtype, "mixed");
  const auto& file = tree.parts[2];
  EXPECT_EQ(file.type.type + "/" + file.type.subtype, "application/gzip");
  EXPECT_EQ(mime::find_parameter(file.disposition.parameters, "filename")->value,
            fmt::format("mx.example.org!a.example!{}!{}.xml.gz", day * 86400, day * 86400 + 86399));
  const auto zipped =
      mime::decode_transfer(std::string_view(text).substr(file.body_begin, file.body_size()), file.transfer_encoding);
  const auto report = policy::read_report(policy::unpack_reports(zipped).value().front()).value();
  EXPECT_EQ(report.org_name, "Example");
  EXPECT_EQ(report.begin, day * 86400);
  EXPECT_EQ(report.end, day * 86400 + 86399);
  EXPECT_EQ(report.policy.domain, "a.example");
  EXPECT_EQ(report.policy.p + report.policy.sp + report.policy.adkim + report.policy.aspf, "quarantinenonesr");
  ASSERT_EQ(report.rows.size(), 2U);
  EXPECT_EQ(report.rows[0].count, 2U);
  EXPECT_EQ(report.rows[1].source_ip, "2001:db8::1");
}

TEST_F(ReportRoundTest, OnceADayOverRestarts) {
  note("a.example");
  look();
  note("a.example");  // a straggler of the same day
  look();
  EXPECT_EQ(queued().size(), 1U);
  note("a.example", "192.0.2.1", day + 1);
  look();
  EXPECT_EQ(queued().size(), 1U) << "that day is not over";
  clock_.jump_wall(std::chrono::hours(24));
  look();
  EXPECT_EQ(queued().size(), 2U);
}

/// A book that loses what it is told of reports on their way, as the end of the process would.
class Forgetful final : public store::ReportBook {
 public:
  explicit Forgetful(store::ReportBook& book) : book_(book) {}
  void note(store::ReportTopic topic, std::string facts) override { book_.note(std::move(topic), std::move(facts)); }
  async::Task<Result<std::vector<store::ReportTopic>>> due(store::ReportKind kind, std::int64_t before,
                                                           std::size_t most) override {
    return book_.due(kind, before, most);
  }
  async::Task<Result<std::vector<store::ReportCount>>> read(store::ReportTopic topic) override {
    return book_.read(std::move(topic));
  }
  async::Task<Result<>> settle(store::ReportTopic topic) override {
    if (!fails) co_return co_await book_.settle(std::move(topic));
    co_return fail(ErrorKind::unavailable, "the process ends here");
  }
  void forget(std::int64_t before_day) override { book_.forget(before_day); }
  bool fails = true;

 private:
  store::ReportBook& book_;
};

// At least once: a report that is queued and not noted comes again after a restart, known by its id; within one life it does not.
TEST_F(ReportRoundTest, AReportIsNeverLostBetweenBookAndQueue) {
  Forgetful book(ledger_->reports());
  note("a.example");
  ReportRound first({book, zone_, door_, directory_, live_, clock_, log_, metrics_});
  loop_.run(first.look());
  loop_.run(first.look());
  ASSERT_EQ(queued().size(), 1U) << "the same process remembers";
  ReportRound second({book, zone_, door_, directory_, live_, clock_, log_, metrics_});
  loop_.run(second.look());
  const auto entries = queued();
  ASSERT_EQ(entries.size(), 2U);
  const std::string id = "<20241004.a.example@mx.example.org>";
  for (const auto& entry : entries) EXPECT_NE(text_of(entry).find(id), std::string::npos);
  book.fails = false;
  loop_.run(second.look());
  ReportRound third({book, zone_, door_, directory_, live_, clock_, log_, metrics_});
  loop_.run(third.look());
  EXPECT_EQ(queued().size(), 2U);
}

TEST_F(ReportRoundTest, NobodyWhoDoesNotWantIt) {
  note("none.example");
  note("gone.example");
  note("ours.example");
  look();
  EXPECT_TRUE(queued().empty());
  EXPECT_TRUE(loop_.run(ledger_->reports().due(store::ReportKind::dmarc, day + 1, 10)).value().empty());
}

TEST_F(ReportRoundTest, NoLargerThanWanted) {
  note("tiny.example");
  look();
  EXPECT_EQ(readers(), std::vector<std::string>{"big@tiny.example"});
}

TEST_F(ReportRoundTest, WaitsForDnsAWeek) {
  note("late.example");
  look();
  EXPECT_EQ(loop_.run(ledger_->reports().due(store::ReportKind::dmarc, day + 1, 10)).value().size(), 1U);
  clock_.jump_wall(std::chrono::hours(24 * 8));
  look();
  EXPECT_TRUE(loop_.run(ledger_->reports().due(store::ReportKind::dmarc, day + 1, 10)).value().empty());
}

TEST_F(ReportRoundTest, OffMeansOff) {
  live_.replace(make_config());
  note("a.example");
  look();
  EXPECT_TRUE(queued().empty());
}

}  // namespace
}  // namespace postern::outbound
