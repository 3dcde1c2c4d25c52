// SPDX-License-Identifier: Apache-2.0
// libunbound against a name server of our own on loopback. No packet leaves the machine: it knows no other server.
#include "dns/unbound.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <fstream>
#include <thread>

#include "async/task_group.h"
#include "base/ascii.h"
#include "base/file.h"
#include "tests/support/folder.h"
#include "tests/support/net.h"

namespace postern::dns {
namespace {

using namespace std::string_literals;

/// Answers from a table of "name TYPE-number" to record data; unknown names are NXDOMAIN, "silent…" gets no answer.
class NameServer {
 public:
  NameServer() : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), length);
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  ~NameServer() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  /// From here on `records` must not change.
  void start() {
    thread_ = std::thread([this] { serve(); });
  }
  std::map<std::string, std::vector<std::string>> records;
  std::atomic<int> asked{0};
  net::Endpoint endpoint() const { return {IpAddress::v4({127, 0, 0, 1}), port_}; }

 private:
  void serve() {
    while (!stop_) {
      pollfd ready{socket_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 20) <= 0) continue;
      char packet[1500];
      sockaddr_in peer{};
      socklen_t length = sizeof peer;
      const ssize_t got = ::recvfrom(socket_.get(), packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&peer), &length);
      if (got < 17) continue;
      const std::string reply = answer(std::string(packet, static_cast<std::size_t>(got)));
      if (!reply.empty()) ::sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&peer), length);
    }
  }

  std::string answer(const std::string& query) {
    std::size_t at = 12;
    std::string name;
    while (query[at] != 0) {
      const auto size = static_cast<std::size_t>(query[at]);
      name += query.substr(at + 1, size) + ".";
      at += size + 1;
    }
    const std::string key = ascii::lower(name) + " " + std::to_string(static_cast<unsigned char>(query[at + 2]));
    ++asked;
    if (key.starts_with("silent")) return {};
    const auto found = records.find(key);
    const bool known =
        std::ranges::any_of(records, [&](const auto& item) { return item.first.starts_with(ascii::lower(name) + " "); });
    const std::size_t count = found == records.end() ? 0 : found->second.size();
    std::string reply =
        query.substr(0, 2) + "\x81"s + (known ? "\x80"s : "\x83"s) + "\0\1\0"s + static_cast<char>(count) + "\0\0\0\0"s;
    reply += query.substr(12, at + 5 - 12);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string& data = found->second[i];
      reply += "\xc0\x0c"s + query.substr(at + 1, 4) + "\0\0\1\x2c"s + static_cast<char>(data.size() >> 8U) +
               static_cast<char>(data.size() & 0xffU) + data;
    }
    return reply;
  }

  UniqueFd socket_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct UnboundTest : testing::Test {
  Log log{LogLevel::off, null_sink()};
  test::TestLoop loop;
  NameServer server;
  UnboundOptions options;
  std::unique_ptr<Unbound> resolver;

  void SetUp() override {
    server.records["mail.example.org. 1"] = {"\xc0\0\2\1"s};
    server.records["example.org. 15"] = {"\0\x0a\4mail\7example\3org\0"s, "\0\5\2mx\7example\3org\0"s};
    server.records["example.org. 16"] = {"\6v=spf1\5 -all"s};
    server.records["host.test. 1"] = {"\xc0\0\2\7"s};
    server.records["1.0.0.10.in-addr.arpa. 12"] = {"\4home\3lan\0"s};
    options.servers = {server.endpoint()};
    server.start();
  }
  Resolver& start() {
    auto made = Unbound::create(options, loop.executor(), log);
    EXPECT_TRUE(made) << made.error().text;
    resolver = std::move(*made);
    return *resolver;
  }
};

