// SPDX-License-Identifier: Apache-2.0
// A day's reports about TLS: by mail, and over https.
#include "config/gate.h"
#include "dns/zone.h"
#include "mime/part.h"
#include "outbound/report_round.h"
#include "policy/dmarc_notes.h"
#include "policy/report_archive.h"
#include "store/memory/ledger.h"
#include "tests/outbound/https_server.h"
#include "tests/queue/house.h"

namespace postern::outbound {
namespace {

constexpr std::int64_t day = 20'000;

/// Takes reports over https.
class Collector {
 public:
  Collector() : server_({"collector.example"}, router()) {}
  std::uint16_t port() const { return server_.port(); }
  std::shared_ptr<net::TlsClient> client() const { return net::TlsClient::create({server_.certificate(), {}}).value(); }

  // Written by the server's thread before it answers.
  std::vector<http::Request> requests;
  std::atomic<unsigned> status = 201;

 private:
  http::Router router() {
    http::Router out;
    out.add("POST", "/tls", [this](const http::Request& request) { return take(request); });
    return out;
  }
  async::Task<http::Response> take(const http::Request& request) {
    requests.push_back(request);
    co_return http::plain_response(status, "thanks");
  }

  test::HttpsServer server_;  // last: its thread uses the rest
};

class TlsReportRoundTest : public queue::House {
 protected:
  TlsReportRoundTest() {
    auto config = make_config();
    config.gate->reports.tls = true;
    live_.replace(config);
    clock_.jump_wall(std::chrono::seconds((day + 1) * policy::report_day + 3 * 3600 - clock_.unix_now()));
  }
  void note(const std::string& domain, const std::string& failure = {}) {
    policy::TlsSession session;
    session.policy.type = "no-policy-found";
    session.failure = failure;
    session.mx = "mx." + domain;
    ledger_->reports().note({store::ReportKind::tls, day, domain}, policy::session_facts(session));
  }
  void look() {
    ReportRound round({ledger_->reports(), zone_, door_, directory_, live_, clock_, log_, metrics_, collector_.client(),
                       [this](const IpAddress&) { return refusal_; }});
    loop_.run(round.look());
  }
  std::size_t waiting() { return loop_.run(ledger_->reports().due(store::ReportKind::tls, day + 1, 10)).value().size(); }

  Collector collector_;
  std::string refusal_;
  dns::Zone zone_{
      "_smtp._tls.a.example. TXT \"v=TLSRPTv1; rua=mailto:tls@b.example\"\n"
      "_smtp._tls.none.example. TXT \"v=spf1 -all\"\n"
      "_smtp._tls.two.example. TXT \"v=TLSRPTv1; rua=mailto:a@two.example\"\n"
      "_smtp._tls.two.example. TXT \"v=TLSRPTv1; rua=mailto:b@two.example\"\n"
      "_smtp._tls.late.example. TIMEOUT\n"
      "collector.example. A 127.0.0.1\n"};
  std::unique_ptr<store::Ledger> ledger_ = store::memory::make_ledger();
};

TEST_F(TlsReportRoundTest, OneMailForEachDomain) {
  note("a.example");
  note("a.example");
  note("a.example", "starttls-not-supported");
  note("none.example");
  note("two.example");
  note("late.example");
  look();
  look();
  const auto entries = queued();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(waiting(), 1U) << "late.example";
  auto body = loop_.run(store_->queue().body(entries[0].id)).value();
  const auto text = read(*body);
  for (const auto* field : {"To: tls@b.example\r\n", "TLS-Report-Domain: a.example\r\n",
                            "TLS-Report-Submitter: mx.example.org\r\n", "TLS-Required: No\r\n", "report-type=tlsrpt"}) {
    EXPECT_NE(text.find(field), std::string::npos) << field << "\n" << text;
  }
  const auto tree = mime::parse_message(text);
  ASSERT_EQ(tree.parts.size(), 3U);
  EXPECT_EQ(tree.parts[0].type.subtype, "report");
  const auto& file = tree.parts[2];
  EXPECT_EQ(file.type.subtype, "tlsrpt+gzip");
  const auto zipped =
      mime::decode_transfer(std::string_view(text).substr(file.body_begin, file.body_size()), file.transfer_encoding);
  const auto json = policy::unpack_reports(zipped).value().front();
  EXPECT_NE(json.find("\"total-successful-session-count\":2,\"total-failure-session-count\":1"), std::string::npos) << json;
  EXPECT_NE(json.find("\"result-type\":\"starttls-not-supported\""), std::string::npos) << json;
}

TEST_F(TlsReportRoundTest, OverHttps) {
  zone_.add(fmt::format("_smtp._tls.web.example. TXT \"v=TLSRPTv1; rua=https://collector.example:{}/tls\"", collector_.port()));
  note("web.example");
  collector_.status = 500;
  look();
  EXPECT_EQ(waiting(), 1U) << "what was not taken is tried again";
  refusal_ = "inside";
  look();
  EXPECT_EQ(collector_.requests.size(), 1U) << "inside addresses are not asked";
  refusal_.clear();
  collector_.status = 201;
  look();
  EXPECT_EQ(waiting(), 0U);
  ASSERT_EQ(collector_.requests.size(), 2U);
  EXPECT_EQ(collector_.requests[1].header("Content-Type"), "application/tlsrpt+gzip");
  EXPECT_TRUE(policy::unpack_reports(collector_.requests[1].body)->front().starts_with("{\"organization-name\""));
  EXPECT_TRUE(queued().empty());
}

TEST_F(TlsReportRoundTest, OffMeansOff) {
  live_.replace(make_config());
  note("a.example");
  look();
  EXPECT_TRUE(queued().empty());
}

}  // namespace
}  // namespace postern::outbound
