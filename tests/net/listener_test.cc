// SPDX-License-Identifier: Apache-2.0
// Listener and dial over loopback, with real executors.
#include "net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <latch>

#include "net/dial.h"
#include "tests/support/certificates.h"
#include "tests/support/folder.h"
#include "tests/support/net.h"

namespace postern::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

async::Task<> greet(Connection& connection) {
  co_await connection.write("220 hello\r\n");
  for (;;) {
    const auto line = co_await connection.read_line(100);
    if (!line) {
      if (line.error().kind == ErrorKind::unavailable) connection.append("421 stopping\r\n");
      co_return;
    }
    co_await connection.write("250 ok\r\n");
  }
}

struct ListenerTest : testing::Test {
  SystemClock clock;
  Log log{LogLevel::off, null_sink()};
  test::TestLoop loop;
  async::Runtime runtime{2};
  async::TaskGroup tasks{log, "test"};
  Admission admission{{.per_address = 2, .per_network = 0, .total = 100, .rate_per_minute = 0, .exempt = {}}, clock};
  Listener::Options options{.name = "test", .implicit_tls = nullptr, .refusal = [](Refusal why) {
                              return "421 " + std::string(to_string(why)) + "\r\n";
                            }};
  std::unique_ptr<Listener> listener;

  Endpoint start() {
    listener = std::make_unique<Listener>(Listener::Parts{runtime, tasks, admission, log}, options, greet);
    EXPECT_TRUE(listener->bind({IpAddress::v4({127, 0, 0, 1}), 0}));
    listener->start();
    runtime.start();
    return listener->endpoints().front();
  }
  std::unique_ptr<Connection> connect(const Endpoint& to) { return loop.run(dial(to)).value(); }
  void TearDown() override {
    if (listener) listener->stop_accepting();
    EXPECT_TRUE(tasks.stop_and_join(seconds(5), seconds(5)));
  }
};

TEST_F(ListenerTest, ServesAndStopsGently) {
  const Endpoint to = start();
  auto one = connect(to);
  EXPECT_EQ(loop.run(test::next_line(*one)), "220 hello");
  EXPECT_EQ(loop.run(test::exchange(*one, "NOOP\r\n")), "250 ok");
  EXPECT_EQ(one->peer(), to);
  EXPECT_TRUE(one->local().address.is_loopback());
  listener->stop_accepting();
  tasks.request_stop();
  EXPECT_EQ(loop.run(test::next_line(*one)), "421 stopping");
  one.reset();
  EXPECT_TRUE(tasks.join(seconds(20)));
}

TEST_F(ListenerTest, AdmissionRefusesWithAReasonAndPermitsReturn) {
  const Endpoint to = start();
  auto one = connect(to);
  auto two = connect(to);
  EXPECT_EQ(loop.run(test::next_line(*one)), "220 hello");
  EXPECT_EQ(loop.run(test::next_line(*two)), "220 hello");
  auto three = connect(to);
  EXPECT_EQ(loop.run(test::read_to_end(*three)), "421 too many connections from your address\r\n");
  one.reset();
  two.reset();
  while (admission.active() > 0) std::this_thread::yield();
  auto four = connect(to);
  EXPECT_EQ(loop.run(test::next_line(*four)), "220 hello");
}

TEST_F(ListenerTest, ImplicitTls) {
  test::Folder folder;
  const auto files = test::make_certificate(folder.path().string(), "mail");
  options.implicit_tls = TlsServer::create({"imap", {}, {files}}).value();
  const auto client = TlsClient::create({files.chain, {}}).value();
  auto one = connect(start());
  ASSERT_TRUE(loop.run(one->start_tls_client(*client, {"mail.example.org", TlsTrust::verified, {}, {}})));
  EXPECT_EQ(loop.run(test::next_line(*one)), "220 hello");
  EXPECT_EQ(loop.run(test::exchange(*one, "NOOP\r\n")), "250 ok");
  loop.run(one->close_gracefully());
}

async::Task<> settle_at_once(Connection& connection) {
  co_await connection.write("220 hello\r\n");
  while (co_await connection.read_line(100)) {
    connection.settle();
    co_await connection.write("250 ok\r\n");
  }
}

// security.md §1.6: of four places two are for guests.
TEST_F(ListenerTest, TheOldestGuestLeavesAndAFullHouseRefuses) {
  Crowd crowd(4);
  Admission wide{{.per_address = 0, .per_network = 0, .total = 0, .rate_per_minute = 0, .exempt = {}}, clock};
  listener = std::make_unique<Listener>(Listener::Parts{runtime, tasks, wide, log, &crowd}, options, settle_at_once);
  ASSERT_TRUE(listener->bind({IpAddress::v4({127, 0, 0, 1}), 0}));
  listener->start();
  runtime.start();
  const Endpoint to = listener->endpoints().front();
  std::vector<std::unique_ptr<Connection>> guests;
  for (int i = 0; i < 3; ++i) {
    guests.push_back(connect(to));
    EXPECT_EQ(loop.run(test::next_line(*guests.back())), "220 hello");
  }
  EXPECT_EQ(loop.run(test::next_line(*guests[0])), "") << "the oldest had to go";
  for (std::size_t i = 1; i < 3; ++i) EXPECT_EQ(loop.run(test::exchange(*guests[i], "NOOP\r\n")), "250 ok");
  EXPECT_EQ(crowd.guests(), 0U) << "who has settled is no guest";
  for (int i = 0; i < 2; ++i) {
    guests.push_back(connect(to));
    EXPECT_EQ(loop.run(test::next_line(*guests.back())), "220 hello");
    EXPECT_EQ(loop.run(test::exchange(*guests.back(), "NOOP\r\n")), "250 ok");
  }
  auto late = connect(to);
  EXPECT_EQ(loop.run(test::next_line(*late)), "421 too many connections");
  EXPECT_EQ(crowd.size(), 4U);
  late.reset();
  guests.clear();
  listener->stop_accepting();
  EXPECT_TRUE(tasks.stop_and_join(seconds(5), seconds(5)));
  EXPECT_EQ(crowd.size(), 0U) << "places return";
}

