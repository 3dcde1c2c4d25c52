// SPDX-License-Identifier: Apache-2.0
// postern_load sink: an SMTP server that accepts everything, keeps nothing and counts; the far end of the relay line and the
// yardstick that shows the ceiling of `postern_load smtp`. It ends after --messages, or on SIGTERM, with its report.
#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "bench/load/channel.h"
#include "bench/load/commands.h"
#include "bench/load/report.h"

namespace postern::bench {

namespace {

volatile sig_atomic_t stopped = 0;  // set by the signal handler only

struct Sink {
  SSL_CTX* tls = nullptr;
  Report report;
  std::uint64_t open = 0;  // sessions
};

class Session final : public Channel {
 public:
  Session(Loop& on, Sink& sink) : Channel(on), sink_(sink) { ++sink_.open; }
  ~Session() override { --sink_.open; }

 private:
  void on_ready() override {
    if (!encrypted()) send("220 sink.test ESMTP\r\n");
  }

  void on_line(std::string_view line) override {
    if (in_data_) return data(line);
    const std::string_view verb = line.substr(0, 4);
    if (verb == "EHLO") return hello();
    if (verb == "DATA") return begin_data();
    if (verb == "STAR" && sink_.tls) {
      send("220 go ahead\r\n");
      return start_tls(sink_.tls);
    }
    if (verb == "AUTH") return send("235 welcome\r\n");
    if (verb == "QUIT") {
      send("221 bye\r\n");
      return leave();
    }
    send("250 fine\r\n");
  }

  void hello() {
    send("250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 100000000\r\n");
    if (sink_.tls && !encrypted()) send("250-STARTTLS\r\n");
    send("250 AUTH PLAIN\r\n");
  }

  void begin_data() {
    in_data_ = true;
    began_ns_ = now_ns();
    send("354 go ahead\r\n");
  }

  void data(std::string_view line) {
    if (line != ".") return;
    in_data_ = false;
    sink_.report.done(began_ns_);
    send("250 thrown away\r\n");
  }

  void on_end(std::string_view) override { loop().retire(this); }

  Sink& sink_;
  bool in_data_ = false;
  std::uint64_t began_ns_ = 0;
};

class Listener final : public Handler {
 public:
  Listener(Loop& loop, Sink& sink, const Address& address) : loop_(loop), sink_(sink), fd_(listen_on(address)) {
    loop_.add(fd_, EPOLLIN, *this);
  }
  ~Listener() override { close(fd_); }

  void on_event(std::uint32_t) override {
    while (true) {
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      (new Session(loop_, sink_))->adopt(fd);  // retires itself in on_end()
    }
  }

 private:
  Loop& loop_;
  Sink& sink_;
  int fd_;
};

}  // namespace

int run_sink(const Options& options) {
  Sink sink;
  if (options.has("certificate")) sink.tls = server_tls(options.text("certificate"), options.text("key"));
  const std::uint64_t messages = options.number("messages", 0);
  const Address address{options.text("host", "127.0.0.1"), static_cast<std::uint16_t>(options.number("port", 2525))};
  options.finish();
  signal(SIGTERM, [](int) { stopped = 1; });
  signal(SIGINT, [](int) { stopped = 1; });
  Loop loop;
  const Listener listener(loop, sink, address);
  fmt::print("ready\n");
  std::fflush(stdout);
  loop.run([&] { return stopped != 0 || (messages != 0 && sink.report.count() >= messages && sink.open == 0); }, 0);
  fmt::print("{}\n", sink.report.json());
  return 0;
}

}  // namespace postern::bench
