// SPDX-License-Identifier: Apache-2.0
// Listening descriptors: bound by us, or handed over by systemd.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/cursor.h"
#include "net/listener.h"
#include "net/socket_address.h"

namespace postern::net {

namespace {

constexpr int backlog = 1024;
/// sd_listen_fds(3): the first descriptor that systemd passes.
constexpr int first_inherited = 3;

/// What failed, and what the admin can do about it.
Error explain(const Endpoint& endpoint, int code) {
  const std::string where = to_string(endpoint);
  switch (code) {
    case EADDRINUSE:
      return {ErrorKind::exists,
              fmt::format("{} is in use by another program: stop it (ss -ltnp names it) or choose another port", where)};
    case EACCES:
    case EPERM:
      return {ErrorKind::denied,
              fmt::format("no right to listen on {}: start as root, by systemd socket, or with CAP_NET_BIND_SERVICE", where)};
    case EADDRNOTAVAIL:
      return {ErrorKind::not_found, fmt::format("{} is not an address of this machine: correct it or use 0.0.0.0 or ::", where)};
    default: return errno_error("cannot listen on " + where, code);
  }
}

unsigned long environment_number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return 0;
  return Cursor(text).take_number(INT_MAX).value_or(0);
}

}  // namespace

Result<ListenSocket> listen_on(const Endpoint& endpoint) {
  const int family = endpoint.address.is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return std::unexpected(explain(endpoint, errno));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const SocketAddress address = to_socket_address(endpoint);
  if (::bind(fd.get(), address.get(), address.length) != 0 || ::listen(fd.get(), backlog) != 0)
    return std::unexpected(explain(endpoint, errno));
  const Endpoint bound = local_endpoint(fd.get());
  return ListenSocket{std::move(fd), bound};
}

Result<std::vector<ListenSocket>> inherited_sockets(std::string_view name) {
  std::vector<ListenSocket> sockets;
  if (environment_number("LISTEN_PID") != static_cast<unsigned long>(::getpid())) return sockets;
  const char* names = std::getenv("LISTEN_FDNAMES");
  Cursor in(names != nullptr ? names : "");
  const int count = static_cast<int>(environment_number("LISTEN_FDS"));
  for (int i = 0; i < count; ++i) {
    const std::string_view its_name = in.take_until(':');
    in.take(':');
    if (its_name != name) continue;
    UniqueFd fd(first_inherited + i);
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags < 0) return std::unexpected(errno_error(fmt::format("socket {} from systemd", name), errno));
    ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK);
    ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
    const Endpoint endpoint = local_endpoint(fd.get());
    sockets.push_back({std::move(fd), endpoint});
  }
  return sockets;
}

}  // namespace postern::net
