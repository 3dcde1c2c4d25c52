// SPDX-License-Identifier: Apache-2.0
// SocketStream: a plain socket. The system call comes first; the reactor is asked only after EAGAIN.
#include "net/stream.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

namespace postern::net {

namespace asio = boost::asio;

namespace {

class SocketStream final : public Stream {
 public:
  SocketStream(const async::Executor& executor, int fd) : descriptor_(executor, fd) {}

  IoAttempt try_read(std::span<char> into) override {
    const ssize_t got = retry([&] { return ::recv(fd(), into.data(), into.size(), 0); });
    if (got > 0) return {IoState::done, static_cast<std::size_t>(got)};
    if (got == 0) return {IoState::end};
    return failure(IoState::want_read);
  }

  IoAttempt try_write(std::string_view bytes) override {
    const ssize_t put = retry([&] { return ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL); });
    if (put >= 0) return {IoState::done, static_cast<std::size_t>(put)};
    return failure(IoState::want_write);
  }

  async::Task<bool> wait(IoState want) override {
    using Descriptor = asio::posix::descriptor_base;
    const auto [code] = co_await descriptor_.async_wait(
        want == IoState::want_write ? Descriptor::wait_write : Descriptor::wait_read, asio::as_tuple(asio::use_awaitable));
    co_return !code;
  }

  void interrupt() override {
    boost::system::error_code ignored;
    descriptor_.cancel(ignored);
  }
  void end_output() override { ::shutdown(fd(), SHUT_WR); }
  std::string last_error() const override { return std::strerror(error_); }
  int descriptor() const override { return const_cast<SocketStream*>(this)->fd(); }
  async::Executor executor() const override { return const_cast<SocketStream*>(this)->descriptor_.get_executor(); }

 private:
  int fd() { return descriptor_.native_handle(); }

  template <class Call>
  static ssize_t retry(Call call) {
    ssize_t result = call();
    while (result < 0 && errno == EINTR) result = call();
    return result;
  }

  /// errno after a call that failed, as an attempt.
  IoAttempt failure(IoState would_block) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {would_block};
    error_ = errno;
    return {IoState::failed};
  }

  asio::posix::stream_descriptor descriptor_;
  int error_ = 0;
};

}  // namespace

std::unique_ptr<Stream> make_socket_stream(const async::Executor& executor, UniqueFd socket) {
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // fails on Unix sockets, where it is not needed
  ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
  auto stream = std::make_unique<SocketStream>(executor, socket.get());
  socket.release();
  return stream;
}

}  // namespace postern::net
