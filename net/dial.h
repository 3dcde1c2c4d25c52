// SPDX-License-Identifier: Apache-2.0
// dial: opens a TCP connection to an address that the caller has already chosen and checked. It never resolves names.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "async/task.h"
#include "base/result.h"
#include "net/connection.h"
#include "net/ip_address.h"

namespace postern::net {

struct DialOptions {
  std::chrono::milliseconds connect_timeout{std::chrono::seconds(30)};  ///< security.md §1.6
  std::chrono::milliseconds timeout{std::chrono::minutes(5)};           ///< first operation timeout of the Connection
  std::optional<IpAddress> source;                                      ///< local address to send from
};

/// Connects on the executor of the calling coroutine. Errors: timeout, unavailable (refused, unreachable, reset), denied (the
/// source address is not ours), each with the address in the text.
async::Task<Result<std::unique_ptr<Connection>>> dial(Endpoint to, DialOptions options = {});

/// Connects to a Unix stream socket: for the admin's command line. Errors: not_found, denied, unavailable.
async::Task<Result<std::unique_ptr<Connection>>> dial_unix(std::string path, DialOptions options = {});

}  // namespace postern::net
