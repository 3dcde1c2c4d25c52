// SPDX-License-Identifier: Apache-2.0
// postern_load mixed: sessions over TLS that send one command after the other, each chosen at random by the weights below: what
// mail programs do over a day, on mailboxes that several of them have open. The same session chooses the same commands on every
// server. A unit is a command; logins are not counted.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <random>
#include <vector>

#include "bench/load/channel.h"
#include "bench/load/commands.h"
#include "bench/load/report.h"
#include "bench/load/text.h"

namespace postern::bench {

namespace {

constexpr unsigned patience_s = 60;
/// Messages that a listing asks for at once.
constexpr std::uint64_t page = 20;
/// No line of a generated message begins with it.
constexpr std::string_view tag = "zq7";

/// {one} is a message, {page} up to twenty in a row.
struct Choice {
  unsigned weight;
  std::string_view command;
};
constexpr std::string_view append_command = "APPEND";
constexpr std::array choices = {
    Choice{20, "FETCH {page} (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"},
    Choice{15, "FETCH {one} (UID BODY.PEEK[])"},
    Choice{10, "FETCH {page} (UID FLAGS)"},
    Choice{5, "FETCH {page} (UID BODY.PEEK[HEADER.FIELDS (From To Subject Date Message-ID References)])"},
    Choice{10, "STORE {one} +FLAGS (\\Seen)"},
    Choice{5, "STORE {page} -FLAGS.SILENT (\\Seen)"},
    Choice{10, "NOOP"},
    Choice{5, "STATUS INBOX (MESSAGES UIDNEXT UNSEEN)"},
    Choice{4, "SELECT INBOX"},
    Choice{3, "LIST \"\" *"},
    Choice{3, "SEARCH UNSEEN"},
    Choice{1, "SEARCH SUBJECT message"},
    Choice{4, append_command},
    Choice{3, "STORE {one} +FLAGS.SILENT (\\Deleted)"},
    Choice{2, "EXPUNGE"},
};
constexpr unsigned all_weights = [] {
  unsigned sum = 0;
  for (const auto& choice : choices) sum += choice.weight;
  return sum;
}();

struct Work {
  Address address;
  Pattern users;
  std::string password;
  std::uint64_t commands = 0;
  Messages messages;
  Report report;
  std::uint64_t waiting = 0;  ///< sessions that have not selected yet; the first command begins when all have
  std::uint64_t taken = 0;
  std::uint64_t active = 0;
  std::uint64_t appended = 0;
};

class Session final : public Channel {
 public:
  Session(Loop& on, Work& work, std::uint64_t number)
      : Channel(on), work_(work), user_(work.users.at(number)), random_(static_cast<unsigned>(number + 1)) {
    connect(work_.address, client_tls());
  }

  void next() {
    if (work_.taken >= work_.commands) return leave();
    ++work_.taken;
    command_ = choose();
    began_ns_ = now_ns();
    if (command_ == append_command) {
      const auto message = work_.messages.make(work_.appended++);
      return send(fmt::format("{} APPEND INBOX {{{}+}}\r\n{}\r\n", tag, message.size(), message));
    }
    send(fmt::format("{} {}\r\n", tag, filled(command_)));
  }
  /// Begins when it was another session that made the last one ready.
  void start() {
    next();
    push();
  }

 private:
  void on_ready() override {}

  void on_line(std::string_view line) override {
    if (line.starts_with("* ")) return note(line.substr(2));
    if (!line.starts_with(tag)) return;
    line.remove_prefix(tag.size() + 1);
    // Another session may have removed what we asked for (RFC 5530).
    const bool fine = line.starts_with("OK") || line.contains("EXPUNGEISSUED");
    if (!fine) work_.report.error(fmt::format("{}: {}", command_, line));
    if (selected_) {
      if (fine) work_.report.done(began_ns_);
      return next();
    }
    selected_ = command_.starts_with("SELECT");
    if (selected_) {
      --work_.waiting;
      return;
    }
    command_ = "SELECT INBOX";
    send(fmt::format("{} {}\r\n", tag, command_));
  }

  /// The greeting, and how many messages there are.
  void note(std::string_view line) {
    if (command_.empty()) {
      command_ = "LOGIN";
      return send(fmt::format("{} LOGIN \"{}\" \"{}\"\r\n", tag, user_, work_.password));
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error != std::errc()) return;
    const auto word = line.substr(static_cast<std::size_t>(end - line.data()));
    if (word == " EXISTS") exist_ = number;
    if (word == " EXPUNGE" && exist_ > 0) --exist_;
  }

  void on_end(std::string_view fault) override {
    if (!fault.empty()) work_.report.error(fault);
    --work_.active;
  }

  std::uint64_t below(std::uint64_t end) { return std::uniform_int_distribution<std::uint64_t>(0, end - 1)(random_); }

  std::string_view choose() {
    auto left = below(all_weights);
    const auto found = std::ranges::find_if(choices, [&left](const Choice& choice) {
      if (left < choice.weight) return true;
      left -= choice.weight;
      return false;
    });
    return found->command.contains('{') && exist_ == 0 ? append_command : found->command;
  }

  std::string filled(std::string_view command) {
    const auto open = command.find('{');
    if (open == std::string_view::npos) return std::string(command);
    const auto close = command.find('}');
    const auto first = 1 + below(exist_);
    const auto last = command.substr(open, close - open) == "{one" ? first : std::min(first + page - 1, exist_);
    return fmt::format("{}{}:{}{}", command.substr(0, open), first, last, command.substr(close + 1));
  }

  Work& work_;
  std::string user_;
  std::minstd_rand random_;
  std::string_view command_;  ///< under way; empty before the greeting
  std::uint64_t exist_ = 0;
  bool selected_ = false;
  std::uint64_t began_ns_ = 0;
};

}  // namespace

int run_mixed(const Options& options) {
  Work work{.address = {options.text("host", "127.0.0.1"), static_cast<std::uint16_t>(options.number("port", 993))},
            .users = Pattern(options.text("user", "u%d@bench.test"), options.number("users", 1), options.number("first", 0)),
            .password = options.text("password"),
            .commands = options.number("commands", 10000),
            .messages = Messages({}),
            .report = {}};
  work.active = work.waiting = std::max<std::uint64_t>(options.number("connections", 50), 1);
  options.finish();
  Loop loop;
  std::vector<std::unique_ptr<Session>> sessions;
  for (std::uint64_t i = 0; i < work.active; ++i) sessions.push_back(std::make_unique<Session>(loop, work, i));
  const auto all = sessions.size();
  if (loop.run([&] { return work.waiting == 0 || work.active < all; }, patience_s) && work.waiting == 0) {
    work.report = Report();
    for (auto& session : sessions) session->start();
    if (!loop.run([&] { return work.active == 0; }, patience_s)) work.report.error("nothing happens any more");
  } else {
    work.report.error("not every session could log in");
  }
  fmt::print("{}\n", work.report.json());
  return work.report.errors() == 0 ? 0 : 1;
}

}  // namespace postern::bench
