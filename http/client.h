// SPDX-License-Identifier: Apache-2.0
// fetch: one HTTP request to addresses that the caller has resolved and checked. TLS is verified for https, redirects are
// answers like any other and never followed, size and time are limited (security.md D55).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "async/task.h"
#include "http/url.h"
#include "http/wire.h"
#include "net/ip_address.h"
#include "net/tls_context.h"

namespace postern::http {

struct Fetch {
  Url url;
  std::vector<IpAddress> addresses;  ///< tried in order until one connects
  std::string method = "GET";
  Headers headers;
  std::string body;
  MessageLimits limits;                                            ///< of the response; body 64 KiB
  std::chrono::milliseconds time_limit{std::chrono::seconds(60)};  ///< for everything
};

/// Errors: unavailable, timeout (connecting or answering), denied and invalid (TLS; not HTTP), too_large and limit (response).
async::Task<Result<Response>> fetch(Fetch what, const net::TlsClient& tls);

}  // namespace postern::http
