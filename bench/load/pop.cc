// SPDX-License-Identifier: Apache-2.0
// postern_load pop: every connection logs in and retrieves its whole maildrop, with --depth commands under way at once. A unit
// is a message. --delete deletes what was read.
#include <fmt/core.h>

#include <charconv>
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
  std::uint64_t depth = 1;
  bool remove = false;
  Report report;
  std::uint64_t active = 0;
};

class Session final : public Channel {
 public:
  Session(Loop& on, Work& work, std::uint64_t number) : Channel(on), work_(work), number_(number) {}
  void begin() { connect(work_.address, client_tls()); }

 private:
  enum class Step : unsigned char { greeting, user, pass, stat, drain, remove, quit };

  void on_ready() override {}

  void on_line(std::string_view line) override {
    if (in_message_) return text(line);
    if (!line.starts_with("+OK")) {
      work_.report.error(line);
      return leave();
    }
    switch (step_) {
      case Step::greeting: return ask(Step::user, fmt::format("USER {}\r\n", work_.users.at(number_)));
      case Step::user: return ask(Step::pass, fmt::format("PASS {}\r\n", work_.password));
      case Step::pass: return ask(Step::stat, "STAT\r\n");
      case Step::stat: return counted(line);
      case Step::drain: in_message_ = true; return;
      case Step::remove: return removed();
      case Step::quit: return leave();
    }
  }

  void ask(Step step, std::string_view command) {
    step_ = step;
    send(command);
  }

  void counted(std::string_view line) {
    constexpr std::size_t prefix = 4;  // "+OK "
    if (line.size() > prefix) std::from_chars(line.data() + prefix, line.data() + line.size(), total_);
    if (total_ == 0) return ask(Step::quit, "QUIT\r\n");
    step_ = Step::drain;
    began_ns_ = now_ns();
    while (asked_ < total_ && asked_ < work_.depth) send(fmt::format("RETR {}\r\n", ++asked_));
  }

  void text(std::string_view line) {
    if (line != ".") return;
    in_message_ = false;
    work_.report.done(began_ns_);
    began_ns_ = now_ns();
    ++got_;
    if (asked_ < total_) return send(fmt::format("RETR {}\r\n", ++asked_));
    if (got_ < total_) return;
    if (!work_.remove) return ask(Step::quit, "QUIT\r\n");
    step_ = Step::remove;
    for (std::uint64_t i = 1; i <= total_; ++i) send(fmt::format("DELE {}\r\n", i));
  }

  void removed() {
    if (++deleted_ == total_) ask(Step::quit, "QUIT\r\n");
  }

  void on_end(std::string_view fault) override {
    if (!fault.empty()) work_.report.error(fault);
    --work_.active;
  }

  Work& work_;
  std::uint64_t number_;
  Step step_ = Step::greeting;
  bool in_message_ = false;
  std::uint64_t total_ = 0, asked_ = 0, got_ = 0, deleted_ = 0;
  std::uint64_t began_ns_ = 0;
};

}  // namespace

int run_pop(const Options& options) {
  const std::uint64_t connections = options.number("connections", 1);
  Work work{.address = {options.text("host", "127.0.0.1"), static_cast<std::uint16_t>(options.number("port", 995))},
            .users = Pattern(options.text("user", "u%d@bench.test"), connections, options.number("first", 0)),
            .password = options.text("password"),
            .depth = std::max<std::uint64_t>(options.number("depth", 1), 1),
            .remove = options.has("delete"),
            .report = {}};
  options.finish();
  Loop loop;
  std::vector<std::unique_ptr<Session>> sessions;
  work.active = connections;
  for (std::uint64_t i = 0; i < connections; ++i) sessions.push_back(std::make_unique<Session>(loop, work, i));
  work.report = Report();
  for (auto& session : sessions) session->begin();
  if (!loop.run([&] { return work.active == 0; }, patience_s)) work.report.error("nothing happens any more");
  fmt::print("{}\n", work.report.json());
  return work.report.errors() == 0 ? 0 : 1;
}

}  // namespace postern::bench
