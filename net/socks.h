// SPDX-License-Identifier: Apache-2.0
// SOCKS5 (RFC 1928) with user name and password (RFC 1929), client side: asks a proxy to connect for us. Only CONNECT. What the
// proxy says is bounded: at most 262 octets for each of its answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "async/task.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/connection.h"

namespace postern::net {

/// Where the proxy shall connect to.
struct SocksTarget {
  std::string host;                  ///< a name for the proxy to look up; used when there is no address
  std::optional<IpAddress> address;  ///< what we looked up ourselves
  std::uint16_t port = 25;
};

struct SocksLogin {
  std::string user;  ///< 1 to 255 octets
  Secret password;   ///< the same
};

/// Over a fresh connection to the proxy. Afterwards the connection is the one to the target. Errors: invalid (what we would say
/// does not fit, or the proxy does not speak SOCKS5), denied (login or target refused), unavailable (the proxy could not connect,
/// in its words), those of the connection.
async::Task<Result<>> socks_connect(Connection& proxy, SocksTarget target, std::optional<SocksLogin> login);

}  // namespace postern::net
