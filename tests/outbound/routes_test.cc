// SPDX-License-Identifier: Apache-2.0
// [[route]]: which entry decides, what becomes of hops, and what is demanded of TLS on each way.
#include <gtest/gtest.h>

#include "config/parse.h"
#include "config/way_out.h"
#include "dns/zone.h"
#include "outbound/blocked_port.h"
#include "outbound/explain.h"
#include "outbound/route.h"
#include "outbound/tls_policy.h"
#include "tests/support/net.h"

namespace postern::outbound {
namespace {

constexpr std::string_view world = R"(
  plain.example.      MX 10 mx.plain.example.
  mx.plain.example.   A    198.51.100.1
  null.example.       MX 0 .
  slow.example.       TIMEOUT
  relay.example.      A    198.51.100.9
  us.example.         A    198.51.100.99
)";

constexpr std::string_view routes = R"(
[server]
hostname = "us.example"
[outbound]
smart_host = "smart.example:587"
[[route]]
recipients = ["closed.example", ".closed.example"]
via = "reject"
reason = "We do not write to them"
[[route]]
recipients = ["partner.example"]
via = "direct"
port = 2525
tls = "verified"
names = ["mail.partner.example"]
source = "198.51.100.99"
[[route]]
senders = ["news@us.example", "list.example", "<>"]
via = "bulk.example:2587"
user = "us"
password_file = "/nowhere"
tls = "required"
fallback = "direct"
[[route]]
accounts = ["Alice@us.example"]
via = "relay.example"
[[route]]
recipients = ["loop.example"]
via = "198.51.100.99:25"
)";

class RoutesTest : public testing::Test {
 protected:
  RoutesTest() : zone_(world), router_(zone_, {IpAddress::parse("198.51.100.99").value()}) {
    auto parsed = config::parse(routes);
    EXPECT_TRUE(parsed);
    if (parsed) config_ = std::make_shared<const config::Config>(std::move(parsed->config));
  }
  std::vector<Hop> found(std::string domain, std::string sender = "bob@us.example", std::string login = {}) {
    auto hops = loop_.run(router_.hops(config::Journey{std::move(domain), std::move(sender), std::move(login)}, config_));
    if (hops) return *hops;
    outcome_ = hops.error();
    return {};
  }
  static std::string text(const std::vector<Hop>& hops) {
    std::string out;
    for (const auto& hop : hops) {
      out += fmt::format("{}:{}{}{} ", hop.name, hop.port, hop.chosen ? " chosen" : "", hop.fallback ? " fallback" : "");
    }
    return out;
  }
  TlsDemand demand(const Hop& hop) { return loop_.run(tls_demand(hop, false, config_)); }

  test::TestLoop loop_;
  dns::Zone zone_;
  Router router_;
  std::shared_ptr<const config::Config> config_;
  mail::Outcome outcome_;
};

TEST_F(RoutesTest, TheFirstEntryThatFitsDecides) {
  EXPECT_EQ(text(found("plain.example")), "smart.example:587 ");
  EXPECT_EQ(text(found("plain.example", "news@us.example")), "bulk.example:2587 chosen mx.plain.example:25 fallback ");
  EXPECT_EQ(text(found("plain.example", "x@list.example")), "bulk.example:2587 chosen mx.plain.example:25 fallback ");
  EXPECT_EQ(text(found("plain.example", "x@sub.list.example")), "smart.example:587 ");
  EXPECT_EQ(text(found("plain.example", "<>")), "bulk.example:2587 chosen mx.plain.example:25 fallback ");
  EXPECT_EQ(text(found("plain.example", "bob@us.example", "alice@us.example")), "relay.example:25 chosen ");
  EXPECT_EQ(text(found("plain.example", "bob@us.example", "carol@us.example")), "smart.example:587 ");
  EXPECT_EQ(text(found("partner.example", "news@us.example")), "") << "no such domain in this world";
}

TEST_F(RoutesTest, RejectsAtOnceWithTheReason) {
  for (const auto* domain : {"closed.example", "a.closed.example"}) {
    EXPECT_TRUE(found(domain).empty());
    EXPECT_EQ(outcome_.kind, mail::Outcome::Kind::failed);
    EXPECT_EQ(outcome_.enhanced.to_string(), "5.7.1");
    EXPECT_EQ(outcome_.text, "We do not write to them");
  }
  EXPECT_FALSE(found("disclosed.example").empty());
}

TEST_F(RoutesTest, DirectHasItsOwnPortSourceAndTls) {
  zone_.add("partner.example. MX 5 mx.partner.example.\nmx.partner.example. A 198.51.100.5");
  const auto hops = found("partner.example");
  ASSERT_EQ(text(hops), "mx.partner.example:2525 ");
  EXPECT_EQ(hops[0].route->source.ip, "198.51.100.99");
  const auto wanted = demand(hops[0]);
  EXPECT_EQ(to_string(wanted), "verified");
  EXPECT_EQ(wanted.peer.more_names, std::vector<std::string>{"mail.partner.example"});
  EXPECT_EQ(wanted.why, "[[route]] tls");
}

