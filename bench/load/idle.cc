// SPDX-License-Identifier: Apache-2.0
// postern_load idle: N sessions over TLS, logged in, INBOX selected, in IDLE. Says "ready N", then holds them until a line
// comes on standard input, so that the server's memory can be taken meanwhile.
#include <fmt/core.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "bench/load/commands.h"
#include "bench/load/idle_session.h"

namespace postern::bench {

namespace {

/// Standard input as an event.
class Key final : public Handler {
 public:
  explicit Key(Loop& loop) { loop.add(STDIN_FILENO, EPOLLIN, *this); }
  void on_event(std::uint32_t) override {
    std::array<char, 64> some{};
    pressed_ = read(STDIN_FILENO, some.data(), some.size()) >= 0;
  }
  bool pressed() const { return pressed_; }

 private:
  bool pressed_ = false;
};

}  // namespace

int run_idle(const Options& options) {
  IdleWork work{.address = {options.text("host", "127.0.0.1"), static_cast<std::uint16_t>(options.number("port", 993))},
                .users = Pattern(options.text("user", "u%d@bench.test"), options.number("users", 1)),
                .password = options.text("password"),
                .report = {}};
  const std::uint64_t connections = options.number("connections", 100);
  options.finish();
  Loop loop;
  work.report = Report();
  const auto sessions = open_idle(loop, work, connections);
  fmt::print("ready {}\n", work.ready);
  std::fflush(stdout);
  const Key key(loop);
  loop.run([&] { return key.pressed() || work.report.errors() > 0; }, 0);
  fmt::print("{}\n", work.report.json());
  return work.report.errors() == 0 ? 0 : 1;
}

}  // namespace postern::bench
