// SPDX-License-Identifier: Apache-2.0
// libunbound against a name server of our own on loopback. No packet leaves the machine: it knows no other server.
#include "dns/unbound.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <fstream>
#include <functional>
#include <mutex>
#include <set>
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
  /// How a question came over the wire.
  struct Seen {
    std::string id, name;
    std::uint16_t port = 0;
  };
  /// Made of the query and its true answer; sent in front of the first one with records.
  std::function<std::string(const std::string& query, std::string answer)> lie;
  bool lie_from_another_port = false;
  std::vector<Seen> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
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
      const std::string query(packet, static_cast<std::size_t>(got));
      const std::string reply = answer(query);
      note(query, ntohs(peer.sin_port));
      if (lie && reply.size() > 8 && reply[7] != 0 && !std::exchange(lied_, true)) {
        const auto spoofed = lie(query, reply);
        const UniqueFd other(::socket(AF_INET, SOCK_DGRAM, 0));
        const int from = lie_from_another_port ? other.get() : socket_.get();
        ::sendto(from, spoofed.data(), spoofed.size(), 0, reinterpret_cast<sockaddr*>(&peer), length);
      }
      if (!reply.empty()) ::sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&peer), length);
    }
  }

  void note(const std::string& query, std::uint16_t port) {
    Seen one{query.substr(0, 2), {}, port};
    for (std::size_t at = 12; at < query.size() && query[at] != 0; at += static_cast<std::size_t>(query[at]) + 1)
      one.name += query.substr(at + 1, static_cast<std::size_t>(query[at])) + ".";
    const std::lock_guard lock(mutex_);
    seen_.push_back(std::move(one));
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
  bool lied_ = false;
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
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

// security.md D51: whoever cannot see our questions has to guess the id, the port and the case of each letter.
TEST_F(UnboundTest, QuestionsAreHardToGuess) {
  constexpr int questions = 40;
  Resolver& dns = start();
  for (int i = 0; i < questions; ++i) loop.run(dns.a("some-longer-name-" + std::to_string(i) + ".example.org"));
  std::set<std::string> ids;
  std::set<std::uint16_t> ports;
  int mixed = 0;
  const auto seen = server.seen();
  ASSERT_GE(seen.size(), std::size_t{questions});
  for (const auto& one : seen) {
    ids.insert(one.id);
    ports.insert(one.port);
    mixed += one.name != ascii::lower(one.name) ? 1 : 0;
  }
  // Of 65,536 ids two questions have the same one now and then; ports are of a range of some 60,000.
  EXPECT_GE(ids.size(), seen.size() - 2);
  EXPECT_GE(ports.size(), seen.size() - 4);
  EXPECT_EQ(mixed, static_cast<int>(seen.size()));
}

// security.md D52: what does not fit the question is no answer, however early it comes. An answer with the right id and port and
// another question can at most end in a failure: nobody else has both.
TEST_F(UnboundTest, SpoofedAnswersAreIgnored) {
  const auto poison = [](std::string answer) { return answer.replace(answer.size() - 4, 4, "\x0a\x42\x42\x42"s); };
  const std::map<std::string, std::function<std::string(const std::string&, std::string)>> lies{
      {"another id",
       [=](const std::string&, std::string answer) { return static_cast<char>(answer[0] ^ 0x55) + poison(answer).substr(1); }},
      {"another case",
       [=](const std::string&, std::string answer) {
         answer = poison(std::move(answer));
         for (std::size_t i = 13; i < 29; ++i) answer[i] = ascii::lower(answer[i]);
         return answer;
       }},
      {"another name",
       [=](const std::string&, std::string answer) {
         answer = poison(std::move(answer));
         answer[13] = 'x';
         return answer;
       }},
      {"another type",
       [=](const std::string& query, std::string answer) {
         answer = poison(std::move(answer));
         answer[query.find('\0', 12) + 2] = 16;
         return answer;
       }},
      {"half an answer", [=](const std::string&, std::string answer) { return answer.substr(0, 9); }},
  };
  for (const auto& [what, lie] : lies) {
    NameServer liar;
    liar.records = server.records;
    liar.lie = lie;
    liar.start();
    options.servers = {liar.endpoint()};
    const auto a = loop.run(start().a("mail.example.org"));
    EXPECT_TRUE(a.ok() || what != "another id") << what << ": " << to_string(a.status) << ' ' << a.text;
    for (const auto& one : a.records) EXPECT_EQ(one.to_string(), "192.0.2.1") << what;
    resolver.reset();
  }
  NameServer liar;
  liar.records = server.records;
  liar.lie = [=](const std::string&, std::string answer) { return poison(std::move(answer)); };
  liar.lie_from_another_port = true;
  liar.start();
  options.servers = {liar.endpoint()};
  const auto a = loop.run(start().a("mail.example.org"));
  ASSERT_TRUE(a.ok()) << a.text;
  EXPECT_EQ(a.records.front().to_string(), "192.0.2.1") << "from another port";
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
