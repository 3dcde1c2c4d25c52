// SPDX-License-Identifier: Apache-2.0
// Sockets, TLS and buffers of a conversation.
#include "bench/load/channel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bench/load/options.h"

namespace postern::bench {

namespace {

constexpr int backlog = 4096;

sockaddr_in socket_address(const Address& address) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(address.port);
  if (inet_pton(AF_INET, address.host.c_str(), &out.sin_addr) != 1) fail("--host wants an IPv4 address");
  return out;
}

int new_socket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("no socket: " + std::string(strerror(errno)));
  return fd;
}

void no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

SSL_CTX* client_tls() {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
    // Only what is used: building the lists of all algorithms costs the generator more than the key exchange.
    SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION);
    SSL_CTX_set1_groups_list(made, "X25519");
    SSL_CTX_set1_sigalgs_list(made, "ECDSA+SHA256");
    SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return made;
  }();
  return context;
}

SSL_CTX* server_tls(const std::string& certificate, const std::string& key) {
  SSL_CTX* made = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_use_certificate_chain_file(made, certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(made, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    fail("the certificate cannot be used");
  }
  return made;
}

int listen_on(const Address& address) {
  const int fd = new_socket();
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in where = socket_address(address);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 || listen(fd, backlog) != 0) {
    fail("cannot listen: " + std::string(strerror(errno)));
  }
  return fd;
}

Channel::~Channel() {
  if (ssl_) SSL_free(ssl_);
  if (fd_ >= 0) close(fd_);
}

void Channel::connect(const Address& address, SSL_CTX* tls) {
  fd_ = new_socket();
  no_delay(fd_);
  const sockaddr_in where = socket_address(address);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 && errno != EINPROGRESS) {
    break_off("connect: " + std::string(strerror(errno)));
  }
  if (tls) start_tls(tls);
  state_ = State::connecting;
  want_write_ = true;
  loop_.add(fd_, EPOLLIN | EPOLLOUT, *this);
}

void Channel::adopt(int descriptor) {
  fd_ = descriptor;
  no_delay(fd_);
  state_ = State::connecting;
  want_write_ = true;
  loop_.add(fd_, EPOLLIN | EPOLLOUT, *this);
}

void Channel::start_tls(SSL_CTX* tls) {
  flush();
  ssl_ = SSL_new(tls);
  SSL_set_fd(ssl_, fd_);
  if (SSL_CTX_get_ssl_method(tls) == TLS_server_method()) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
  }
  state_ = State::handshake;
}

void Channel::on_event(std::uint32_t events) {
  if (state_ == State::closed) return;
  if (state_ == State::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) break_off("connect: " + std::string(strerror(error)));
    if (error == 0 && (events & EPOLLOUT) == 0) return;
    state_ = ssl_ ? State::handshake : State::open;
    if (!ssl_) on_ready();
  }
  advance();
  settle();
}

// One round: handshake, read, hand out lines, write. A STARTTLS in the midst changes the state and is gone into at once.
void Channel::advance() {
  if (state_ == State::handshake) handshake();
  if (state_ == State::open && fault_.empty()) {
    flush();
    receive();
  }
  if (state_ == State::handshake && fault_.empty()) handshake();
  if (state_ == State::open && fault_.empty()) flush();
}

void Channel::handshake() {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_);
  if (done == 1) {
    state_ = State::open;
    blocked_ = false;
    on_ready();
    return;
  }
  const int reason = SSL_get_error(ssl_, done);
  blocked_ = reason == SSL_ERROR_WANT_WRITE;
  if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) break_off("TLS handshake failed");
}

// > 0 octets, 0 nothing now, < 0 the end.
long Channel::read_some(char* to, std::size_t size) {
  if (!ssl_) {
    const ssize_t got = recv(fd_, to, size, 0);
    if (got > 0) return got;
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
  }
  ERR_clear_error();
  const int got = SSL_read(ssl_, to, static_cast<int>(size));
  if (got > 0) return got;
  return SSL_get_error(ssl_, got) == SSL_ERROR_WANT_READ ? 0 : -1;
}

void Channel::receive() {
  const std::span<char> scratch = loop_.scratch();
  while (fault_.empty() && state_ == State::open && !leaving_) {
    const long got = read_some(scratch.data(), scratch.size());
    if (got < 0) break_off("closed by the peer");
    if (got <= 0) break;
    in_.append(scratch.data(), static_cast<std::size_t>(got));
    deliver();
    if (!ssl_ && static_cast<std::size_t>(got) < scratch.size()) break;
  }
  if (in_.empty()) in_.shrink_to_fit();
}

void Channel::deliver() {
  std::size_t at = 0;
  while (!leaving_ && state_ == State::open) {
    const std::size_t end = in_.find('\n', at);
    if (end == std::string::npos) break;
    std::string_view line(in_.data() + at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    at = end + 1;
    on_line(line);
  }
  in_.erase(0, at);
}

void Channel::flush() {
  std::size_t at = 0;
  blocked_ = false;
  while (at < out_.size()) {
    long put = 0;
    if (ssl_) {
      ERR_clear_error();
      put = SSL_write(ssl_, out_.data() + at, static_cast<int>(out_.size() - at));
    } else {
      put = ::send(fd_, out_.data() + at, out_.size() - at, MSG_NOSIGNAL);
    }
    if (put <= 0) {
      blocked_ = true;  // a broken socket is told by the next read
      break;
    }
    at += static_cast<std::size_t>(put);
  }
  out_.erase(0, at);
}

void Channel::push() {
  if (state_ != State::open) return;
  flush();
  settle();
}

// After an event: end, or wait for what is needed next.
void Channel::settle() {
  if (!fault_.empty()) return end(fault_);
  if (leaving_ && out_.empty()) return end({});
  if (blocked_ != want_write_) {
    want_write_ = blocked_;
    loop_.change(fd_, want_write_ ? EPOLLIN | EPOLLOUT : EPOLLIN, *this);
  }
}

void Channel::break_off(std::string_view fault) {
  if (fault_.empty()) fault_ = fault;
}

void Channel::end(std::string_view fault) {
  const std::string reason(fault);
  if (ssl_) {
    if (reason.empty()) SSL_shutdown(ssl_);
    SSL_free(ssl_);
    ssl_ = nullptr;
  }
  close(fd_);
  fd_ = -1;
  state_ = State::closed;
  leaving_ = false;
  blocked_ = false;
  fault_.clear();
  in_.clear();
  out_.clear();
  on_end(reason);
}

}  // namespace postern::bench
