// SPDX-License-Identifier: Apache-2.0
// postern_load login: connect, full TLS handshake, LOGIN, LOGOUT, again and again. A unit is a login; its latency runs from
// the start of the connection to the tagged OK.
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "bench/load/channel.h"
#include "bench/load/commands.h"
#include "bench/load/report.h"

namespace postern::bench {

namespace {

constexpr unsigned patience_s = 60;

struct Work {
  Address address;
  Pattern users;
  std::string password;
  std::uint64_t logins = 0;
  Report report;
  std::uint64_t taken = 0;
  std::uint64_t active = 0;
};

class Session final : public Channel {
 public:
  Session(Loop& on, Work& work) : Channel(on), work_(work) {}

  void begin() {
    if (work_.taken >= work_.logins) {
      --work_.active;
      return;
    }
    user_ = work_.users.at(work_.taken++);
    began_ns_ = now_ns();
    connect(work_.address, client_tls());
  }

 private:
  void on_ready() override {}

  void on_line(std::string_view line) override {
    if (line.starts_with("* OK") && !greeted_) {
      greeted_ = true;
      return send(fmt::format("a LOGIN \"{}\" \"{}\"\r\n", user_, work_.password));
    }
    if (line.starts_with("a OK")) {
      work_.report.done(began_ns_);
      return send("b LOGOUT\r\n");
    }
    if (line.starts_with("a ")) work_.report.error(line);
    if (line.starts_with("a ") || line.starts_with("b ")) leave();
  }

  void on_end(std::string_view fault) override {
    if (!fault.empty()) work_.report.error(fault);
    greeted_ = false;
    begin();
  }

  Work& work_;
  std::string user_;
  bool greeted_ = false;
  std::uint64_t began_ns_ = 0;
};

}  // namespace

int run_login(const Options& options) {
  Work work{.address = {options.text("host", "127.0.0.1"), static_cast<std::uint16_t>(options.number("port", 993))},
            .users = Pattern(options.text("user", "u%d@bench.test"), options.number("users", 1)),
            .password = options.text("password"),
            .logins = options.number("logins", 1000),
            .report = {}};
  work.active = options.number("connections", 20);
  options.finish();
  Loop loop;
  std::vector<std::unique_ptr<Session>> sessions;
  for (std::uint64_t i = 0; i < work.active; ++i) sessions.push_back(std::make_unique<Session>(loop, work));
  work.report = Report();
  for (auto& session : sessions) session->begin();
  if (!loop.run([&] { return work.active == 0; }, patience_s)) work.report.error("nothing happens any more");
  fmt::print("{}\n", work.report.json());
  return work.report.errors() == 0 ? 0 : 1;
}

}  // namespace postern::bench
