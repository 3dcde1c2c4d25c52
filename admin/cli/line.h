// SPDX-License-Identifier: Apache-2.0
// ControlLine: a stream on which the control protocol is spoken, for commands that converse (import, export). At the other end is
// the running server or, when there is none, a process of ours that has become the server's user and opened the store. So this
// process keeps the rights of its caller, and with them reads and writes the caller's files.
#pragma once

#include <sys/types.h>

#include <expected>
#include <filesystem>
#include <functional>
#include <memory>

#include "admin/exit_code.h"
#include "base/file.h"

namespace postern::admin::cli {

class ControlLine {
 public:
  explicit ControlLine(UniqueFd socket, pid_t child = 0) : socket_(std::move(socket)), child_(child) {}
  ControlLine(const ControlLine&) = delete;
  /// Hangs up and waits until a process of ours has closed the store.
  ~ControlLine();
  /// The connected stream; call once.
  UniqueFd take() { return std::move(socket_); }
  bool offline() const { return child_ != 0; }

 private:
  UniqueFd socket_;
  pid_t child_;
};

using LineResult = std::expected<std::unique_ptr<ControlLine>, Failure>;
/// Starts the process for the time without a server. Its first answer says whether it could open the store.
using LineOpener = std::function<LineResult(const std::filesystem::path& config_path)>;

/// Connects to the running server, else to what `offline` starts.
LineResult open_line(const std::filesystem::path& config_path, const LineOpener& offline);

}  // namespace postern::admin::cli
