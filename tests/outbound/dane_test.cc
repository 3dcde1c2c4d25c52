// SPDX-License-Identifier: Apache-2.0
#include "outbound/dane.h"

#include <gtest/gtest.h>

#include "config/way_out.h"
#include "dns/zone.h"
#include "tests/support/net.h"

namespace postern::outbound {
namespace {

using State = DaneFinding::State;

constexpr std::string_view digest = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

class DaneTest : public testing::Test {
 protected:
  DaneTest() : router_(zone_, {}) { config_.server.hostname = "us.example"; }
  std::shared_ptr<const config::Config> config() const { return std::make_shared<const config::Config>(config_); }
  Hop first_hop(std::string domain) { return loop_.run(router_.hops(std::move(domain), config())).value().front(); }
  DaneFinding find(std::string domain) { return loop_.run(find_dane(zone_, first_hop(std::move(domain)))); }
  void add(std::string_view text) { zone_.add(text); }
  void add_tlsa(std::string_view name, std::string_view value) { zone_.add(fmt::format("_25._tcp.{}. TLSA {}", name, value)); }

  test::TestLoop loop_;
  dns::Zone zone_{
      "secure.example. SECURE\n"
      "secure.example. MX 10 mx.secure.example.\n"
      "mx.secure.example. A 198.51.100.1\n"
      "plain.example. MX 10 mx.secure.example.\n"};
  config::Config config_;
  Router router_;
};

TEST_F(DaneTest, RecordsThatAreProvenCount) {
  add_tlsa("mx.secure.example", fmt::format("3 1 1 {}", digest));
  add_tlsa("mx.secure.example", fmt::format("2 0 1 {}", digest));
  const auto hop = first_hop("secure.example");
  EXPECT_TRUE(hop.secure);
  const auto found = loop_.run(find_dane(zone_, hop));
  EXPECT_EQ(found.state, State::match);
  EXPECT_EQ(found.records.size(), 2U);
  TlsDemand demand = loop_.run(tls_demand(hop, false, config()));
  add_dane(found, hop, demand);
  EXPECT_EQ(to_string(demand), "dane");
  EXPECT_EQ(demand.peer.host, "mx.secure.example");
  EXPECT_EQ(demand.peer.more_names, std::vector<std::string>{"secure.example"});
  EXPECT_NE(demand.why.find("2 TLSA records"), std::string::npos);
}

// RFC 7672 §2.2.2: the end of a chain of aliases first, then the name as it was given; §3.2.1: SNI is the name that has records.
TEST_F(DaneTest, AnAliasIsFollowedToItsRecords) {
  add("alias.example. SECURE\nalias.example. MX 10 mx.alias.example.\nmx.alias.example. CNAME mx.secure.example.\n");
  add_tlsa("mx.alias.example", fmt::format("2 0 1 {}", digest));
  const auto hop = first_hop("alias.example");
  const auto named = [&](const DaneFinding& found) {
    TlsDemand demand = loop_.run(tls_demand(hop, false, config()));
    add_dane(found, hop, demand);
    return demand.peer.host + " or " + fmt::format("{}", fmt::join(demand.peer.more_names, " "));
  };
  auto found = find("alias.example");
  EXPECT_EQ(found.state, State::match);
  EXPECT_EQ(found.base, "mx.alias.example");
  EXPECT_EQ(named(found), "mx.alias.example or alias.example");
  add_tlsa("mx.secure.example", fmt::format("3 1 1 {}", digest));
  found = find("alias.example");
  EXPECT_EQ(found.base, "mx.secure.example");
  ASSERT_EQ(found.records.size(), 1U);
  EXPECT_EQ(found.records[0].usage, 3);
  EXPECT_EQ(named(found), "mx.secure.example or alias.example");
}

TEST_F(DaneTest, NothingWithoutDnssecAtTheMx) {
  add_tlsa("mx.secure.example", fmt::format("3 1 1 {}", digest));
  EXPECT_FALSE(first_hop("plain.example").secure);
  EXPECT_EQ(find("plain.example").state, State::none);
}

TEST_F(DaneTest, NothingWhereTheHostIsNotSigned) {
  add("hosted.secure.example. MX 10 mx.plain.example.\nmx.plain.example. A 198.51.100.3");
  add_tlsa("mx.plain.example", fmt::format("3 1 1 {}", digest));
  EXPECT_TRUE(first_hop("hosted.secure.example").secure);
  const auto found = find("hosted.secure.example");
  EXPECT_EQ(found.state, State::none);
  EXPECT_NE(found.why.find("does not prove the address"), std::string::npos) << found.why;
}

TEST_F(DaneTest, NothingWithoutRecords) {
  const auto found = find("secure.example");
  EXPECT_EQ(found.state, State::none);
  EXPECT_EQ(found.why, "no DANE: no TLSA records");
}

TEST_F(DaneTest, RecordsThatNobodyCanUseDemandEncryption) {
  // PKIX usages, an unknown selector, digests of a wrong length.
  for (const auto* value : {"0 0 1", "1 1 1", "3 2 1", "3 1 9"})
    add_tlsa("mx.secure.example", fmt::format("{} {}", value, digest));
  add_tlsa("mx.secure.example", "3 1 1 0011");
  add_tlsa("mx.secure.example", fmt::format("3 1 2 {}", digest));
  const auto found = find("secure.example");
  EXPECT_EQ(found.state, State::encrypt);
  TlsDemand demand;
  add_dane(found, first_hop("secure.example"), demand);
  EXPECT_EQ(to_string(demand), "required");
}

TEST_F(DaneTest, AnAnswerThatCannotBeTrustedKeepsTheHostAway) {
  for (const auto* status : {"BOGUS", "SERVFAIL", "TIMEOUT"}) {
    dns::Zone zone("secure.example. SECURE\nsecure.example. MX 10 mx.secure.example.\nmx.secure.example. A 198.51.100.1\n");
    zone.add(fmt::format("_25._tcp.mx.secure.example. {}", status));
    Router router(zone, {});
    const auto hop = loop_.run(router.hops("secure.example", config())).value().front();
    const auto found = loop_.run(find_dane(zone, hop));
    EXPECT_EQ(found.state, State::trouble) << status;
    TlsDemand demand;
    add_dane(found, hop, demand);
    EXPECT_FALSE(demand.trouble.empty());
  }
}

TEST_F(DaneTest, ADomainWithoutMxIsItsOwnHost) {
  add("direct.secure.example. A 198.51.100.7");
  add_tlsa("direct.secure.example", fmt::format("3 1 1 {}", digest));
  EXPECT_EQ(find("direct.secure.example").state, State::match);
}

TEST_F(DaneTest, HostsThatTheAdminNamesHaveNoRecords) {
  add_tlsa("mx.secure.example", fmt::format("3 1 1 {}", digest));
  auto hop = first_hop("secure.example");
  hop.chosen = true;
  EXPECT_EQ(loop_.run(find_dane(zone_, hop)).state, State::none);
  config_.way_out->outbound.dane = false;
  EXPECT_FALSE(wants_dane({}, *config()));
}

}  // namespace
}  // namespace postern::outbound
