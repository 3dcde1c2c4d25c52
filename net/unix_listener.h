// SPDX-License-Identifier: Apache-2.0
// UnixListener: a listening Unix stream socket for the machine's own admin, with a file mode that says who may connect.
#pragma once

#include <memory>
#include <string>

#include "async/task.h"
#include "base/file.h"
#include "net/connection.h"

namespace postern::net {

class UnixListener {
 public:
  /// Binds with this mode. A file left by a dead server is replaced; one that answers is an error (exists), as is a path that
  /// is no socket. The path may have at most 107 octets.
  static Result<std::unique_ptr<UnixListener>> bind(std::string path, unsigned mode, async::Executor executor);
  ~UnixListener();
  UnixListener(const UnixListener&) = delete;

  /// The next peer. Error closed after close().
  async::Task<Result<std::unique_ptr<Connection>>> accept();
  /// No further peers; removes the file. On the listener's executor.
  void close();

 private:
  UnixListener(std::string path, UniqueFd fd, async::Executor executor);
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace postern::net
