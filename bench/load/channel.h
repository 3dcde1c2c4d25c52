// SPDX-License-Identifier: Apache-2.0
// A line-based conversation over a non-blocking TCP socket, in clear or under TLS, on one Loop. A subclass is told of lines;
// it answers with send(). After leave() or a fault on_end() is called exactly once, with the socket closed, and may connect()
// again. TCP_NODELAY is set; what one event makes is written in one go.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/load/loop.h"

namespace postern::bench {

/// Where to connect or listen: an IPv4 address and a port.
struct Address {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
};

/// A client context without verification and without resumption; a server context when given a certificate.
SSL_CTX* client_tls();
SSL_CTX* server_tls(const std::string& certificate, const std::string& key);

/// A listening socket, non-blocking.
int listen_on(const Address& address);

class Channel : public Handler {
 public:
  explicit Channel(Loop& loop) : loop_(loop) {}
  ~Channel() override;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Begins to connect; with a context TLS begins at once. on_ready() follows.
  void connect(const Address& address, SSL_CTX* tls = nullptr);
  /// Takes an accepted socket.
  void adopt(int descriptor);
  void on_event(std::uint32_t events) final;

 protected:
  /// Connected, and any TLS handshake is over (again, after start_tls).
  virtual void on_ready() = 0;
  /// One line without its line end; valid during the call only.
  virtual void on_line(std::string_view line) = 0;
  /// The conversation is over; `fault` is empty after leave().
  virtual void on_end(std::string_view fault) = 0;

  void send(std::string_view text) { out_ += text; }
  /// Writes what send() collected, when that was outside of this channel's own events.
  void push();
  /// Starts the TLS handshake in place; call it from on_line(), or before on_ready() of an accepted socket.
  void start_tls(SSL_CTX* tls);
  /// Sends what is waiting, then closes once the present event is dealt with.
  void leave() { leaving_ = true; }
  bool encrypted() const { return ssl_ != nullptr; }
  Loop& loop() { return loop_; }

 private:
  enum class State : unsigned char { closed, connecting, handshake, open };

  void advance();
  void handshake();
  void receive();
  void deliver();
  void flush();
  long read_some(char* to, std::size_t size);
  void settle();
  void end(std::string_view fault);
  void break_off(std::string_view fault);

  Loop& loop_;
  int fd_ = -1;
  SSL* ssl_ = nullptr;
  State state_ = State::closed;
  bool leaving_ = false;
  bool want_write_ = false;  // epoll has EPOLLOUT
  bool blocked_ = false;     // the last write was not taken whole
  std::string fault_;        // not empty: over
  std::string in_;
  std::string out_;
};

}  // namespace postern::bench
