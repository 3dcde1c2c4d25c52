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
  Verdict ask(dns::Resolver& resolver, std::string_view ip, std::string helo, std::string_view from) {
    if (!gate_) gate_.emplace(Gate::Parts{resolver, config_, log_});
    const mail::ReversePath sender = from.empty() ? mail::ReversePath() : *mail::Address::parse(from);
    const auto recipient = *mail::Address::parse("alice@example.org");
    std::optional<Verdict> out;
    boost::asio::co_spawn(
        io_,
        async::detail::store_into(
            gate_->judge_recipient(visit_, {*IpAddress::parse(ip), *IpAddress::parse("192.0.2.25"), helo, sender, recipient}),
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
