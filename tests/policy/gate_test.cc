// SPDX-License-Identifier: Apache-2.0
// The gate against a zone: what it asks DNS, what it remembers of a connection, and that it does not wait for ever.
#include "policy/gate.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "async/executor.h"
#include "config/gate.h"
#include "dns/zone.h"
#include "policy/lookups.h"
#include "tests/support/folder.h"

namespace postern::policy {
namespace {

/// A resolver that never answers.
class Silence final : public dns::Resolver {
 public:
  async::Task<dns::RawAnswer> query(std::string /*name*/, dns::Type /*type*/) override {
    co_await async::sleep(std::chrono::hours(1));
    co_return dns::RawAnswer{};
  }
};

class GateTest : public testing::Test {
 protected:
  ~GateTest() override {
    gate_.reset();
    io_.restart();
    io_.poll();  // ends the questions under way
  }
  Verdict ask(dns::Resolver& resolver, std::string_view ip, std::string helo, std::string_view from) {
    if (!gate_) gate_.emplace(Gate::Parts{resolver, config_, clock_, log_, *own_list_, greylist_});
    const mail::ReversePath sender = from.empty() ? mail::ReversePath() : *mail::Address::parse(from);
    const auto recipient = *mail::Address::parse("alice@example.org");
    std::optional<Verdict> out;
    boost::asio::co_spawn(
        io_,
        async::detail::store_into(
            gate_->judge_recipient(visit_, {*IpAddress::parse(ip), *IpAddress::parse("192.0.2.25"), helo, sender, recipient},
                                   purpose_),
            out),
        [](const std::exception_ptr& error) {
          if (error) std::rethrow_exception(error);
        });
    while (!out) {
      io_.restart();
      io_.run_one();
    }
    return std::move(*out);
  }
  void choose(RuleName rule, std::string_view choice) {
    auto config = *config_.get();
    config.gate->rules.set(rule, *config::RuleChoice::parse(choice));
    config_.replace(config);
  }

  static config::Config defaults() {
    config::Config config;
    config.server.hostname = "mail.example.org";
    config.gate->lookup_timeout = std::chrono::seconds(0);
    return config;
  }

