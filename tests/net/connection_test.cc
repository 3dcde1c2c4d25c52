// SPDX-License-Identifier: Apache-2.0
// Connection over a socketpair: lines, limits, deadlines, races and the end.
#include "net/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/net.h"

namespace postern::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void send_raw(const UniqueFd& fd, std::string_view text) {
  ASSERT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

struct ConnectionTest : testing::Test {
  test::TestLoop loop;
  std::unique_ptr<Connection> server;
  UniqueFd client;
  void SetUp() override { std::tie(server, client) = loop.make_raw_pair(); }

  Result<std::string> line(std::size_t limit = 100) {
    auto got = loop.run(server->read_line(limit));
    if (!got) return std::unexpected(got.error());
    return std::string(*got);
  }
};

TEST_F(ConnectionTest, LinesArriveWhole) {
  send_raw(client, "EHLO a\r\n\r\nQUIT\r");
  EXPECT_EQ(line(), "EHLO a");
  EXPECT_TRUE(server->has_complete_line());
  EXPECT_EQ(line(), "");
  EXPECT_FALSE(server->has_complete_line());
  send_raw(client, "\nrest");
  EXPECT_EQ(line(), "QUIT");
  EXPECT_EQ(server->buffered(), "rest");
}

struct FaultCase {
  std::string_view input;
  LineFault fault;
  ErrorKind kind;
};

TEST_F(ConnectionTest, FaultyLinesAreConsumedAndNamed) {
  const FaultCase cases[] = {
      {"NOOP\n", LineFault::bare_lf, ErrorKind::invalid},
      {"NO\rOP\r\n", LineFault::bare_cr, ErrorKind::invalid},
      {"NOOP\r\r\n", LineFault::bare_cr, ErrorKind::invalid},
      {std::string_view("NO\0OP\r\n", 7), LineFault::nul, ErrorKind::invalid},
      {std::string_view("\0\n", 2), LineFault::nul, ErrorKind::invalid},
      {"\n", LineFault::bare_lf, ErrorKind::invalid},
      {"123456789\r\n", LineFault::too_long, ErrorKind::too_large},
      {"1234567890123456789012345\n", LineFault::too_long, ErrorKind::too_large},
  };
  constexpr std::size_t limit = 10;
  for (const auto& one : cases) {
    send_raw(client, one.input);
    send_raw(client, "12345678\r\n");  // exactly the limit
    const auto got = line(limit);
    ASSERT_FALSE(got) << one.input;
    EXPECT_EQ(got.error().kind, one.kind) << one.input;
    EXPECT_EQ(server->line_fault(), one.fault) << one.input;
    EXPECT_EQ(line(limit), "12345678");
    EXPECT_EQ(server->line_fault(), LineFault::none);
  }
}

async::Task<> send_much(Connection& client, std::size_t total) {
  const std::string block(64 * 1024, 'x');
  for (std::size_t sent = 0; sent < total; sent += block.size()) {
    if (!co_await client.write(block)) co_return;
  }
  co_await client.write("\r\nNOOP\r\n");
}

TEST_F(ConnectionTest, LongLineIsNotBuffered) {
  auto pair = loop.make_pair();
  constexpr std::size_t much = 8 * 1024 * 1024;
  loop.spawn(send_much(*pair.client, much));
  const auto got = loop.run(pair.server->read_line(4096));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::too_large);
  EXPECT_LT(pair.server->buffered().size(), 64U * 1024);
  EXPECT_EQ(loop.run(pair.server->read_line(4096)), "NOOP");
  loop.finish();
}

TEST_F(ConnectionTest, EndAndTimeoutAreTold) {
  server->set_timeout(milliseconds(20));
  EXPECT_EQ(line().error().kind, ErrorKind::timeout);
  send_raw(client, "half a li");
  EXPECT_EQ(line().error().kind, ErrorKind::timeout);
  EXPECT_EQ(server->buffered(), "half a li");
  server->set_timeout(seconds(20));
  send_raw(client, "ne\r\n");
  EXPECT_EQ(line(), "half a line");
  client.reset();
  EXPECT_EQ(line().error().kind, ErrorKind::closed);
  EXPECT_TRUE(server->ended_cleanly());
}

TEST_F(ConnectionTest, OneLineHasOneTimeoutHoweverItDrips) {
  auto pair = loop.make_pair();
  pair.server->set_timeout(milliseconds(60));
  struct Drip {
    static async::Task<> run(Connection& client) {
      while (co_await client.write("x")) co_await async::sleep(milliseconds(5));
    }
  };
  loop.spawn(Drip::run(*pair.client));
  EXPECT_EQ(loop.run(pair.server->read_line(4096)).error().kind, ErrorKind::timeout);
  pair.server.reset();
  loop.finish();
}

TEST_F(ConnectionTest, OverallDeadline) {
  server->set_deadline(std::chrono::steady_clock::now() + milliseconds(10));
  EXPECT_EQ(line().error().kind, ErrorKind::timeout);
  server->set_deadline(std::nullopt);
  send_raw(client, "a\r\n");
  EXPECT_EQ(line(), "a");
}

TEST_F(ConnectionTest, TransferMustKeepItsRate) {
  TransferLimits limits;
  limits.window = seconds(0);  // every window is over at once; nothing has come in it
  server->begin_transfer(limits);
  send_raw(client, "abc");
  limits.minimum_rate = 0;
  EXPECT_EQ(loop.run(server->fill()), 3U);  // zero-length windows ask for zero octets
  limits.total = seconds(0);
  server->begin_transfer(limits);
  EXPECT_EQ(loop.run(server->fill()).error().kind, ErrorKind::timeout);
  limits.total = seconds(60);
  limits.window = seconds(1);
  limits.minimum_rate = 1000;
  server->begin_transfer(limits);
  EXPECT_EQ(loop.run(server->fill()).error().kind, ErrorKind::timeout);
  server->end_transfer();
  send_raw(client, "d");
  EXPECT_EQ(loop.run(server->fill()), 1U);
}