TEST_F(RoutesTest, TlsOfEachWay) {
  const auto bulk = found("plain.example", "<>");
  EXPECT_EQ(to_string(demand(bulk[0])), "required") << "said for this route";
  EXPECT_EQ(to_string(demand(bulk[1])), "opportunistic") << "the fallback goes by [outbound]";
  EXPECT_EQ(to_string(demand(found("plain.example", "bob@us.example", "alice@us.example")[0])), "verified")
      << "a host that is named is proven, as a smart host is";
}

TEST_F(RoutesTest, ALookupThatFailsLeavesTheOtherWay) {
  EXPECT_EQ(text(found("slow.example", "<>")), "bulk.example:2587 chosen ");
  auto config = *config_;
  config.way_out->routes = {config::Route{.via = config::RouteTarget::parse("direct").value(),
                                          .fallback = config::RouteTarget::parse("bulk.example").value()}};
  config_ = std::make_shared<const config::Config>(config);
  EXPECT_EQ(text(found("slow.example")), "bulk.example:25 chosen fallback ");
  EXPECT_TRUE(found("null.example").empty()) << "what is final is final";
  EXPECT_EQ(outcome_.kind, mail::Outcome::Kind::failed);
}

TEST_F(RoutesTest, ANamedHostThatIsOurselvesIsALoop) {
  const auto hops = found("loop.example");
  ASSERT_EQ(hops.size(), 1U);
  const auto endpoints = loop_.run(router_.endpoints(hops[0], config_));
  ASSERT_FALSE(endpoints);
  EXPECT_EQ(endpoints.error().kind, mail::Outcome::Kind::failed);
  EXPECT_NE(endpoints.error().text.find("a loop"), std::string::npos);
  auto filter = hops[0];
  filter.port = 10025;
  EXPECT_TRUE(loop_.run(router_.endpoints(filter, config_))) << "a filter of this machine";
}

TEST_F(RoutesTest, Explains) {
  const auto told = loop_.run(explain(router_, {&zone_, nullptr}, {"plain.example", "<>", ""}, config_));
  EXPECT_EQ(told.way, "entry 3 of [[route]]: via = \"bulk.example:2587\"");
  ASSERT_EQ(told.hosts.size(), 2U);
  EXPECT_EQ(told.hosts[0].demand, "required");
  EXPECT_FALSE(told.hosts[0].trouble.empty()) << "no address";
  EXPECT_EQ(told.hosts[1].addresses, std::vector<std::string>{"198.51.100.1"});
  EXPECT_NE(told.hosts[1].why.find("no DANE"), std::string::npos);
  EXPECT_EQ(loop_.run(explain(router_, {&zone_, nullptr}, {"closed.example", "<>", ""}, config_)).end, "We do not write to them");
}

TEST(RouteValues, RefuseWhatIsNone) {
  for (const auto* text : {"", "exa mple", "a@b.example", "-x.example"}) EXPECT_FALSE(config::RouteDomain::parse(text)) << text;
  for (const auto* text : {"", "@", "exa mple"}) EXPECT_FALSE(config::RouteSender::parse(text)) << text;
  for (const auto* text : {"smtp://x", "host:0", "host:99999", "a b"}) EXPECT_FALSE(config::RouteTarget::parse(text)) << text;
  for (const auto* text : {"mail.example", "1.2.3", "300.1.1.1"}) EXPECT_FALSE(config::RouteSource::parse(text)) << text;
  EXPECT_EQ(config::RouteTarget::parse("smtp.example")->to_string(), "smtp.example:25");
  EXPECT_FALSE(config::RouteDomain::parse("example.com")->fits("[192.0.2.1]"));
}

TEST(BlockedPort, TakesSeveralServersAndNoAnswer) {
  BlockedPort port;
  const auto now = BlockedPort::Time() + std::chrono::hours(100);
  const auto server = [](int i) { return net::Endpoint{IpAddress::parse(fmt::format("198.51.100.{}", i)).value(), 25}; };
  for (int i = 0; i < 10; ++i) port.note_failure(server(1));
  EXPECT_FALSE(port.is_blocked(now)) << "one dead server says nothing";
  for (int i = 1; i <= 5; ++i) port.note_failure(server(i));
  EXPECT_TRUE(port.is_blocked(now));
  port.note_success(server(9), now);
  EXPECT_FALSE(port.is_blocked(now));
  for (int i = 1; i <= 5; ++i) port.note_failure(server(i));
  EXPECT_FALSE(port.is_blocked(now + std::chrono::minutes(10)));
  EXPECT_TRUE(port.is_blocked(now + std::chrono::minutes(61)));
  BlockedPort other;
  for (int i = 1; i <= 9; ++i) other.note_failure({server(i).address, 587});
  EXPECT_FALSE(other.is_blocked(now));
}

}  // namespace
}  // namespace postern::outbound