TEST_F(UnboundTest, AsksOurServer) {
  Resolver& dns = start();
  const auto a = loop.run(dns.a("mail.example.org"));
  ASSERT_TRUE(a.ok()) << to_string(a.status) << a.text;
  EXPECT_EQ(a.records.front().to_string(), "192.0.2.1");
  EXPECT_FALSE(a.secure);
  const auto mx = loop.run(dns.mx("Example.org."));
  EXPECT_EQ(mx.records, (std::vector<Mx>{{5, "mx.example.org"}, {10, "mail.example.org"}}));
  EXPECT_EQ(loop.run(dns.txt("example.org")).records.front(), "v=spf1 -all");
  EXPECT_EQ(loop.run(dns.a("none.example.org")).status, Status::nxdomain);
  EXPECT_EQ(loop.run(dns.tlsa("mail.example.org")).status, Status::nodata);
}

// design.md §8: libunbound would answer these itself.
TEST_F(UnboundTest, AsksForTestAndPrivateReverseZones) {
  Resolver& dns = start();
  EXPECT_TRUE(loop.run(dns.a("host.test")).ok());
  EXPECT_EQ(loop.run(dns.ptr(IpAddress::v4({10, 0, 0, 1}))).records, (std::vector<std::string>{"home.lan"}));
}

TEST_F(UnboundTest, CachesAnswersAndAbsence) {
  Resolver& dns = start();
  loop.run(dns.a("mail.example.org"));
  const int asked = server.asked;
  EXPECT_TRUE(loop.run(dns.a("mail.example.org")).ok());
  EXPECT_EQ(server.asked, asked);
}

TEST_F(UnboundTest, SilenceIsATimeout) {
  options.timeout = std::chrono::milliseconds(50);
  EXPECT_EQ(loop.run(start().a("silent.example.org")).status, Status::timeout);
}

TEST_F(UnboundTest, TooManyQueriesAndOddNames) {
  options.most_queries = 0;
  Resolver& dns = start();
  EXPECT_EQ(loop.run(dns.a("mail.example.org")).status, Status::servfail);
  for (const auto& name : {"a..b"s, "a\\000b"s, "a b"s, std::string(70, 'x'), "a\0b"s})
    EXPECT_EQ(loop.run(dns.a(name)).status, Status::nxdomain);
}

TEST_F(UnboundTest, StubZonesHaveTheirServer) {
  NameServer other;
  other.records["inner.corp.example. 1"] = {"\x0a\0\0\x09"s};
  other.start();
  NameServer second;
  second.records = other.records;
  second.start();
  options.stubs = {{"corp.example", other.endpoint()}, {"corp.example", second.endpoint()}};
  const auto a = loop.run(start().a("inner.corp.example"));
  ASSERT_TRUE(a.ok()) << to_string(a.status) << a.text;
  EXPECT_EQ(a.records.front().to_string(), "10.0.0.9");
}

async::Task<> ask(Resolver& dns, std::string name, Status& out) { out = (co_await dns.a(std::move(name))).status; }

TEST_F(UnboundTest, DestructionAnswersWaiters) {
  Status status = Status::ok;
  loop.spawn(ask(start(), "silent.example.org", status));
  loop.run(async::sleep(std::chrono::milliseconds(5)));
  resolver.reset();
  loop.finish();
  EXPECT_EQ(status, Status::servfail);
}

TEST_F(UnboundTest, BadSettingsAreRefused) {
  options.trust_anchor_file = "/nonexistent/root.key";
  EXPECT_EQ(Unbound::create(options, loop.executor(), log).error().kind, ErrorKind::not_found);
  options.trust_anchor_file = "/x\"\nserver:";
  EXPECT_EQ(Unbound::create(options, loop.executor(), log).error().kind, ErrorKind::invalid);
}

TEST(Nameservers, FromResolvConf) {
  const auto servers =
      nameservers_in("# c\nnameserver 192.0.2.53\nsearch x\nnameserver\t2001:db8::53 \nnameserver bad\noptions y");
  ASSERT_EQ(servers.size(), 2U);
  EXPECT_EQ(net::to_string(servers[0]), "192.0.2.53:53");
  EXPECT_EQ(net::to_string(servers[1]), "[2001:db8::53]:53");
  EXPECT_TRUE(nameservers_in("").empty());
}

}  // namespace
}  // namespace postern::dns