TEST_F(ConnectionTest, ChunksAndExactReads) {
  send_raw(client, "0123456789");
  EXPECT_EQ(loop.run(server->read_chunk(4)).value(), "0123");
  std::string out;
  EXPECT_TRUE(loop.run(server->read_exactly(5, out)));
  EXPECT_EQ(out, "45678");
  EXPECT_EQ(server->buffered(), "9");
  client.reset();
  EXPECT_EQ(loop.run(server->read_exactly(5, out)).error().kind, ErrorKind::closed);
}

async::Task<> drink(Connection& client, std::size_t& total) {
  while (auto chunk = co_await client.read_chunk(100'000)) total += chunk->size();
  co_await client.close_gracefully();
}

TEST_F(ConnectionTest, LargeOutputPassesASlowReader) {
  auto pair = loop.make_pair();
  std::size_t total = 0;
  constexpr std::size_t size = 5'000'000;
  loop.spawn(drink(*pair.client, total));
  pair.server->append("head");
  EXPECT_TRUE(loop.run(pair.server->write(std::string(size, 'y'))));
  EXPECT_EQ(pair.server->pending_output(), 0U);
  EXPECT_EQ(pair.server->bytes_written(), size + 4);
  loop.run(pair.server->close_gracefully());
  loop.finish();
  EXPECT_EQ(total, size + 4);
}

TEST_F(ConnectionTest, WriteToABrokenPeerFails) {
  client.reset();
  const auto sent = loop.run(server->write(std::string(1'000'000, 'z')));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().kind, ErrorKind::io);
}

async::Task<> cancel_soon(Connection& connection) {
  co_await async::sleep(milliseconds(2));
  connection.cancel();
}

TEST_F(ConnectionTest, CancelEndsWaitingAndEverythingAfter) {
  loop.spawn(cancel_soon(*server));
  EXPECT_EQ(line().error().kind, ErrorKind::closed);
  EXPECT_EQ(loop.run(server->write("x")).error().kind, ErrorKind::closed);
}

async::Task<> stop_soon(Connection& connection) {
  co_await async::sleep(milliseconds(2));
  connection.request_stop();
}

TEST_F(ConnectionTest, StopEndsOnlyTheWaitForACommand) {
  loop.spawn(stop_soon(*server));
  EXPECT_EQ(line().error().kind, ErrorKind::unavailable);
  send_raw(client, "pipelined\r\n");
  EXPECT_EQ(loop.run(server->fill()), 11U);  // a body in transfer goes on
  EXPECT_EQ(line(), "pipelined");
  EXPECT_EQ(line().error().kind, ErrorKind::unavailable);
}

TEST_F(ConnectionTest, WaitInputOr) {
  async::Event event;
  const auto far = std::chrono::steady_clock::now() + seconds(20);
  const auto wait = [&](std::uint64_t seen, Connection::Time deadline) {
    return loop.run(server->wait_input_or(event, seen, deadline)).value();
  };
  EXPECT_EQ(wait(0, std::chrono::steady_clock::now() + milliseconds(5)), Wake::deadline);
  event.publish();
  EXPECT_EQ(wait(0, far), Wake::event);
  EXPECT_EQ(wait(1, std::chrono::steady_clock::now() + milliseconds(5)), Wake::deadline);
  std::thread publisher([&event] { event.publish(); });
  EXPECT_EQ(wait(1, far), Wake::event);
  publisher.join();
  send_raw(client, "DONE\r\n");
  EXPECT_EQ(wait(2, far), Wake::input);
  EXPECT_EQ(line(), "DONE");
  loop.spawn(stop_soon(*server));
  EXPECT_EQ(wait(2, far), Wake::stop);
}

async::Task<> write_soon(Connection& client) {
  co_await async::sleep(milliseconds(2));
  co_await client.write("early\r\n");
}

TEST_F(ConnectionTest, EarlyTalkersShowThemselves) {
  auto pair = loop.make_pair();
  EXPECT_EQ(loop.run(pair.server->wait_input_until(std::chrono::steady_clock::now() + milliseconds(5))).value(), Wake::deadline);
  loop.spawn(write_soon(*pair.client));
  EXPECT_EQ(loop.run(pair.server->wait_input_until(std::chrono::steady_clock::now() + seconds(20))).value(), Wake::input);
  loop.finish();
}

TEST_F(ConnectionTest, GracefulCloseDeliversTheLastReplyAndDrains) {
  auto pair = loop.make_pair();
  struct Rude {
    static async::Task<std::string> run(Connection& client) {
      co_await client.write("pipelined and never read\r\n");
      co_return co_await test::read_to_end(client);
    }
    static async::Task<> serve(Connection& server) {
      server.append("421 bye\r\n");
      co_await server.close_gracefully();
    }
  };
  loop.spawn(Rude::serve(*pair.server));
  EXPECT_EQ(loop.run(Rude::run(*pair.client)), "421 bye\r\n");
  pair.client.reset();
  loop.finish();
  EXPECT_EQ(loop.run(pair.server->read_line(10)).error().kind, ErrorKind::closed);
}

}  // namespace
}  // namespace postern::net
