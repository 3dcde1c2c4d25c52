// SPDX-License-Identifier: Apache-2.0
#include "outbound/route.h"

#include <gtest/gtest.h>

#include <set>

#include "dns/zone.h"
#include "tests/support/net.h"

namespace postern::outbound {
namespace {

constexpr std::string_view world = R"(
  plain.example.      MX 20 b.plain.example.
  plain.example.      MX 10 a.plain.example.
  a.plain.example.    A    198.51.100.1
  a.plain.example.    AAAA 2001:db8:1::1
  b.plain.example.    A    198.51.100.2
  nomx.example.       A    198.51.100.3
  null.example.       MX 0 .
  broken.example.     SERVFAIL
  bogus.example.      BOGUS
  slow.example.       TIMEOUT
  even.example.       MX 10 a.even.example.
  even.example.       MX 10 b.even.example.
  even.example.       MX 10 c.even.example.
  loop.example.       MX 10 us.example.
  backup.example.     MX 10 a.plain.example.
  backup.example.     MX 20 us.example.
  backup.example.     MX 20 b.plain.example.
  backup.example.     MX 30 b.plain.example.
  us.example.         A 198.51.100.99
  inner.example.      MX 10 local.inner.example.
  local.inner.example. A 127.0.0.1
  local.inner.example. A 10.0.0.1
  local.inner.example. A 0.0.0.0
  local.inner.example. A 169.254.1.1
  local.inner.example. A 198.51.100.99
  local.inner.example. AAAA ::1
  local.inner.example. AAAA fe80::1
  mixed.example.      A 127.0.0.1
  mixed.example.      A 198.51.100.4
  empty.example.      MX 10 gone.example.
)";

class RouterTest : public testing::Test {
 protected:
  RouterTest() : zone_(world), router_(zone_, {IpAddress::parse("198.51.100.99").value()}) {
    config_.server.hostname = "us.example";
  }
  std::shared_ptr<const config::Config> config() const { return std::make_shared<const config::Config>(config_); }
  /// "a:25 b:25", or "failed 5.1.2" / "deferred 4.4.3".
  std::string hops(std::string domain) {
    const auto found = loop_.run(router_.hops(std::move(domain), config()));
    if (!found) return why(found.error());
    std::string out;
    for (const auto& hop : *found) out += fmt::format("{}{}:{}", out.empty() ? "" : " ", hop.name, hop.port);
    return out;
  }
  std::string endpoints(Hop hop) {
    const auto found = loop_.run(router_.endpoints(std::move(hop), config()));
    if (!found) return why(found.error());
    std::string out;
    for (const auto& one : *found) out += (out.empty() ? "" : " ") + net::to_string(one);
    return out;
  }
  static std::string why(const mail::Outcome& outcome) {
    EXPECT_FALSE(outcome.text.empty());
    return (outcome.kind == mail::Outcome::Kind::failed ? "failed " : "deferred ") + outcome.enhanced.to_string();
  }

  test::TestLoop loop_;
  dns::Zone zone_;
  Router router_;
  config::Config config_;
};

// RFC 5321 §5.1
TEST_F(RouterTest, FindsHostsInTheirOrder) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"plain.example", "a.plain.example:25 b.plain.example:25"},
      {"nomx.example", "nomx.example:25"},
      {"null.example", "failed 5.1.10"},
      {"missing.example", "failed 5.1.2"},
      {"broken.example", "deferred 4.4.3"},
      {"bogus.example", "deferred 4.4.3"},
      {"slow.example", "deferred 4.4.3"},
      {"loop.example", "failed 5.4.6"},
      {"us.example", "failed 5.4.6"},
      {"backup.example", "a.plain.example:25"},
      {"[198.51.100.7]", "198.51.100.7:25"},
      {"[2001:db8::7]", "2001:db8::7:25"},
      {"[IPv6:2001:db8::7]", "2001:db8::7:25"},
      {"[nonsense]", "failed 5.1.2"},
  };
  for (const auto& [domain, want] : rows) EXPECT_EQ(hops(domain), want) << domain;
}

TEST_F(RouterTest, MixesHostsOfEqualPreference) {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) seen.insert(hops("even.example"));
  EXPECT_EQ(seen.size(), 6U);
}

TEST_F(RouterTest, TheSmartHostTakesEverything) {
  config_.outbound.smart_host = config::HostPort::parse("relay.example:587").value();
  EXPECT_EQ(hops("null.example"), "relay.example:587");
  config_.outbound.smart_host = config::HostPort::parse("127.0.0.1:2525").value();
  EXPECT_EQ(hops("plain.example"), "127.0.0.1:2525");
  EXPECT_EQ(endpoints({"127.0.0.1", 2525, IpAddress::parse("127.0.0.1").value(), true}), "127.0.0.1:2525");
}

TEST_F(RouterTest, OrdersAddressesByFamily) {
  EXPECT_EQ(endpoints({"a.plain.example"}), "[2001:db8:1::1]:25 198.51.100.1:25");
  config_.outbound.prefer = config::Family::ipv4;
  EXPECT_EQ(endpoints({"a.plain.example"}), "198.51.100.1:25 [2001:db8:1::1]:25");
  EXPECT_EQ(endpoints({"gone.example"}), "failed 5.4.4");
  EXPECT_EQ(endpoints({"broken.example"}), "deferred 4.4.3");
}

// security.md D56
TEST_F(RouterTest, RefusesTargetsThatAreNobodysBusiness) {
  EXPECT_EQ(endpoints({"local.inner.example"}), "failed 5.4.4");
  EXPECT_EQ(endpoints({"mixed.example"}), "198.51.100.4:25");
  for (const std::string literal :
       {"127.0.0.1", "10.1.2.3", "0.0.0.0", "169.254.0.1", "::1", "fe80::1", "fd00::1", "224.0.0.1"}) {
    EXPECT_EQ(endpoints({literal, 25, IpAddress::parse(literal).value(), false}), "failed 5.4.4") << literal;
  }
  config_.outbound.allow_private_targets = true;
  EXPECT_EQ(endpoints({"127.0.0.1", 25, IpAddress::parse("127.0.0.1").value(), false}), "127.0.0.1:25");
  EXPECT_EQ(endpoints({"0.0.0.0", 25, IpAddress::parse("0.0.0.0").value(), false}), "failed 5.4.4");
}

// security.md D57
TEST_F(RouterTest, BoundsHostsAndAddresses) {
  for (int i = 0; i < 40; ++i) {
    zone_.add(fmt::format("many.example. MX {} h{}.many.example.", i, i));
    zone_.add(fmt::format("wide.example. A 203.0.113.{}", i));
  }
  EXPECT_EQ(loop_.run(router_.hops("many.example", config()))->size(), max_hosts);
  EXPECT_EQ(loop_.run(router_.endpoints({"wide.example"}, config()))->size(), max_addresses);
}

}  // namespace
}  // namespace postern::outbound
