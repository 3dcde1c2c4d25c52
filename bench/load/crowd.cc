// SPDX-License-Identifier: Apache-2.0
// postern_load crowd: N sessions in IDLE on one INBOX and one SMTP connection that sends to it, the next message when all were
// told of the last. A unit is one session told of one message; its latency runs from the message's last octet to EXISTS.
#include <fmt/core.h>

#include <cstdio>

#include "bench/load/commands.h"
#include "bench/load/idle_session.h"
#include "bench/load/text.h"

namespace postern::bench {

namespace {

constexpr unsigned patience_s = 60;

/// Sends one message after the other on one connection.
class Sender final : public Channel {
 public:
  Sender(Loop& on, std::string recipient, std::uint64_t size)
      : Channel(on), recipient_(std::move(recipient)), text_({.size = size}) {}

  /// Begins the next message; only while none is under way.
  void send_next() {
    step_ = Step::mail;
    send("MAIL FROM:<sender@elsewhere.test>\r\n");
    push();
  }
  bool ready() const { return step_ == Step::ready; }
  bool failed() const { return failed_; }
  /// When the last octet of the last message was given away.
  std::uint64_t sent_ns() const { return sent_ns_; }

 private:
  enum class Step : unsigned char { greeting, hello, ready, mail, recipient, data, body };

  void on_ready() override {}
  void on_line(std::string_view line) override {
    if (line.size() > 3 && line[3] == '-') return;
    if (line.empty() || line[0] > '3') {
      fmt::print(stderr, "SMTP: {}\n", line);
      failed_ = true;
      return leave();
    }
    switch (step_) {
      case Step::greeting: return ask(Step::hello, "HELO load.bench.test\r\n");
      case Step::mail: return ask(Step::recipient, fmt::format("RCPT TO:<{}>\r\n", recipient_));
      case Step::recipient: return ask(Step::data, "DATA\r\n");
      case Step::data: {
        const auto message = text_.make(number_++) + ".\r\n";
        sent_ns_ = now_ns();
        return ask(Step::body, message);
      }
      default: step_ = Step::ready;
    }
  }
  void on_end(std::string_view) override { failed_ = true; }

  void ask(Step step, std::string_view command) {
    step_ = step;
    send(command);
  }

  std::string recipient_;
  Messages text_;
  Step step_ = Step::greeting;
  bool failed_ = false;
  std::uint64_t number_ = 0;
  std::uint64_t sent_ns_ = 0;
};

}  // namespace

int run_crowd(const Options& options) {
  const std::string host = options.text("host", "127.0.0.1");
  const std::string user = options.text("user", "u0@bench.test");
  const std::uint64_t connections = options.number("connections", 100), messages = options.number("messages", 20);
  IdleWork work{.address = {host, static_cast<std::uint16_t>(options.number("port", 993))},
                .users = Pattern(user, 1),
                .password = options.text("password"),
                .report = {}};
  Loop loop;
  Sender sender(loop, user, options.number("size", 10 * 1024));
  const Address smtp{host, static_cast<std::uint16_t>(options.number("smtp-port", 25))};
  options.finish();
  const auto sessions = open_idle(loop, work, connections);
  Report told;
  work.on_exists = [&] { told.done(sender.sent_ns()); };
  sender.connect(smtp);
  for (std::uint64_t sent = 0; sent <= messages; ++sent) {
    const auto done = [&] {
      return (sender.ready() && told.count() >= sent * connections) || sender.failed() || work.report.errors() > 0;
    };
    if (!loop.run(done, patience_s)) told.error("not everybody was told");
    if (sender.failed() || work.report.errors() > 0) told.error("a connection broke");
    if (told.errors() > 0) break;
    if (sent < messages) sender.send_next();
  }
  fmt::print("{}\n", told.json());
  return told.errors() == 0 ? 0 : 1;
}

}  // namespace postern::bench
