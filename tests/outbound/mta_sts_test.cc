// SPDX-License-Identifier: Apache-2.0
// Finding and keeping policies, against an HTTPS server on loopback.
#include "outbound/mta_sts.h"

#include <gtest/gtest.h>

#include "dns/zone.h"
#include "store/memory/ledger.h"
#include "tests/outbound/sts_server.h"
#include "tests/support/net.h"

namespace postern::outbound {
namespace {

using Mode = StsPolicy::Mode;
using std::chrono::hours;

constexpr const char* record = "_mta-sts.example.net. TXT \"v=STSv1; id=1\"\n";
constexpr const char* host = "mta-sts.example.net. A 127.0.0.1\n";

std::string policy_text(std::string_view mode, int age = 86400) {
  return fmt::format("version: STSv1\nmode: {}\nmx: mx.example.net\nmax_age: {}\n", mode, age);
}

class MtaStsTest : public testing::Test {
 protected:
  MtaStsTest() { server_.page.body = policy_text("enforce"); }

  void make(const std::string& zone_text, std::string refusal = {}) {
    zone_ = std::make_unique<dns::Zone>(zone_text);
    sts_ = std::make_unique<MtaSts>(MtaSts::Parts{.resolver = *zone_,
                                                  .book = ledger_->sts(),
                                                  .tls = tls_,
                                                  .clock = clock_,
                                                  .log = log_,
                                                  .refusal = [refusal](const IpAddress&) { return refusal; },
                                                  .port = server_.port()});
  }
  StsFinding find(const std::string& domain = "example.net") { return loop_.run(sts_->find(domain)); }