TEST_F(ListenerTest, ClientsBehindAProxyAreCountedByTheirOwnAddress) {
  const IpNetwork here = IpNetwork::parse("127.0.0.0/8").value();
  options.proxies = {here};
  Admission with_exempt{{.per_address = 1, .per_network = 0, .total = 100, .rate_per_minute = 0, .exempt = {here}}, clock};
  listener = std::make_unique<Listener>(Listener::Parts{runtime, tasks, with_exempt, log}, options, greet);
  ASSERT_TRUE(listener->bind({IpAddress::v4({127, 0, 0, 1}), 0}));
  listener->start();
  runtime.start();
  const std::string header = "PROXY TCP4 203.0.113.9 198.51.100.2 40000 25\r\n";
  auto one = connect(listener->endpoints().front());
  auto two = connect(listener->endpoints().front());
  auto rude = connect(listener->endpoints().front());
  EXPECT_EQ(loop.run(test::exchange(*one, header)), "220 hello");
  EXPECT_EQ(loop.run(test::exchange(*two, header)), "421 too many connections from your address");
  EXPECT_EQ(loop.run(test::exchange(*rude, "EHLO a\r\n")), "");
  one.reset();
  two.reset();
  rude.reset();
  listener->stop_accepting();
  EXPECT_TRUE(tasks.stop_and_join(seconds(5), seconds(5)));
}

TEST_F(ListenerTest, BindErrorsSayWhatToDo) {
  const Endpoint to = start();
  const auto taken = listen_on(to);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().kind, ErrorKind::exists);
  EXPECT_NE(taken.error().text.find("in use by another program"), std::string::npos);
  const auto foreign = listen_on({IpAddress::v4({192, 0, 2, 1}), 0});
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().text.find("not an address of this machine"), std::string::npos);
}

TEST_F(ListenerTest, StoppedListenerAcceptsNoMore) {
  const Endpoint to = start();
  listener->stop_accepting();
  while (tasks.size() > 0) std::this_thread::yield();
  listener.reset();
  const auto refused = loop.run(dial(to));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
}

/// Takes every free descriptor number below the highest one in use and one above, so that all numbers from there on are free.
/// (UBSan needs two of them for a look at a type that it has not met.)
std::vector<UniqueFd> fill_descriptor_gaps() {
  constexpr int watched = 1024;
  int highest = 0;
  for (int fd = 0; fd < watched; ++fd) {
    if (::fcntl(fd, F_GETFD) != -1) highest = fd;
  }
  std::vector<UniqueFd> fillers;
  do {
    fillers.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  } while (fillers.back() && fillers.back().get() < highest);
  return fillers;
}

// security.md D104. Two connections fit; the third waits in the backlog until there is room again.
TEST_F(ListenerTest, PausesBeforeDescriptorsRunOut) {
  admission.set_limits({.per_address = 0, .per_network = 0, .total = 0, .rate_per_minute = 0, .exempt = {}});
  const Endpoint to = start();
  auto one = connect(to);
  EXPECT_EQ(loop.run(test::next_line(*one)), "220 hello");
  std::latch accepting_rests(1);  // the acceptor's turn is over once something else ran on its executor
  async::post(runtime.executor(0), [&accepting_rests] { accepting_rests.count_down(); });
  accepting_rests.wait();
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const auto fillers = fill_descriptor_gaps();
  constexpr rlim_t reserve = 5;
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(fillers.back().get()) + 2 + reserve;  // room for the client's descriptor alone
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  auto two = connect(to);
  two->set_timeout(milliseconds(30));
  EXPECT_EQ(loop.run(two->read_line(100)).error().kind, ErrorKind::timeout);
  EXPECT_EQ(admission.active(), 1U);
  two->set_timeout(seconds(20));
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(loop.run(test::next_line(*two)), "220 hello");
}

TEST_F(ListenerTest, DialErrors) {
  DialOptions from_elsewhere;
  from_elsewhere.source = IpAddress::v4({192, 0, 2, 1});
  EXPECT_EQ(loop.run(dial({IpAddress::v4({127, 0, 0, 1}), 9}, from_elsewhere)).error().kind, ErrorKind::denied);
  EXPECT_EQ(loop.run(dial_unix("/nonexistent/socket")).error().kind, ErrorKind::not_found);
  EXPECT_EQ(loop.run(dial_unix(std::string(200, 'x'))).error().kind, ErrorKind::invalid);
}

}  // namespace
}  // namespace postern::net
