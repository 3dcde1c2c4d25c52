// SPDX-License-Identifier: Apache-2.0
// AUTH of SMTP, AUTHENTICATE of IMAP and AUTH of POP3 as a stranger speaks them, from the first octet to the last, with the real
// auth behind them, libsasl2 included. The first octet chooses the protocol, the rest is what the client sends.
// Checked: the session ends when the client has said all, every line of ours is whole and in the protocol's form.
#include <sys/socket.h>

#include <cstdlib>

#include "imap/session.h"
#include "pop3/session.h"
#include "submission/handler.h"
#include "tests/auth/fixture.h"
#include "tests/support/net.h"
#include "tests/support/retrieval_fakes.h"

namespace {

using namespace postern;

/// Everything that the three services need, with one auth.
struct World {
  test::TestLoop loop;
  auth::testing::House house{unlimited()};
  config::Live config{quiet()};
  queue::Door door{{*house.store, config, house.clock, house.log, house.metrics}};
  submission::Allowance allowance{house.clock, {}};
  submission::Service submission{
      {{*house.store, house.directory, door, config, house.clock, house.log}, *house.service, allowance}, house.metrics, nullptr};
  imap::Occupancy occupancy;
  imap::Services imap{*house.store, *house.service, config, house.clock, house.log, occupancy};
  pop3::DropLocks locks;
  pop3::Services pop3{*house.store, *house.service, locks, house.log};

  static auth::Settings unlimited() {
    auto settings = auth::testing::House::all_mechanisms();
    settings.guard = {
        .address_minute = 1U << 30, .address_day = 1U << 30, .account_day = 1U << 30, .known_network_day = 1U << 30};
    settings.record.life = std::chrono::seconds(0);
    return settings;
  }
  static config::Config quiet() {
    config::Config config;
    config.server.hostname = "mail.example.org";
    return config;
  }
};

/// A world serves some inputs; then a new one, so that nothing grows without end. Made at once, so that it goes before what
/// OpenSSL keeps for its threads.
World& world() {
  static auto current = std::make_unique<World>();
  static int used = 0;
  if (++used % 5000 == 0) {
    current.reset();
    current = std::make_unique<World>();
  }
  return *current;
}

async::Task<> serve(World& world, net::Connection& connection, int protocol) {
  switch (protocol) {
    case 0: co_await world.submission.serve(connection); break;
    case 1: co_await imap::serve(connection, world.imap); break;
    default: {
      pop3::Session session(connection, world.pop3, {});
      co_await session.run();
    }
  }
  (void)co_await connection.flush();
}

/// All that the server said, when the client said this and hung up.
std::string answer(World& world, std::string_view input, int protocol) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  const UniqueFd client(ends[0]);
  if (::send(client.get(), input.data(), input.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(input.size())) std::abort();
  ::shutdown(client.get(), SHUT_WR);
  {
    auto stream = std::make_unique<test::ClaimsTls>(net::make_socket_stream(world.loop.executor(), UniqueFd(ends[1])));
    net::Connection connection(std::move(stream), test::TestLoop::default_options());
    world.loop.run(serve(world, connection, protocol));
  }
  std::string out;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::recv(client.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0;) {
    out.append(buffer, static_cast<std::size_t>(n));
  }
  return out;
}

bool has_form(std::string_view line, int protocol) {
  if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return false;
  if (protocol == 0) return line.size() >= 4 && ascii::is_digit(line[0]) && (line[3] == ' ' || line[3] == '-');
  if (protocol == 1) return !line.empty();
  return true;  // POP3 lists follow "+OK"
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t longest = 32 * 1024;
  if (size == 0 || size > longest) return 0;
  const int protocol = data[0] % 3;
  auto& served = world();
  auto out = answer(served, {reinterpret_cast<const char*>(data) + 1, size - 1}, protocol);
  served.house.lines.clear();
  for (std::string_view rest = out; !rest.empty();) {
    const auto end = rest.find("\r\n");
    if (end == std::string_view::npos || !has_form(rest.substr(0, end), protocol)) std::abort();
    rest.remove_prefix(end + 2);
  }
  return 0;
}
