// SPDX-License-Identifier: Apache-2.0
// Sessions under test talk over a socketpair: `server` is a real net::Connection, `client` is one too, so a test can write
// lines and read replies from a coroutine. run() drives one coroutine to its end with a generous limit.
//
//   asio loop is hidden: TestLoop loop;  auto pair = loop.make_pair();
//   loop.spawn(session(*pair.server));                     // a session in the background
//   loop.run(talk(*pair.client));                          // the dialogue; fails the test when it takes over 30 s
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "async/executor.h"
#include "async/task.h"
#include "net/connection.h"

namespace postern::test {

struct ConnectionPair {
  std::unique_ptr<net::Connection> server;  ///< local 127.0.0.1:25, peer 192.0.2.1:40000 unless told otherwise
  std::unique_ptr<net::Connection> client;
};

/// One event loop on this thread. Must outlive what is made on it; declare objects with threads that resume coroutines (pools, a
/// store) after it, so that their threads are gone before the loop is.
class TestLoop {
 public:
  TestLoop();
  ~TestLoop();
  async::Executor executor() const;
  ConnectionPair make_pair(net::ConnectionOptions server_options = default_options());
  /// The server side as a Connection, the other side as a blocking descriptor.
  std::pair<std::unique_ptr<net::Connection>, UniqueFd> make_raw_pair(net::ConnectionOptions server_options = default_options());

  /// Runs the task until it ends; background tasks go on meanwhile. Rethrows its exception. Throws std::runtime_error when the
  /// limit passes first.
  void run(async::Task<> task, std::chrono::seconds limit = std::chrono::seconds(30));
  template <class T>
  T run(async::Task<T> task, std::chrono::seconds limit = std::chrono::seconds(30)) {
    std::optional<T> out;
    run(async::detail::store_into(std::move(task), out), limit);
    return std::move(*out);
  }
  /// Starts a background task; an exception that leaves it is rethrown by the next run().
  void spawn(async::Task<> task);
  /// Waits until all background tasks have ended.
  void finish(std::chrono::seconds limit = std::chrono::seconds(30));

  static net::ConnectionOptions default_options();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Sends the text as it is, then reads one line (without CRLF). "" when the stream ended.
async::Task<std::string> exchange(net::Connection& client, std::string text);
/// Reads one line; "" when the stream ended.
async::Task<std::string> next_line(net::Connection& client);
/// Reads until the stream ends.
async::Task<std::string> read_to_end(net::Connection& client);

}  // namespace postern::test
