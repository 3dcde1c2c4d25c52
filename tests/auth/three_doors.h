// SPDX-License-Identifier: Apache-2.0
// Submission, IMAP and POP3 over one real auth (libsasl2 included), each spoken to over a socket pair that claims TLS.
#pragma once

#include <sys/socket.h>

#include <cstdlib>

#include "imap/session.h"
#include "pop3/session.h"
#include "submission/handler.h"
#include "tests/auth/fixture.h"
#include "tests/support/net.h"
#include "tests/support/retrieval_fakes.h"

namespace postern::auth::testing {

struct ThreeDoors {
  enum Door : int { submission_door, imap_door, pop3_door };

  explicit ThreeDoors(Settings settings = House::all_mechanisms()) : house(std::move(settings)) {}

  test::TestLoop loop;
  House house;
  config::Live config{quiet()};
  queue::Door door{{*house.store, config, house.clock, house.log, house.metrics}};
  submission::Allowance allowance{house.clock, {}};
  submission::Service submission{
      {{*house.store, house.directory, door, config, house.clock, house.log}, *house.service, allowance}, house.metrics, nullptr};
  imap::Occupancy occupancy;
  imap::Services imap{*house.store, *house.service, config, house.clock, house.log, occupancy};
  pop3::DropLocks locks;
  pop3::Services pop3{*house.store, *house.service, locks, house.log};

  static config::Config quiet() {
    config::Config config;
    config.server.hostname = "mail.example.org";
    return config;
  }

  /// All that the server said, when the client said this and hung up. A client of submission waits for the answer to an EHLO
  /// that comes first (RFC 2920 §3.1).
  std::string answer(std::string_view input, Door protocol) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    net::Connection client(net::make_socket_stream(loop.executor(), UniqueFd(ends[0])), test::TestLoop::default_options());
    auto stream = std::make_unique<test::ClaimsTls>(net::make_socket_stream(loop.executor(), UniqueFd(ends[1])));
    net::Connection server(std::move(stream), test::TestLoop::default_options());
    loop.spawn(serve(server, protocol));
    std::string said = loop.run(talk(client, ends[0], std::string(input)));
    loop.finish();
    return said;
  }

 private:
  static async::Task<std::string> talk(net::Connection& client, int socket, std::string input) {
    std::string said;
    const auto first = input.find("\r\n");
    if (input.starts_with("EHLO ") && first != std::string::npos) {
      said += co_await test::next_line(client) + "\r\n";
      std::string line = co_await test::exchange(client, input.substr(0, first + 2));
      for (; line.starts_with("250-"); line = co_await test::next_line(client)) said += line + "\r\n";
      said += line + "\r\n";
      input.erase(0, first + 2);
    }
    client.append(input);
    (void)co_await client.flush();
    ::shutdown(socket, SHUT_WR);
    co_return said + co_await test::read_to_end(client);
  }

  async::Task<> serve(net::Connection& connection, Door protocol) {
    switch (protocol) {
      case submission_door: co_await submission.serve(connection); break;
      case imap_door: co_await imap::serve(connection, imap); break;
      case pop3_door: {
        pop3::Session session(connection, pop3, {});
        co_await session.run();
      }
    }
    co_await connection.close_gracefully();
  }
};

}  // namespace postern::auth::testing
