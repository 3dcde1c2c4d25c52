// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/line.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "admin/checks.h"
#include "config/parse.h"

namespace postern::admin::cli {

namespace {

Result<UniqueFd> connect_to(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) return fail(ErrorKind::invalid, path + " is too long for a socket");
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return std::unexpected(errno_error("socket", errno));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  if (errno == ECONNREFUSED || errno == ENOENT) return fail(ErrorKind::not_found, "no server is running");
  return std::unexpected(errno_error("control socket: " + path, errno));
}

}  // namespace

ControlLine::~ControlLine() {
  socket_.reset();
  if (child_ == 0) return;
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

LineResult open_line(const std::filesystem::path& config_path, const LineOpener& offline) {
  const auto loaded = config::load(config_path);
  if (!loaded) return std::unexpected(configuration_failure(config_path, loaded.error()));
  auto socket = connect_to(loaded->config.server.control());
  if (socket) return std::make_unique<ControlLine>(std::move(*socket));
  if (socket.error().kind != ErrorKind::not_found) {
    return std::unexpected(
        Failure{code_for_answer(socket.error().kind), socket.error().text + "; run this as root or as the server's user"});
  }
  if (!offline) return std::unexpected(Failure{exit_no_answer, "no server is running"});
  return offline(config_path);
}

}  // namespace postern::admin::cli
