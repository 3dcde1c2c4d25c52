// SPDX-License-Identifier: Apache-2.0
// dial: connect() on a non-blocking socket, then one wait with a deadline.
#include "net/dial.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "async/deadline.h"
#include "async/executor.h"
#include "net/socket_address.h"

namespace postern::net {

namespace {

/// A socket whose connect() has begun.
struct Dialling {
  std::unique_ptr<Stream> stream;
  std::string name;  ///< for errors
  bool connected = false;
};

Error explain(const std::string& name, int code) {
  const std::string text = fmt::format("connect to {}: {}", name, std::strerror(code));
  switch (code) {
    case ENOENT: return {ErrorKind::not_found, text};
    case EACCES:
    case EPERM: return {ErrorKind::denied, text};
    case ETIMEDOUT: return {ErrorKind::timeout, text};
    default: return {ErrorKind::unavailable, text};
  }
}

Result<Dialling> begin(const async::Executor& executor, UniqueFd fd, const SocketAddress& address, std::string name) {
  if (!fd) return std::unexpected(explain(name, errno));
  const bool connected = ::connect(fd.get(), address.get(), address.length) == 0;
  if (!connected && errno != EINPROGRESS) return std::unexpected(explain(name, errno));
  return Dialling{make_socket_stream(executor, std::move(fd)), std::move(name), connected};
}

/// Waits until the connection stands, fails, or the time is over.
async::Task<Result<std::unique_ptr<Stream>>> finish(Dialling dialling, std::chrono::milliseconds limit) {
  Stream& stream = *dialling.stream;
  bool expired = false;
  async::Deadline deadline(stream.executor(), [&expired, &stream] {
    expired = true;
    stream.interrupt();
  });
  deadline.set(std::chrono::steady_clock::now() + limit);
  if (!dialling.connected) co_await stream.wait(IoState::want_write);
  if (expired) co_return fail(ErrorKind::timeout, fmt::format("connect to {}: no answer in time", dialling.name));
  int code = 0;
  socklen_t length = sizeof code;
  ::getsockopt(stream.descriptor(), SOL_SOCKET, SO_ERROR, &code, &length);
  if (code != 0) co_return std::unexpected(explain(dialling.name, code));
  co_return std::move(dialling.stream);
}

Result<void> bind_source(const UniqueFd& fd, const std::optional<IpAddress>& source) {
  if (!source || !fd) return {};
  const SocketAddress address = to_socket_address({*source, 0});
  if (::bind(fd.get(), address.get(), address.length) == 0) return {};
  return fail(ErrorKind::denied, fmt::format("cannot send from {}: {}", source->to_string(), std::strerror(errno)));
}

}  // namespace

async::Task<Result<std::unique_ptr<Connection>>> dial(Endpoint to, DialOptions options) {
  const async::Executor executor = co_await async::this_executor();
  UniqueFd fd(::socket(to.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (auto bound = bind_source(fd, options.source); !bound) co_return std::unexpected(bound.error());
  auto begun = begin(executor, std::move(fd), to_socket_address(to), to_string(to));
  if (!begun) co_return std::unexpected(begun.error());
  auto stream = co_await finish(std::move(*begun), options.connect_timeout);
  if (!stream) co_return std::unexpected(stream.error());
  ConnectionOptions connection;
  connection.local = local_endpoint((*stream)->descriptor());
  connection.peer = to;
  connection.timeout = options.timeout;
  co_return std::make_unique<Connection>(std::move(*stream), connection);
}

async::Task<Result<std::unique_ptr<Connection>>> dial_unix(std::string path, DialOptions options) {
  const async::Executor executor = co_await async::this_executor();
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) co_return fail(ErrorKind::invalid, "the socket's path is too long: " + path);
  std::memcpy(name.sun_path, path.data(), path.size());
  SocketAddress address;
  std::memcpy(&address.storage, &name, sizeof name);
  address.length = sizeof name;
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  auto begun = begin(executor, std::move(fd), address, path);
  if (!begun) co_return std::unexpected(begun.error());
  auto stream = co_await finish(std::move(*begun), options.connect_timeout);
  if (!stream) co_return std::unexpected(stream.error());
  ConnectionOptions connection;
  connection.timeout = options.timeout;
  co_return std::make_unique<Connection>(std::move(*stream), connection);
}

}  // namespace postern::net
