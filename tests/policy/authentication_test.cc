// SPDX-License-Identifier: Apache-2.0
#include "policy/authentication.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "dns/zone.h"
#include "policy/dkim_sign.h"
#include "tests/policy/dkim_messages.h"

namespace postern::policy {
namespace {

constexpr UnixTime now = 1'600'000'000;
constexpr std::string_view zone_text = R"(
  football.example.com.        TXT "v=spf1 ip4:192.0.2.1 -all"
  _dmarc.example.com.          TXT "v=DMARC1; p=reject"
  lists.example.               TXT "v=spf1 ip4:192.0.2.7 -all"
  client.example.              TXT "v=spf1 a -all"
  client.example.              A   192.0.2.1
  dead.example.                SERVFAIL
  _dmarc.dead.example.         SERVFAIL
  _dmarc.spfdead.example.      TXT "v=DMARC1; p=reject"
  spfdead.example.             SERVFAIL
)";

struct Mail {
  std::string ip = "192.0.2.1";
  std::string sender = "joe@football.example.com";
  std::string header = std::string(rfc6376_header) + "\r\n";
  std::string helo = "client.example";
};

Authentication run(const Mail& mail, const AuthenticationOptions& options = {}) {
  dns::Zone zone(example_keys);
  zone.add(zone_text);
  AuthenticationRun run(mail.header, options);
  run.feed(rfc6376_body);
  ClientFacts client;
  client.ip = *IpAddress::parse(mail.ip);
  client.helo = mail.helo;
  if (!mail.sender.empty()) client.sender = *mail::Address::parse(mail.sender);
  client.own_hostname = "mx.example.org";
  client.now = now;
  return async::run_alone(run.finish(zone, std::move(client)));
}

/// The message of RFC 6376 signed for football.example.com.
std::string signed_header(const std::string& header) {
  MemoryKeys keys;
  EXPECT_TRUE(keys.add("k", Secret(rfc8463_ed25519_pem)));
  DkimSigning signing;
  signing.domain = "football.example.com";
  signing.selector = "brisbane";
  signing.key_id = "k";
  BodyHash hash(signing.body, std::nullopt);
  hash.feed(rfc6376_body);
  return *async::run_alone(sign_dkim(keys, signing, header, hash.finish())) + header;
}

TEST(Authentication, PassesBySpf) {
  const auto all = run({});
  EXPECT_EQ(all.spf.code, SpfCode::pass);
  EXPECT_EQ(all.helo.code, SpfCode::pass);
  EXPECT_EQ(all.dmarc.code, DmarcCode::pass);
  EXPECT_TRUE(all.dmarc.spf_aligned);
  EXPECT_TRUE(all.sender_proven);
  EXPECT_EQ(all.disposition, DmarcPolicy::none);
  EXPECT_EQ(write_results("mx.example.org", all.results()),
            "Authentication-Results: mx.example.org;\r\n"
            "\tspf=pass (ip4:192.0.2.1) smtp.mailfrom=joe@football.example.com;\r\n"
            "\tspf=pass (a) smtp.helo=client.example;\r\n"
            "\tdmarc=pass (p=reject dis=none) header.from=football.example.com\r\n\t policy.dmarc=reject\r\n");
}

TEST(Authentication, PassesByDkimFromAnywhere) {
  const auto all = run({.ip = "198.51.100.9", .header = signed_header(std::string(rfc6376_header) + "\r\n")});
  EXPECT_EQ(all.spf.code, SpfCode::fail);
  ASSERT_EQ(all.dkim.size(), 1U);
  EXPECT_EQ(all.dkim[0].code, DkimCode::pass) << all.dkim[0].reason;
  EXPECT_EQ(all.dmarc.code, DmarcCode::pass);
  EXPECT_TRUE(all.sender_proven) << "the signature is of the sender's organization";
}

TEST(Authentication, Fails) {
  const auto all = run({.ip = "198.51.100.9"});
  EXPECT_EQ(all.dmarc.code, DmarcCode::fail);
  EXPECT_EQ(all.disposition, DmarcPolicy::reject);
  EXPECT_FALSE(all.sender_proven);
  EXPECT_FALSE(run({.ip = "198.51.100.9", .sender = "x@lists.example"}).sender_proven);
}

TEST(Authentication, NullSenderIsTheHeloName) {
  const auto all = run({.sender = ""});
  EXPECT_EQ(all.spf.code, SpfCode::pass);
  EXPECT_EQ(all.spf.domain, "client.example");
  EXPECT_FALSE(all.sender_proven) << "nobody to send a notice to";
  EXPECT_EQ(all.results()[0].property("smtp.helo"), "client.example");
  EXPECT_EQ(run({.sender = "", .helo = "[192.0.2.1]"}).spf.code, SpfCode::none);
}

// security.md D40
TEST(Authentication, UnclearAuthorsNeverPass) {
  for (const auto* const from : {"From: a@football.example.com\r\nFrom: b@football.example.com\r\n", "X-From: a@b.example\r\n",
                                 "From: g: a@football.example.com;\r\n", "From: nobody\r\n"}) {
    const auto all = run({.header = std::string(from) + "\r\n"});
    EXPECT_EQ(all.dmarc.code, DmarcCode::permerror) << from;
    EXPECT_FALSE(all.dmarc.reason.empty());
  }
  const auto both = run({.header = "From: a@football.example.com, b@spfdead.example\r\n\r\n"});
  EXPECT_EQ(both.dmarc.code, DmarcCode::fail);
  EXPECT_EQ(both.dmarc.author, "spfdead.example");
}

// security.md D48
TEST(Authentication, TroubleWithDnsIsTemporary) {
  auto all = run({.sender = "a@dead.example", .header = "From: a@dead.example\r\n\r\n"});
  EXPECT_EQ(all.spf.code, SpfCode::temperror);
  EXPECT_EQ(all.dmarc.code, DmarcCode::temperror);
  EXPECT_EQ(all.disposition, DmarcPolicy::none);
  all = run({.sender = "a@spfdead.example", .header = "From: a@spfdead.example\r\n\r\n"});
  EXPECT_EQ(all.dmarc.code, DmarcCode::temperror);
  AuthenticationOptions few;
  few.queries = 1;
  EXPECT_EQ(run({}, few).dmarc.code, DmarcCode::temperror);
}

TEST(Authentication, LocalOverrides) {
  AuthenticationOptions options;
  options.overrides = {{"example.com", DmarcPolicy::none}, {"football.example.com", DmarcPolicy::quarantine}};
  auto all = run({.ip = "198.51.100.9"}, options);
  EXPECT_EQ(all.disposition, DmarcPolicy::quarantine) << "the longest domain counts";
  EXPECT_EQ(all.overridden, OverrideReason::local_policy);
  std::ranges::reverse(options.overrides);
  EXPECT_EQ(run({.ip = "198.51.100.9"}, options).disposition, DmarcPolicy::quarantine) << "wherever it stands";
  options.overrides = {{"x.example", DmarcPolicy::reject}};
  all = run({.header = "From: a@sub.x.example\r\n\r\n"}, options);
  EXPECT_EQ(all.dmarc.code, DmarcCode::none);
  EXPECT_EQ(all.disposition, DmarcPolicy::reject) << "also without a record of theirs";
  EXPECT_EQ(run({}, options).disposition, DmarcPolicy::none);
}

TEST(Authentication, Forwarders) {
  const Mail by_list{
      .ip = "192.0.2.7", .sender = "bounce@lists.example", .header = "List-Id: <l.lists.example>\r\n" + Mail().header};
  EXPECT_EQ(run(by_list).disposition, DmarcPolicy::reject);
  AuthenticationOptions options;
  options.forwarders = {"lists.example"};
  auto all = run(by_list, options);
  EXPECT_EQ(all.disposition, DmarcPolicy::none);
  EXPECT_EQ(all.overridden, OverrideReason::mailing_list);
  EXPECT_EQ(all.dmarc.code, DmarcCode::fail);
  EXPECT_TRUE(all.sender_proven);
  EXPECT_EQ(run({.ip = "198.51.100.9", .sender = "bounce@lists.example"}, options).disposition, DmarcPolicy::reject)
      << "the name alone proves nothing";
  options.forwarders.clear();
  options.forwarder_networks = {*IpNetwork::parse("198.51.100.0/24")};
  EXPECT_EQ(run({.ip = "198.51.100.9"}, options).overridden, OverrideReason::trusted_forwarder);
}

TEST(Authentication, SwitchedOff) {
  AuthenticationOptions none;
  none.spf = none.dkim = none.arc = none.dmarc = false;
  const auto all = run({.header = signed_header(Mail().header)}, none);
  EXPECT_TRUE(all.results().empty());
  EXPECT_FALSE(all.sender_proven);
  AuthenticationOptions no_helo;
  no_helo.spf_helo = false;
  EXPECT_EQ(run({}, no_helo).helo.code, SpfCode::none);
}

}  // namespace
}  // namespace postern::policy
