// SPDX-License-Identifier: Apache-2.0
// The SOCKS5 proxy of a [[route]]: whether a hop leads through one, and a connection through it.
#pragma once

#include <chrono>
#include <memory>

#include "async/task.h"
#include "base/result.h"
#include "net/connection.h"
#include "net/dial.h"
#include "outbound/route.h"

namespace postern::outbound {

/// The route whose proxy this hop goes through, its fallback too; null: it goes directly.
const config::Route* proxy_of(const Hop& hop);
/// Whether the proxy is given the host's name, so that nobody here looks it up.
bool proxy_looks_up(const Hop& hop);

/// A connection to `to` through the hop's proxy; to the hop's name when the proxy looks it up. Errors: as net::dial and
/// net::socks_connect, and denied or io (of the password's file). The texts name the proxy.
async::Task<Result<std::unique_ptr<net::Connection>>> dial_through_proxy(Router& router, Hop hop, net::Endpoint to,
                                                                         std::shared_ptr<const config::Config> config,
                                                                         net::DialOptions options);

}  // namespace postern::outbound
