// SPDX-License-Identifier: Apache-2.0
#include "tests/support/socks_fake.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postern::test {

namespace asio = boost::asio;

namespace {

async::Task<> one_client(SocksFake& fake, std::unique_ptr<net::Connection> client) { co_await fake.serve(*client); }

async::Task<> all_clients(SocksFake& fake, TestLoop& loop, std::shared_ptr<asio::ip::tcp::acceptor> acceptor) {
  for (;;) {
    asio::ip::tcp::socket socket = co_await acceptor->async_accept(asio::use_awaitable);
    auto stream = net::make_socket_stream(loop.executor(), UniqueFd(socket.release()));
    loop.spawn(one_client(fake, std::make_unique<net::Connection>(std::move(stream), TestLoop::default_options())));
  }
}

async::Task<std::string> take(net::Connection& client, std::size_t count) {
  std::string out;
  if (!co_await client.read_exactly(count, out)) out.clear();
  co_return out;
}

std::size_t number(const std::string& text, std::size_t at) { return static_cast<unsigned char>(text.at(at)); }

}  // namespace

async::Task<bool> SocksFake::agree(net::Connection& client) {
  const auto hello = co_await take(client, 2);
  if (hello.empty()) co_return false;
  const auto methods = co_await take(client, number(hello, 1));
  const char wanted = user.empty() ? 0 : 2;
  const bool offered = methods.find(wanted) != std::string::npos;
  (void)co_await client.write(std::string{5, offered ? wanted : '\xff'});
  if (!offered || user.empty()) co_return offered;
  const auto name = co_await take(client, number(co_await take(client, 2), 1));
  const auto secret = co_await take(client, number(co_await take(client, 1), 0));
  logins.push_back(name + " " + secret);
  const bool right = name == user && secret == password;
  (void)co_await client.write(std::string{1, right ? '\0' : '\1'});
  co_return right;
}

async::Task<bool> SocksFake::take_request(net::Connection& client) {
  const auto head = co_await take(client, 4);
  if (head.empty()) co_return false;
  std::string where;
  if (head[3] == 1) {
    const auto bytes = co_await take(client, 4);
    std::array<std::uint8_t, 4> four{};
    std::copy(bytes.begin(), bytes.end(), four.begin());
    where = IpAddress::v4(four).to_string();
  } else if (head[3] == 4) {
    const auto bytes = co_await take(client, 16);
    IpAddress::Bytes sixteen{};
    std::copy(bytes.begin(), bytes.end(), sixteen.begin());
    where = IpAddress::v6(sixteen).to_string();
  } else {
    where = "name " + co_await take(client, number(co_await take(client, 1), 0));
  }
  const auto port = co_await take(client, 2);
  asked.push_back(fmt::format("{}:{}", where, number(port, 0) * 256 + number(port, 1)));
  std::string answer{5, static_cast<char>(code), 0, 1};
  answer.append(6, '\0');
  (void)co_await client.write(answer);
  co_return code == 0;
}

async::Task<> SocksFake::serve(net::Connection& client) {
  if (!raw_answer.empty()) {
    (void)co_await client.write(raw_answer);
    co_await client.close_gracefully();
    co_return;
  }
  const bool connected = co_await agree(client) && co_await take_request(client);
  if (connected && behind) {
    co_await behind(client);
  } else if (connected) {
    (void)co_await client.write("hello\r\n");
  }
  co_await client.close_gracefully();
}

net::Endpoint SocksFake::listen(TestLoop& loop) {
  const asio::ip::tcp::endpoint any(asio::ip::make_address_v4("0.0.0.0"), 0);
  auto acceptor = std::make_shared<asio::ip::tcp::acceptor>(loop.executor(), any);
  const auto port = acceptor->local_endpoint().port();
  loop.spawn(all_clients(*this, loop, std::move(acceptor)));
  return {IpAddress::v4({127, 0, 0, 1}), port};
}

}  // namespace postern::test
