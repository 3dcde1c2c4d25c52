// SPDX-License-Identifier: Apache-2.0
// A silent name server: one message waits for it, once for everything; the next ones do not, until it answers again.
#include "policy/name_server_watch.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <set>

#include "async/executor.h"
#include "config/gate.h"
#include "policy/authentication.h"
#include "policy/gate.h"
#include "tests/support/folder.h"

namespace postern::policy {
namespace {

/// Keeps silent, or answers that no name exists. Counts, and remembers what it was asked.
class Moody final : public dns::Resolver {
 public:
  async::Task<dns::RawAnswer> query(std::string name, dns::Type type) override {
    asked.insert(std::string(dns::to_string(type)) + ' ' + name);
    ++count;
    if (name.starts_with("alive-")) ++probes;
    if (clock != nullptr) clock->advance(each);
    if (silent) co_await async::sleep(std::chrono::hours(1));
    dns::RawAnswer out;
    out.status = dns::Status::nxdomain;
    co_return out;
  }
  bool silent = true;
  unsigned count = 0;
  unsigned probes = 0;
  std::set<std::string> asked;
  FakeClock* clock = nullptr;  ///< moved by `each` with every question
  std::chrono::milliseconds each{0};
};

class NameServer : public testing::Test {
 protected:
  NameServer() {
    config::Config config;
    config.server.hostname = "mail.example.org";
    config.gate->lookup_timeout = std::chrono::seconds(1);
    config_.replace(config);
  }
  ~NameServer() override {
    gate_.reset();
    io_.restart();
    io_.poll();
  }
  template <class T>
  T run(async::Task<T> task) {
    std::optional<T> out;
    async::TaskGroup group(log_, "test");
    group.spawn(io_.get_executor(), async::detail::store_into(std::move(task), out));
    while (!out) {
      io_.restart();
      io_.run_one();
    }
    return std::move(*out);
  }
  /// Until the probe under way has its answer, or none in time.
  void settle(bool silent) {
    while (watch().silent() != silent) {
      io_.restart();
      io_.run_one();
    }
  }
  Gate& gate() {
    if (!gate_) gate_.emplace(Gate::Parts{resolver_, config_, clock_, log_, *own_list_, greylist_});
    return *gate_;
  }
  NameServerWatch& watch() { return gate().watch(); }
  Verdict ask(Visit& visit) {
    return run(gate().judge_recipient(
        visit, {*IpAddress::parse("192.0.2.1"), *IpAddress::parse("192.0.2.25"), "client.example", sender_, recipient_}));
  }
  Authentication authenticate(const Visit& visit) {
    const std::string header =
        "From: a@author.example\r\nDKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=one.example; s=s; h=from; "
        "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; "
        "b=AAAA\r\nDKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=two.example; s=s; h=from; "
        "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n\r\n";
    AuthenticationRun run_of_message(header, {});
    ClientFacts client;
    client.ip = *IpAddress::parse("192.0.2.1");
    client.helo = "client.example";
    client.sender = sender_;
    client.own_hostname = "mail.example.org";
    client.now = clock_.unix_now();
    auto resolver = gate().resolver_for(visit);
    return run(run_of_message.finish(resolver, std::move(client)));
  }

  Log log_{LogLevel::error, null_sink()};
  boost::asio::io_context io_;
  test::Folder folder_;
  FakeClock clock_;
  Moody resolver_;
  std::unique_ptr<OwnList> own_list_ = *OwnList::open(folder_ / "gate.list");
  Greylist greylist_{nullptr};
  config::Live config_{config::Config()};
  mail::ReversePath sender_ = *mail::Address::parse("a@sender.example");
  mail::Address recipient_ = *mail::Address::parse("alice@example.org");
  std::optional<Gate> gate_;
};

TEST_F(NameServer, EverythingIsAskedAtOnce) {
  Visit visit;
  const auto verdict = ask(visit);
  EXPECT_TRUE(verdict.accepted());
  for (const auto* question : {"PTR 1.2.0.192.in-addr.arpa", "AAAA client.example", "MX sender.example"}) {
    EXPECT_TRUE(resolver_.asked.contains(question)) << question;
  }
  resolver_.asked.clear();
  authenticate(Visit());
  for (const auto* question :
       {"TXT sender.example", "TXT client.example", "TXT s._domainkey.one.example", "TXT s._domainkey.two.example"}) {
    EXPECT_TRUE(resolver_.asked.contains(question)) << question;
  }
}

TEST_F(NameServer, OneTimeForAllQuestionsOfAMessage) {
  resolver_.silent = false;
  resolver_.clock = &clock_;
  resolver_.each = std::chrono::milliseconds(300);
  Visit visit;
  ask(visit);
  EXPECT_GE(visit.waited, std::chrono::milliseconds(900));
  const auto before = resolver_.count;
  const auto all = authenticate(visit);
  EXPECT_LE(resolver_.count - before, 1U) << "at most one question begins in the last tenth of a second";
  EXPECT_EQ(all.dmarc.code, DmarcCode::temperror);
  // The next message has its own.
  resolver_.each = {};
  EXPECT_EQ(authenticate(Visit()).spf.code, SpfCode::none);
}

TEST_F(NameServer, NoAnswerIsTemporaryAndLosesNothing) {
  Visit visit;
  EXPECT_TRUE(ask(visit).accepted());
  const auto all = authenticate(visit);
  EXPECT_EQ(all.spf.code, SpfCode::temperror);
  ASSERT_EQ(all.dkim.size(), 2U);
  EXPECT_EQ(all.dmarc.code, DmarcCode::temperror);
  EXPECT_EQ(all.disposition, DmarcPolicy::none);
}

TEST_F(NameServer, SilenceIsRememberedAndEnds) {
  Visit visit;
  EXPECT_FALSE(watch().silent());
  ask(visit);
  settle(true);
  EXPECT_EQ(resolver_.probes, 1U);
  const auto executor = io_.get_executor();
  using std::chrono::milliseconds;
  EXPECT_EQ(watch().patience(milliseconds(900), executor), silent_patience);
  EXPECT_EQ(watch().patience(milliseconds(7), executor), milliseconds(7));
  EXPECT_EQ(resolver_.probes, 1U) << "it rests";
  clock_.advance(name_server_rest);
  resolver_.silent = false;
  EXPECT_EQ(watch().patience(milliseconds(900), executor), silent_patience) << "nobody waits for the new try";
  settle(false);
  EXPECT_EQ(resolver_.probes, 2U);
  EXPECT_EQ(watch().patience(milliseconds(900), executor), milliseconds(900));
}

/// Silent about all but our own name: a slow domain is not a silent server.
TEST_F(NameServer, ASlowDomainMakesNoSilentServer) {
  const auto executor = io_.get_executor();
  resolver_.silent = false;
  watch().unanswered(executor);
  watch().unanswered(executor);
  while (resolver_.probes == 0) {
    io_.restart();
    io_.run_one();
  }
  io_.restart();
  io_.poll();
  EXPECT_FALSE(watch().silent());
  EXPECT_EQ(resolver_.probes, 1U) << "one doubt at a time";
}

}  // namespace
}  // namespace postern::policy
