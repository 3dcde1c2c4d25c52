// SPDX-License-Identifier: Apache-2.0
// postern_load smtp: N connections that deliver messages as fast as the server takes them. A unit is an accepted message; its
// latency runs from the start of its connection, or from its MAIL when it is not the first there, to the 250.
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "bench/load/base64.h"
#include "bench/load/channel.h"
#include "bench/load/commands.h"
#include "bench/load/report.h"
#include "bench/load/text.h"

namespace postern::bench {

namespace {

constexpr unsigned patience_s = 60;

enum class Security : unsigned char { none, starttls, implicit };

struct Plan {
  Address address;
  Security security = Security::none;
  std::uint64_t messages = 0;
  std::uint64_t per_connection = 1;
  std::uint64_t per_message = 1;
  bool pipelining = true;
  Pattern senders;  // numbered as the users
  Pattern recipients;
  Pattern users;
  std::string password;
};

/// What all sessions share.
struct Work {
  Plan plan;
  Messages messages;
  Report report;
  std::uint64_t taken = 0;   // messages that some session has begun
  std::uint64_t active = 0;  // sessions that are not over
  std::uint64_t users = 0;   // logins begun
};

class Session final : public Channel {
 public:
  Session(Loop& on, Work& work) : Channel(on), work_(work) {}

  void begin() {
    if (work_.taken >= work_.plan.messages) {
      --work_.active;
      return;
    }
    sent_ = 0;
    step_ = Step::greeting;
    began_ns_ = now_ns();
    connect(work_.plan.address, work_.plan.security == Security::implicit ? client_tls() : nullptr);
  }

 private:
  enum class Step : unsigned char { greeting, ehlo, starttls, auth, mail, rcpt, data, body, quit };

  void on_ready() override {
    if (step_ == Step::starttls) hello();
  }

  void on_line(std::string_view line) override {
    if (line.size() > 3 && line[3] == '-') return;
    const bool positive = !line.empty() && (line[0] == '2' || line[0] == '3');
    if (step_ == Step::quit) return leave();
    if (!positive) return refused(line);
    next();
  }

  void on_end(std::string_view fault) override {
    if (!fault.empty()) work_.report.error(fault);
    begin();
  }

  void refused(std::string_view line) {
    work_.report.error(line);
    leave();
  }

  void next() {
    switch (step_) {
      case Step::greeting: return hello();
      case Step::ehlo: return greeted();
      case Step::starttls: return start_tls(client_tls());
      case Step::auth: return message();
      case Step::mail: return accepted_mail();
      case Step::rcpt: return accepted_rcpt();
      case Step::data: return body();
      case Step::body: return accepted();
      case Step::quit: return;
    }
  }

  void hello() {
    step_ = Step::ehlo;
    send("EHLO load.bench.test\r\n");
  }

  void greeted() {
    if (work_.plan.security == Security::starttls && !encrypted()) {
      step_ = Step::starttls;
      return send("STARTTLS\r\n");
    }
    const std::uint64_t account = work_.users++;
    sender_ = work_.plan.senders.at(account);
    if (work_.plan.users.empty()) return message();
    step_ = Step::auth;
    const std::string user = work_.plan.users.at(account);
    using namespace std::string_literals;
    send("AUTH PLAIN " + base64("\0"s + user + "\0"s + work_.plan.password) + "\r\n");
  }

  void message() {
    if (sent_ == work_.plan.per_connection || work_.taken == work_.plan.messages) {
      step_ = Step::quit;
      return send("QUIT\r\n");
    }
    if (sent_++ > 0) began_ns_ = now_ns();
    number_ = work_.taken++;
    recipients_ = 0;
    step_ = Step::mail;
    send(fmt::format("MAIL FROM:<{}>\r\n", sender_));
    if (!work_.plan.pipelining) return;
    for (std::uint64_t i = 0; i < work_.plan.per_message; ++i) recipient(i);
    send("DATA\r\n");
  }

  void recipient(std::uint64_t i) {
    send(fmt::format("RCPT TO:<{}>\r\n", work_.plan.recipients.at(number_ * work_.plan.per_message + i)));
  }

  void accepted_mail() {
    step_ = Step::rcpt;
    if (!work_.plan.pipelining) recipient(0);
  }

  void accepted_rcpt() {
    if (++recipients_ == work_.plan.per_message) {
      step_ = Step::data;
      if (!work_.plan.pipelining) send("DATA\r\n");
    } else if (!work_.plan.pipelining) {
      recipient(recipients_);
    }
  }

  void body() {
    step_ = Step::body;
    send(work_.messages.make(number_, sender_));
    send(".\r\n");
  }

  void accepted() {
    work_.report.done(began_ns_);
    message();
  }

  Work& work_;
  Step step_ = Step::greeting;
  std::string sender_;
  std::uint64_t sent_ = 0;        // messages begun on this connection
  std::uint64_t number_ = 0;      // of the present message
  std::uint64_t recipients_ = 0;  // of it, accepted so far
  std::uint64_t began_ns_ = 0;
};

Plan read_plan(const Options& options) {
  const std::uint64_t users = options.number("users", 1);
  Plan plan{
      .address = {options.text("host", "127.0.0.1"), static_cast<std::uint16_t>(options.number("port", 25))},
      .messages = options.number("messages", 2000),
      .per_connection = options.number("per-connection", 1),
      .per_message = options.number("per-message", 1),
      .pipelining = !options.has("no-pipelining"),
      .senders = Pattern(options.text("from", "sender@elsewhere.test"), users),
      .recipients = Pattern(options.text("rcpt", "u%d@bench.test"), options.number("rcpts", 1)),
      .users = Pattern(options.text("user"), users),
      .password = options.text("password"),
  };
  if (options.has("starttls")) plan.security = Security::starttls;
  if (options.has("tls")) plan.security = Security::implicit;
  return plan;
}

}  // namespace

int run_smtp(const Options& options) {
  Work work{.plan = read_plan(options),
            .messages = Messages({.size = options.number("size", 10 * 1024), .key_file = options.text("sign")}),
            .report = {}};
  const std::uint64_t connections = options.number("connections", 20);
  options.finish();
  Loop loop;
  std::vector<std::unique_ptr<Session>> sessions;
  work.active = connections;
  work.report = Report();
  for (std::uint64_t i = 0; i < connections; ++i) sessions.push_back(std::make_unique<Session>(loop, work));
  for (auto& session : sessions) session->begin();
  if (!loop.run([&] { return work.active == 0; }, patience_s)) work.report.error("nothing happens any more");
  fmt::print("{}\n", work.report.json());
  return work.report.errors() == 0 ? 0 : 1;
}

}  // namespace postern::bench
