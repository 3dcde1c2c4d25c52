// SPDX-License-Identifier: Apache-2.0
// postern_load notify: one session in IDLE, one SMTP connection that sends to it, one message at a time. A unit is a message;
// its latency runs from the last octet of the message to EXISTS in the IDLE session.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "bench/load/commands.h"
#include "bench/load/imap_client.h"
#include "bench/load/report.h"
#include "bench/load/text.h"

namespace postern::bench {

namespace {

constexpr timespec between{.tv_sec = 0, .tv_nsec = 20'000'000};

/// A blocking SMTP client that awaits one reply line for each command.
class Sender {
 public:
  explicit Sender(const Address& address) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(address.port);
    inet_pton(AF_INET, address.host.c_str(), &where.sin_addr);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) fail("the SMTP server is not there");
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    reply();
    ask("HELO load.bench.test\r\n");
  }
  ~Sender() { close(fd_); }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  void write(std::string_view text) {
    if (::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) fail("the SMTP server hung up");
  }

  void reply() {
    std::array<char, 1024> text{};
    const ssize_t got = recv(fd_, text.data(), text.size(), 0);
    if (got < 1 || text[0] > '3')
      fail(fmt::format("SMTP: {}", std::string_view(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0)));
  }

  void ask(std::string_view command) {
    write(command);
    reply();
  }

 private:
  int fd_;
};

}  // namespace

int run_notify(const Options& options) {
  const std::string host = options.text("host", "127.0.0.1");
  const std::string user = options.text("user", "u0@bench.test");
  const std::uint64_t messages = options.number("messages", 100);
  const Messages text({.size = options.number("size", 10 * 1024)});
  ImapClient reader({host, static_cast<std::uint16_t>(options.number("port", 993))}, user, options.text("password"));
  Sender sender({host, static_cast<std::uint16_t>(options.number("smtp-port", 25))});
  options.finish();
  reader.must("SELECT INBOX");
  reader.write("i IDLE\r\n");
  reader.wait_for_line("+");
  Report report;
  for (std::uint64_t i = 0; i < messages; ++i) {
    nanosleep(&between, nullptr);
    sender.ask("MAIL FROM:<sender@elsewhere.test>\r\n");
    sender.ask(fmt::format("RCPT TO:<{}>\r\n", user));
    sender.ask("DATA\r\n");
    const std::uint64_t began = now_ns();
    sender.write(text.make(i) + ".\r\n");
    reader.wait_for_line("EXISTS");
    report.done(began);
    sender.reply();
  }
  fmt::print("{}\n", report.json());
  return 0;
}

}  // namespace postern::bench
