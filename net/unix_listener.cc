// SPDX-License-Identifier: Apache-2.0
#include "net/unix_listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postern::net {

namespace {

constexpr int backlog = 16;

// True when somebody accepts on this path.
bool answers(const sockaddr_un& address) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return probe && ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Result<> clear_path(const std::string& path, const sockaddr_un& address) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode))
    return fail(ErrorKind::exists, path + " exists and is no socket; remove it or choose another path");
  if (answers(address)) return fail(ErrorKind::exists, path + " belongs to a running server; stop it first");
  if (::unlink(path.c_str()) != 0) return std::unexpected(errno_error("remove " + path, errno));
  return {};
}

}  // namespace

struct UnixListener::State {
  State(std::string p, UniqueFd fd, const async::Executor& executor) : path(std::move(p)), socket(executor, fd.release()) {}
  std::string path;
  boost::asio::posix::stream_descriptor socket;
};

UnixListener::UnixListener(std::string path, UniqueFd fd, async::Executor executor)
    : state_(std::make_shared<State>(std::move(path), std::move(fd), executor)) {}

UnixListener::~UnixListener() { close(); }

Result<std::unique_ptr<UnixListener>> UnixListener::bind(std::string path, unsigned mode, async::Executor executor) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(ErrorKind::invalid, path + " is longer than a socket path may be (107)");
  path.copy(address.sun_path, path.size());
  if (auto clear = clear_path(path, address); !clear) return std::unexpected(clear.error());

  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return std::unexpected(errno_error("socket", errno));
  const auto old_mask = ::umask(0777 & ~mode);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int code = errno;
  ::umask(old_mask);
  if (bound != 0) return std::unexpected(errno_error("bind " + path, code));
  if (::listen(fd.get(), backlog) != 0) return std::unexpected(errno_error("listen on " + path, errno));
  return std::unique_ptr<UnixListener>(new UnixListener(std::move(path), std::move(fd), executor));
}

async::Task<Result<std::unique_ptr<Connection>>> UnixListener::accept() {
  const auto state = state_;
  while (state->socket.is_open()) {
    UniqueFd peer(::accept4(state->socket.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (peer) {
      co_return std::make_unique<Connection>(make_socket_stream(state->socket.get_executor(), std::move(peer)),
                                             ConnectionOptions{});
    }
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) co_return std::unexpected(errno_error("accept", errno));
    boost::system::error_code error;
    co_await state->socket.async_wait(boost::asio::posix::descriptor_base::wait_read,
                                      boost::asio::redirect_error(boost::asio::use_awaitable, error));
    if (error) break;
  }
  co_return fail(ErrorKind::closed, "the socket was closed");
}

void UnixListener::close() {
  if (!state_->socket.is_open()) return;
  boost::system::error_code ignored;
  state_->socket.close(ignored);
  ::unlink(state_->path.c_str());
}

}  // namespace postern::net
