// SPDX-License-Identifier: Apache-2.0
// The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt), without I/O: how a trusted proxy in front of us names
// the real client. Only to be used on connections from proxies that the configuration names.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "async/task.h"
#include "base/result.h"
#include "net/connection.h"
#include "net/ip_address.h"

namespace postern::net {

struct ProxyHeader {
  std::size_t length = 0;          ///< octets of the header, to be consumed
  std::optional<Endpoint> source;  ///< the client; nothing for LOCAL and UNKNOWN: the connection's own address stands
  std::optional<Endpoint> target;
};

/// Nothing when more octets are needed. Error invalid when this is no PROXY header: close then.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view octets);

/// Reads the header from the connection's start and sets its peer. Errors: as Connection::fill(), and invalid.
async::Task<Result<void>> read_proxy_header(Connection& connection);

}  // namespace postern::net
