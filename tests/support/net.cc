// SPDX-License-Identifier: Apache-2.0
// TestLoop over one io_context.
#include "tests/support/net.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <stdexcept>

namespace postern::test {

namespace asio = boost::asio;

struct TestLoop::State {
  asio::io_context loop{1};
  std::size_t background = 0;
  std::exception_ptr failure;

  /// Runs until `done` says so.
  template <class Done>
  void run_until(Done done, std::chrono::seconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!done() && !failure) {
      loop.restart();
      if (std::chrono::steady_clock::now() >= until) throw std::runtime_error("TestLoop: the time limit has passed");
      loop.run_one_for(std::chrono::milliseconds(100));
    }
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
  }
};

TestLoop::TestLoop() : state_(std::make_unique<State>()) { std::signal(SIGPIPE, SIG_IGN); }
TestLoop::~TestLoop() = default;

async::Executor TestLoop::executor() const { return state_->loop.get_executor(); }

net::ConnectionOptions TestLoop::default_options() {
  net::ConnectionOptions options;
  options.local = {IpAddress::v4({127, 0, 0, 1}), 25};
  options.peer = {IpAddress::v4({192, 0, 2, 1}), 40000};
  return options;
}

std::pair<std::unique_ptr<net::Connection>, UniqueFd> TestLoop::make_raw_pair(net::ConnectionOptions server_options) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) throw std::runtime_error("no socketpair");
  auto stream = net::make_socket_stream(executor(), UniqueFd(fds[0]));
  return {std::make_unique<net::Connection>(std::move(stream), server_options), UniqueFd(fds[1])};
}

ConnectionPair TestLoop::make_pair(net::ConnectionOptions server_options) {
  auto [server, fd] = make_raw_pair(server_options);
  net::ConnectionOptions client_options;
  client_options.local = server_options.peer;
  client_options.peer = server_options.local;
  auto client = std::make_unique<net::Connection>(net::make_socket_stream(executor(), std::move(fd)), client_options);
  return {std::move(server), std::move(client)};
}

void TestLoop::run(async::Task<> task, std::chrono::seconds limit) {
  // The result outlives a run that was given up on: the coroutine may still end while the loop is destroyed.
  auto result = std::make_shared<std::pair<bool, std::exception_ptr>>(false, nullptr);
  asio::co_spawn(state_->loop, std::move(task), [result](const std::exception_ptr& error) { *result = {true, error}; });
  state_->run_until([result] { return result->first; }, limit);
  if (result->second) std::rethrow_exception(result->second);
}

void TestLoop::spawn(async::Task<> task) {
  ++state_->background;
  asio::co_spawn(state_->loop, std::move(task), [state = state_.get()](const std::exception_ptr& error) {
    --state->background;
    if (error && !state->failure) state->failure = error;
  });
}

void TestLoop::finish(std::chrono::seconds limit) {
  state_->run_until([this] { return state_->background == 0; }, limit);
}

async::Task<std::string> next_line(net::Connection& client) {
  constexpr std::size_t longest_line = 1024 * 1024;
  const auto line = co_await client.read_line(longest_line);
  co_return line ? std::string(*line) : std::string();
}

async::Task<std::string> exchange(net::Connection& client, std::string text) {
  const auto sent = co_await client.write(text);
  if (!sent) co_return std::string();
  co_return co_await next_line(client);
}

async::Task<std::string> read_to_end(net::Connection& client) {
  while (co_await client.fill()) {
  }
  std::string all(client.buffered());
  client.consume(all.size());
  co_return all;
}

}  // namespace postern::test
