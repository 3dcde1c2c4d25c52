// SPDX-License-Identifier: Apache-2.0
// postern_load idle: N sessions over TLS, logged in, INBOX selected, in IDLE. Says "ready N", then holds them until a line
// comes on standard input, so that the server's memory can be taken meanwhile.
#include <fmt/core.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <vector>

#include "bench/load/channel.h"
#include "bench/load/commands.h"
#include "bench/load/report.h"

namespace postern::bench {

namespace {

constexpr unsigned patience_s = 120;
constexpr std::uint64_t opening_at_once = 20;

struct Work {
  Address address;
  Pattern users;
  std::string password;
  std::uint64_t ready = 0;
  Report report;
};

class Session final : public Channel {
 public:
  Session(Loop& on, Work& work, std::uint64_t number) : Channel(on), work_(work), number_(number) {}

  void begin() {
    began_ns_ = now_ns();
    connect(work_.address, client_tls());
  }

 private:
  void on_ready() override {}

  void on_line(std::string_view line) override {
    if (line.starts_with("* OK") && !greeted_) {
      greeted_ = true;
      return send(fmt::format("a LOGIN \"{}\" \"{}\"\r\n", work_.users.at(number_), work_.password));
    }
    if (line.starts_with("a OK")) return send("b SELECT INBOX\r\n");
    if (line.starts_with("b OK")) return send("c IDLE\r\n");
    if (line.starts_with("+")) {
      ++work_.ready;
      return work_.report.done(began_ns_);
    }
    if (!line.starts_with("* ")) work_.report.error(line);
  }

  void on_end(std::string_view fault) override { work_.report.error(fault); }

  Work& work_;
  std::uint64_t number_;
  bool greeted_ = false;
  std::uint64_t began_ns_ = 0;
};

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
  Work work{.address = {options.text("host", "127.0.0.1"), static_cast<std::uint16_t>(options.number("port", 993))},
            .users = Pattern(options.text("user", "u%d@bench.test"), options.number("users", 1)),
            .password = options.text("password"),
            .report = {}};
  const std::uint64_t connections = options.number("connections", 100);
  options.finish();
  Loop loop;
  std::vector<std::unique_ptr<Session>> sessions;
  work.report = Report();
  while (work.ready < connections && work.report.errors() == 0) {
    const std::uint64_t goal = std::min(connections, work.ready + opening_at_once);
    for (std::uint64_t i = work.ready; i < goal; ++i) {
      sessions.push_back(std::make_unique<Session>(loop, work, i));
      sessions.back()->begin();
    }
    if (!loop.run([&] { return work.ready >= goal || work.report.errors() > 0; }, patience_s)) work.report.error("no progress");
  }
  fmt::print("ready {}\n", work.ready);
  std::fflush(stdout);
  const Key key(loop);
  loop.run([&] { return key.pressed() || work.report.errors() > 0; }, 0);
  fmt::print("{}\n", work.report.json());
  return work.report.errors() == 0 ? 0 : 1;
}

}  // namespace postern::bench
