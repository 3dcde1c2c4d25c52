// SPDX-License-Identifier: Apache-2.0
#include "daemon/signals.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

namespace postern::daemon {

namespace {

sigset_t handled() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void block_signals() {
  const auto set = handled();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Signal wait_for_signal() {
  const auto set = handled();
  int number = 0;
  if (::sigwait(&set, &number) != 0) return Signal::none;
  return number == SIGHUP ? Signal::reload : Signal::stop;
}

void request_stop_by_signal() { ::kill(::getpid(), SIGTERM); }

SystemdNotifier::SystemdNotifier() {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  const std::size_t size = path ? std::strlen(path) : 0;
  if (size == 0 || size >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, size);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // the abstract name space
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
  if (fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0) socket_ = std::move(fd);
}

void SystemdNotifier::tell(std::string_view state) const {
  if (socket_) ::send(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL);
}

}  // namespace postern::daemon
