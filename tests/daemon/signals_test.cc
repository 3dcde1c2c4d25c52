// SPDX-License-Identifier: Apache-2.0
#include "daemon/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/folder.h"

namespace postern::daemon {
namespace {

TEST(Signals, AreTakenOneAtATime) {
  block_signals();
  ::kill(::getpid(), SIGHUP);
  EXPECT_EQ(wait_for_signal(), Signal::reload);
  ::kill(::getpid(), SIGINT);
  EXPECT_EQ(wait_for_signal(), Signal::stop);
  request_stop_by_signal();
  EXPECT_EQ(wait_for_signal(), Signal::stop);
}

/// What systemd's socket would get from a notifier, with this value of NOTIFY_SOCKET.
std::string told(const sockaddr_un& address, socklen_t length, const std::string& variable) {
  const UniqueFd systemd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(systemd.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  ::setenv("NOTIFY_SOCKET", variable.c_str(), 1);
  SystemdNotifier().tell("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
  char buffer[64];
  const auto got = ::recv(systemd.get(), buffer, sizeof buffer, 0);
  return got < 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(got));
}

TEST(Systemd, IsToldByPathAndByAbstractName) {
  const test::Folder folder;
  const std::string path = folder / "notify";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  EXPECT_EQ(told(address, sizeof address, path), "READY=1");

  const std::string name = "postern-test-" + std::to_string(::getpid());
  sockaddr_un abstract{};
  abstract.sun_family = AF_UNIX;
  name.copy(abstract.sun_path + 1, name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  EXPECT_EQ(told(abstract, length, "@" + name), "READY=1");
}

TEST(Systemd, AbsentOrUnreachableIsNoTrouble) {
  for (const std::string& value : {std::string(), std::string("/nonexistent/notify"), std::string(300, 'x')}) {
    ::setenv("NOTIFY_SOCKET", value.c_str(), 1);
    SystemdNotifier().tell("READY=1");
  }
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace postern::daemon
