// SPDX-License-Identifier: Apache-2.0
#include "tests/support/smtp_sink.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/ascii.h"

namespace postern::test {

namespace asio = boost::asio;

namespace {

constexpr std::size_t longest_line = 100'000;

async::Task<> serve_socket(SmtpSink& sink, std::unique_ptr<net::Connection> connection) { co_await sink.serve(*connection); }

async::Task<> accept_all(SmtpSink& sink, TestLoop& loop, std::shared_ptr<asio::ip::tcp::acceptor> acceptor) {
  for (;;) {
    asio::ip::tcp::socket socket = co_await acceptor->async_accept(asio::use_awaitable);
    auto stream = net::make_socket_stream(loop.executor(), UniqueFd(socket.release()));
    loop.spawn(serve_socket(sink, std::make_unique<net::Connection>(std::move(stream), TestLoop::default_options())));
  }
}

}  // namespace

struct SmtpSink::Session {
  net::Connection& connection;
  Message message;
  std::string last_reply;
};

std::size_t SmtpSink::count(std::string_view verb) const {
  return static_cast<std::size_t>(std::ranges::count_if(lines, [verb](const auto& line) { return line.starts_with(verb); }));
}

std::string SmtpSink::hello_text(const Session& session) const {
  std::string text = "250-sink.example\r\n";
  for (const auto& one : offers) text += "250-" + one + "\r\n";
  if (tls && !session.connection.is_tls()) text += "250-STARTTLS\r\n";
  return text + "250 ENHANCEDSTATUSCODES\r\n";
}

async::Task<bool> SmtpSink::reply(Session& session, const std::string& line, std::string_view normal) {
  std::string text = answer ? answer(line) : std::string();
  if (text == hang_up) co_return false;
  if (text.empty()) text = normal;
  session.last_reply = text;
  co_return (co_await session.connection.write(text)).has_value();
}

async::Task<bool> SmtpSink::take_data(Session& session) {
  if (!co_await reply(session, "DATA", session.message.rcpt.empty() ? "554 5.5.1 No recipients\r\n" : "354 Go\r\n"))
    co_return false;
  if (!session.last_reply.starts_with("354")) co_return true;
  for (;;) {
    const auto line = co_await session.connection.read_line(longest_line);
    if (!line) co_return false;
    if (*line == ".") break;
    session.message.content.append(*line).append("\r\n");
  }
  if (!co_await reply(session, ".", "250 2.0.0 Ok: queued\r\n")) co_return false;
  if (session.last_reply.starts_with('2')) messages.push_back(session.message);
  session.message = {};
  co_return true;
}

async::Task<bool> SmtpSink::take_chunk(Session& session, const std::string& line) {
  const auto size = std::stoul(line.substr(5));
  if (!co_await session.connection.read_exactly(size, session.message.content)) co_return false;
  if (!co_await reply(session, ".", "250 2.0.0 Ok: queued\r\n")) co_return false;
  if (session.last_reply.starts_with('2')) messages.push_back(session.message);
  session.message = {};
  co_return true;
}

async::Task<bool> SmtpSink::obey(Session& session, const std::string& line) {
  lines.push_back(line);
  const auto is = [&line](std::string_view verb) { return ascii::istarts_with(line, verb); };
  if (is("EHLO")) co_return co_await reply(session, line, hello_text(session));
  if (is("MAIL")) {
    session.message = {};
    session.message.mail = line;
    co_return co_await reply(session, line, "250 2.1.0 Ok\r\n");
  }
  if (is("RCPT")) {
    if (!co_await reply(session, line, "250 2.1.5 Ok\r\n")) co_return false;
    if (session.last_reply.starts_with('2')) session.message.rcpt.push_back(line);
    co_return true;
  }
  if (is("DATA")) co_return co_await take_data(session);
  if (is("BDAT")) co_return co_await take_chunk(session, line);
  if (is("STARTTLS") && tls) {
    if (!co_await reply(session, line, "220 Go\r\n")) co_return false;
    if (!session.last_reply.starts_with("220")) co_return true;
    co_return (co_await session.connection.start_tls(*tls)).has_value();
  }
  if (is("QUIT")) {
    (void)co_await reply(session, line, "221 Bye\r\n");
    co_return false;
  }
  if (is("RSET")) session.message = {};
  co_return co_await reply(session, line, "250 Ok\r\n");
}

async::Task<> SmtpSink::serve(net::Connection& connection) {
  ++connections;
  Session session{connection, {}, {}};
  if (greeting == hang_up || !co_await connection.write(greeting)) co_return;
  for (;;) {
    const auto read = co_await connection.read_line(longest_line);
    if (!read) co_return;
    const std::string line(*read);
    if (!co_await obey(session, line)) co_return;
  }
}

net::Endpoint SmtpSink::listen(TestLoop& loop) {
  const asio::ip::tcp::endpoint any(asio::ip::make_address_v4("0.0.0.0"), 0);
  auto acceptor = std::make_shared<asio::ip::tcp::acceptor>(loop.executor(), any);
  const auto port = acceptor->local_endpoint().port();
  loop.spawn(accept_all(*this, loop, std::move(acceptor)));
  return {IpAddress::v4({127, 0, 0, 1}), port};
}

}  // namespace postern::test