  FakeClock clock_;
  Log log_{LogLevel::off, null_sink()};
  test::StsServer server_;
  test::TestLoop loop_;
  std::shared_ptr<net::TlsClient> tls_ = net::TlsClient::create({server_.certificate(), {}}).value();
  std::unique_ptr<store::Ledger> ledger_ = store::memory::make_ledger();
  std::unique_ptr<dns::Zone> zone_;
  std::unique_ptr<MtaSts> sts_;
};

TEST_F(MtaStsTest, FetchesOnceAndKeeps) {
  make(std::string(record) + host);
  for (int i = 0; i < 3; ++i) {
    const auto found = find();
    ASSERT_TRUE(found.enforced()) << found.why;
    EXPECT_EQ(found.policy->mx, std::vector<std::string>{"mx.example.net"});
    EXPECT_EQ(found.failure, "");
  }
  EXPECT_EQ(server_.fetches, 1);
  make("_mta-sts.example.net. SERVFAIL\n");
  EXPECT_TRUE(find().enforced()) << "over a restart, while DNS is silent (D55)";
  make("other.example. A 192.0.2.1\n");
  EXPECT_TRUE(find().enforced()) << "also when the record has gone";
  clock_.jump_wall(hours(25));
  EXPECT_FALSE(find().policy) << "it has ended";
}

TEST_F(MtaStsTest, AnotherIdIsAnotherPolicy) {
  make(std::string(record) + host);
  EXPECT_TRUE(find().enforced());
  server_.page.body = policy_text("testing");
  make("_mta-sts.example.net. TXT \"v=STSv1; id=2\"\n" + std::string(host));
  EXPECT_EQ(find().policy->mode, Mode::testing);
  EXPECT_EQ(server_.fetches, 2);
}

TEST_F(MtaStsTest, AFailureKeepsTheOldOneAndWaits) {
  make(std::string(record) + host);
  EXPECT_TRUE(find().enforced());
  server_.page = http::plain_response(302, "elsewhere");
  make("_mta-sts.example.net. TXT \"v=STSv1; id=2\"\n" + std::string(host));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(find().enforced());
  EXPECT_EQ(find().failure, "sts-policy-fetch-error");
  EXPECT_EQ(server_.fetches, 2) << "not again for five minutes";
  clock_.jump_wall(std::chrono::minutes(6));
  server_.page = {};
  server_.page.body = policy_text("none");
  EXPECT_EQ(find().policy->mode, Mode::none);
}

TEST_F(MtaStsTest, WhatCannotBeTrustedIsNoPolicy) {
  struct Case {
    const char* name;
    http::Response page;
    const char* failure;
  };
  http::Response html;
  html.type = "text/html";
  html.body = policy_text("enforce");
  http::Response wrong;
  wrong.body = "version: STSv1\nmode: enforce\n";
  http::Response large;
  large.body = policy_text("enforce") + std::string(100'000, '\n');
  for (const auto& one :
       {Case{"status", http::plain_response(404, "no"), "sts-policy-fetch-error"}, Case{"type", html, "sts-policy-invalid"},
        Case{"text", wrong, "sts-policy-invalid"}, Case{"size", large, "sts-policy-fetch-error"}}) {
    ledger_ = store::memory::make_ledger();
    make(std::string(record) + host);
    server_.page = one.page;
    const auto found = find();
    EXPECT_FALSE(found.policy) << one.name;
    EXPECT_EQ(found.failure, one.failure) << one.name << ": " << found.why;
  }
}

TEST_F(MtaStsTest, TheCertificateMustProveTheName) {
  make("_mta-sts.other.example. TXT \"v=STSv1; id=1\"\nmta-sts.other.example. A 127.0.0.1\n");
  const auto found = find("other.example");
  EXPECT_FALSE(found.policy);
  EXPECT_EQ(found.failure, "sts-webpki-invalid") << found.why;
  EXPECT_EQ(server_.fetches, 0);
}

TEST_F(MtaStsTest, InsideAddressesAreNotAsked) {
  make(std::string(record) + host, "it is inside");
  EXPECT_NE(find().why.find("it is inside"), std::string::npos) << find().why;
  EXPECT_EQ(server_.fetches, 0);
}

TEST_F(MtaStsTest, OnlyOneRecordCounts) {
  make(std::string(record) + "_mta-sts.example.net. TXT \"v=STSv1; id=2\"\n_mta-sts.example.net. TXT \"v=spf1\"\n" + host);
  EXPECT_FALSE(find().policy);
  make("_mta-sts.example.net. TXT \"v=STSv1; id=-\"\n" + std::string(host));
  EXPECT_FALSE(find().policy);
  EXPECT_EQ(server_.fetches, 0);
}

async::Task<> find_and_count(MtaSts& sts, int& done) {
  if ((co_await sts.find("example.net")).enforced()) ++done;
}

TEST_F(MtaStsTest, ManyAtOnceFetchOnce) {
  make(std::string(record) + host);
  int done = 0;
  for (int i = 0; i < 8; ++i) loop_.spawn(find_and_count(*sts_, done));
  loop_.finish();
  EXPECT_EQ(done, 8);
  EXPECT_EQ(server_.fetches, 1);
}

TEST_F(MtaStsTest, OldOnesAreFetchedAgainBeforeTheyEnd) {
  server_.page.body = policy_text("enforce", 3 * 86400);
  make(std::string(record) + host);
  find();
  loop_.run(sts_->refresh());
  EXPECT_EQ(server_.fetches, 1) << "it is fresh";
  clock_.jump_wall(hours(25));
  loop_.run(sts_->refresh());
  EXPECT_EQ(server_.fetches, 2);
  make("_mta-sts.example.net. SERVFAIL\n");
  clock_.jump_wall(hours(60));
  EXPECT_TRUE(find().enforced()) << "three days from the second fetch";
}

TEST(AddSts, RaisesTheDemand) {
  StsFinding found;
  found.policy = StsPolicy{Mode::enforce, std::chrono::seconds(1), {"mx.example.net"}};
  Hop hop;
  hop.name = "mx.example.net";
  hop.domain = "example.net";
  TlsDemand demand;
  add_sts(found, hop, demand);
  EXPECT_EQ(to_string(demand), "verified");
  EXPECT_TRUE(demand.mx_proven);
  hop.name = "evil.example";
  demand = {};
  add_sts(found, hop, demand);
  EXPECT_NE(demand.trouble.find("does not name this server"), std::string::npos);
  found.policy->mode = Mode::testing;
  demand = {};
  add_sts(found, hop, demand);
  EXPECT_EQ(to_string(demand), "opportunistic");
  EXPECT_TRUE(demand.trouble.empty());
}

}  // namespace
}  // namespace postern::outbound