  test::Folder folder_;
  FakeClock clock_;
  std::unique_ptr<OwnList> own_list_ = *OwnList::open(folder_ / "gate.list");
  Greylist greylist_{nullptr};
  Log log_{LogLevel::error, null_sink()};
  config::Live config_{defaults()};
  dns::Zone zone_{R"(
    good.example.            A   192.0.2.1
    1.2.0.192.in-addr.arpa.  PTR other.example.
    1.2.0.192.in-addr.arpa.  PTR good.example.
    2.2.0.192.in-addr.arpa.  PTR good.example.
    3.2.0.192.in-addr.arpa.  PTR broken.example.
    broken.example.          SERVFAIL
    four.example.            A   192.0.2.4
    mx.example.              MX  10 good.example.
    null.example.            MX  0 .
    text.example.            TXT "x"
  )"};
  Visit visit_;
  Gate::Purpose purpose_ = Gate::Purpose::decide;
  std::optional<Gate> gate_;
  boost::asio::io_context io_;
};

class GateLookups : public GateTest {
 protected:
  GateLookups() {
    auto config = *config_.get();
    config.gate->lookup_timeout = std::chrono::seconds(30);
    config_.replace(config);
  }
};

TEST_F(GateLookups, ReverseNameMustLeadBack) {
  choose(RuleName::reverse_name, "reject");
  struct Row {
    std::string_view ip;
    std::string_view wanted;
  };
  for (const auto& [ip, wanted] : {Row{"192.0.2.1", ""},
                                   {"192.0.2.2", "reverse_name:reject(good.example does not lead back)"},
                                   {"192.0.2.3", "reverse_name:unsure(DNS does not answer about the address)"},
                                   {"192.0.2.9", "reverse_name:reject(no name)"},
                                   {"2001:db8::1", "reverse_name:reject(no name)"}}) {
    visit_ = {};
    EXPECT_EQ(to_string(ask(zone_, ip, "good.example", "a@mx.example").reasons), wanted) << ip;
  }
}

TEST_F(GateLookups, SenderMustBeAbleToReceive) {
  struct Row {
    std::string_view sender, wanted;
  };
  for (const auto& [sender, wanted] :
       {Row{"a@mx.example", ""},
        {"a@good.example", ""},
        {"", ""},
        {"a@[192.0.2.1]", ""},
        {"a@null.example", "sender_null_mx:reject(null MX)"},
        {"a@text.example", "sender_domain:score+4(neither MX nor address)"},
        {"a@missing.example", "sender_domain:score+4(neither MX nor address)"},
        {"a@broken.example", "sender_domain:unsure(DNS does not answer about the sender's domain)"}}) {
    EXPECT_EQ(to_string(ask(zone_, "192.0.2.1", "good.example", sender).reasons), wanted) << sender;
  }
}

TEST_F(GateLookups, GreetingResolvesOrNot) {
  struct Row {
    std::string helo;
    std::string_view wanted;
  };
  for (const auto& [helo, wanted] : {Row{"mx.example", ""},
                                     {"[192.0.2.1]", ""},
                                     {"missing.example", "helo_resolves:score+1(unknown to DNS)"},
                                     {"broken.example", "helo_resolves:unsure(DNS does not answer about the name)"}}) {
    EXPECT_EQ(to_string(ask(zone_, "192.0.2.1", helo, "").reasons), wanted) << helo;
  }
}

TEST_F(GateLookups, WhatIsKnownIsNotAskedAgain) {
  ask(zone_, "192.0.2.1", "good.example", "a@mx.example");
  const auto first = zone_.queries();
  ask(zone_, "192.0.2.1", "good.example", "a@mx.example");
  EXPECT_EQ(zone_.queries(), first);
  EXPECT_NE(to_string(ask(zone_, "192.0.2.1", "good.example", "a@missing.example").reasons), "");
  EXPECT_EQ(to_string(ask(zone_, "192.0.2.1", "good.example", "a@mx.example").reasons), "");
  EXPECT_GT(zone_.queries(), first);
}

TEST_F(GateLookups, RulesThatAreOffAskNothing) {
  for (const auto rule : {RuleName::reverse_name, RuleName::helo_resolves, RuleName::sender_domain, RuleName::sender_null_mx})
    choose(rule, "off");
  ask(zone_, "192.0.2.9", "missing.example", "a@missing.example");
  EXPECT_EQ(zone_.queries(), 0U);
}

TEST_F(GateLookups, ListsOfAddresses) {
  zone_.add(R"(
    1.2.0.192.bl.example.  A 127.0.0.2
    1.2.0.192.two.example. A 127.0.0.10
    1.2.0.192.wl.example.  A 127.0.5.3
    1.2.0.192.no.example.  A 127.255.255.254
    1.2.0.192.gone.example. A 203.0.113.7
    1.2.0.192.down.example. SERVFAIL
    1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example. A 127.0.0.4
  )");
  struct Row {
    std::string_view bl, wl, ip, wanted;
  };
  for (const auto& [bl, wl, ip, wanted] : {
           Row{"bl.example 4", "", "192.0.2.1", "dnsbl:score+4(bl.example 127.0.0.2)"},
           {"bl.example=127.0.0.3-4 4", "", "192.0.2.1", ""},
           {"bl.example 4", "", "192.0.2.2", ""},
           {"bl.example 4", "", "2001:db8::1", "dnsbl:score+4(bl.example 127.0.0.4)"},
           {"", "wl.example=127.0.*.2-3 -3", "192.0.2.1", "dnswl:score-3(wl.example 127.0.5.3)"},
           // A list that refuses us, or whose name somebody else has got, says nothing.
           {"no.example 4", "", "192.0.2.1", "dnsbl:unsure(no answer of no.example)"},
           {"gone.example 4", "", "192.0.2.1", "dnsbl:unsure(no answer of gone.example)"},
           {"down.example 4", "", "192.0.2.1", "dnsbl:unsure(no answer of down.example)"},
       }) {
    auto config = *config_.get();
    config.gate->dnsbl.clear();
    config.gate->dnswl.clear();
    config.gate->rules.set(RuleName::reverse_name, {});
    if (!bl.empty()) config.gate->dnsbl.push_back(*config::DnsList::parse(bl));
    if (!wl.empty()) config.gate->dnswl.push_back(*config::DnsList::parse(wl));
    config_.replace(config);
    visit_ = {};
    EXPECT_EQ(to_string(ask(zone_, ip, "good.example", "a@mx.example").reasons), wanted) << bl << wl << ip;
  }
  auto config = *config_.get();
  config.gate->dnsbl = {*config::DnsList::parse("bl.example 4"), *config::DnsList::parse("two.example 7")};
  config.gate->dnswl = {*config::DnsList::parse("wl.example -3")};
  config_.replace(config);
  visit_ = {};
  const auto verdict = ask(zone_, "192.0.2.1", "good.example", "a@mx.example");
  EXPECT_EQ(verdict.points, 8);
}

TEST_F(GateLookups, OwnEntriesDecide) {
  choose(RuleName::reverse_name, "reject");
  ASSERT_TRUE(own_list_->add({OwnEntry::Kind::allow, "192.0.2.9", 0, 0, "our scanner"}, clock_.unix_now()));
  auto verdict = ask(zone_, "192.0.2.9", "missing.example", "a@missing.example");
  EXPECT_TRUE(verdict.accepted());
  EXPECT_TRUE(verdict.allowed);
  EXPECT_EQ(verdict.points, 0);
  EXPECT_NE(to_string(verdict.reasons).find("own_block:note(allowed: 192.0.2.9"), std::string::npos)
      << to_string(verdict.reasons);
  ASSERT_TRUE(own_list_->remove("192.0.2.9", clock_.unix_now()));
  ASSERT_TRUE(own_list_->add({OwnEntry::Kind::block, "a@mx.example", 0, 0, "floods"}, clock_.unix_now()));
  verdict = ask(zone_, "192.0.2.1", "good.example", "a@mx.example");
  EXPECT_EQ(verdict.status.code, 550);
  EXPECT_EQ(to_string(verdict.reasons), "reverse_name:reject(no name) own_block:reject(a@mx.example, floods)");
}

TEST_F(GateLookups, RatesPutOffAndExplanationsCountNothing) {
  auto config = *config_.get();
  config.gate->rate_recipient = 2;
  config_.replace(config);
  purpose_ = Gate::Purpose::explain;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(ask(zone_, "192.0.2.1", "good.example", "a@mx.example").accepted());
  purpose_ = Gate::Purpose::decide;
  EXPECT_TRUE(ask(zone_, "192.0.2.1", "good.example", "a@mx.example").accepted());
  EXPECT_TRUE(ask(zone_, "192.0.2.1", "good.example", "b@good.example").accepted());
  const auto verdict = ask(zone_, "192.0.2.1", "good.example", "a@mx.example");
  EXPECT_EQ(verdict.status.code, 451);
  EXPECT_EQ(to_string(verdict.reasons), "rate_recipient:defer(2 in the last hour, limit 2)");
  clock_.advance(std::chrono::hours(2));
  EXPECT_TRUE(ask(zone_, "192.0.2.1", "good.example", "a@mx.example").accepted());
}

// Each sort has its own key: whoever shares it is counted together, everybody else is not.
TEST_F(GateLookups, EachRateHasItsKey) {
  struct Row {
    const char* name;
    unsigned config::Gate::* limit;
    std::string_view ip, from;              ///< counted with 192.0.2.1, a@mx.example
    std::string_view other_ip, other_from;  ///< not counted with it
  };
  for (const auto& row :
       {Row{"rate_address", &config::Gate::rate_address, "192.0.2.1", "b@good.example", "192.0.2.2", "a@mx.example"},
        {"rate_network", &config::Gate::rate_network, "192.0.2.2", "b@good.example", "192.0.3.1", "a@mx.example"},
        {"rate_sender_domain", &config::Gate::rate_sender_domain, "192.0.3.1", "b@mx.example", "192.0.2.1", "b@good.example"}}) {
    gate_.reset();
    visit_ = {};
    auto config = defaults();
    (*config.gate).*row.limit = 1;
    config_.replace(config);
    EXPECT_TRUE(ask(zone_, "192.0.2.1", "good.example", "a@mx.example").accepted()) << row.name;
    visit_ = {};
    const auto verdict = ask(zone_, row.ip, "good.example", row.from);
    EXPECT_EQ(verdict.status.code, 451) << row.name;
    EXPECT_NE(to_string(verdict.reasons).find(row.name), std::string::npos) << to_string(verdict.reasons);
    visit_ = {};
    EXPECT_TRUE(ask(zone_, row.other_ip, "good.example", row.other_from).accepted()) << row.name;
  }
}

// Mail that was refused is no mail: a flood of it keeps nobody else out.
TEST_F(GateLookups, WhatIsRefusedCountsForNoRate) {
  choose(RuleName::helo_syntax, "reject");
  auto config = *config_.get();
  config.gate->rate_recipient = 1;
  config_.replace(config);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(zone_, "192.0.2.1", "laptop", "a@mx.example").status.code, 550);
  EXPECT_TRUE(ask(zone_, "192.0.2.1", "good.example", "a@mx.example").accepted());
}

TEST_F(GateLookups, WhoIsAllowedIsNotGreylisted) {
  choose(RuleName::greylist, "defer");
  EXPECT_EQ(ask(zone_, "192.0.2.1", "good.example", "a@mx.example").status.code, 451);
  ASSERT_TRUE(own_list_->add({OwnEntry::Kind::allow, "192.0.2.1", 0, 0, ""}, clock_.unix_now()));
  EXPECT_TRUE(ask(zone_, "192.0.2.1", "good.example", "a@mx.example").accepted());
}

// Whoever owns a reverse zone can put thousands of names there.
TEST_F(GateLookups, AFewReverseNamesAreTried) {
  choose(RuleName::reverse_name, "reject");
  for (std::size_t i = 0; i < 50; ++i) zone_.add("7.2.0.192.in-addr.arpa. PTR n" + std::to_string(i) + ".good.example.\n");
  zone_.add("n49.good.example. A 192.0.2.7\n");
  const auto before = zone_.queries();
  EXPECT_FALSE(ask(zone_, "192.0.2.7", "[192.0.2.7]", "").accepted());
  EXPECT_LE(zone_.queries() - before, max_reverse_names + 1);
}

// The limit is zero here: no answer can come in time.
TEST_F(GateTest, SilenceOfDnsPassesOrPutsOff) {
  Silence silence;
  choose(RuleName::reverse_name, "reject");
  EXPECT_TRUE(ask(silence, "192.0.2.1", "good.example", "a@mx.example").accepted());
  auto config = *config_.get();
  config.gate->no_answer = config::NoAnswer::defer;
  config_.replace(config);
  visit_ = {};
  const auto verdict = ask(silence, "192.0.2.1", "good.example", "a@mx.example");
  EXPECT_EQ(verdict.decision, Verdict::Decision::defer);
  EXPECT_EQ(verdict.status.enhanced.to_string(), "4.4.3");
}

}  // namespace
}  // namespace postern::policy
