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

  /// All that the server said, when the client said this and hung up.
  std::string answer(std::string_view input, Door protocol) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    const UniqueFd client(ends[0]);
    if (::send(client.get(), input.data(), input.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(input.size())) std::abort();
    ::shutdown(client.get(), SHUT_WR);
    {
      auto stream = std::make_unique<test::ClaimsTls>(net::make_socket_stream(loop.executor(), UniqueFd(ends[1])));
      net::Connection connection(std::move(stream), test::TestLoop::default_options());
      loop.run(serve(connection, protocol));
    }
    std::string out;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::recv(client.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0;) {
      out.append(buffer, static_cast<std::size_t>(n));
    }
    return out;
  }

 private:
  async::Task<> serve(net::Connection& connection, Door protocol) {
    switch (protocol) {
      case submission_door: co_await submission.serve(connection); break;
      case imap_door: co_await imap::serve(connection, imap); break;
      case pop3_door: {
        pop3::Session session(connection, pop3, {});
        co_await session.run();
      }
    }
    (void)co_await connection.flush();
  }
};

}  // namespace postern::auth::testing
