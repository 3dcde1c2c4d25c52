// SPDX-License-Identifier: Apache-2.0
// Url: the absolute http and https URLs that we fetch, and the paths that we serve. RFC 3986 by Boost.URL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postern::http {

struct Url {
  bool https = true;
  std::string host;  ///< lower case; an IPv6 address without brackets
  std::uint16_t port = 443;
  std::string target = "/";  ///< path and query as they go into the request line
};

/// Only http and https, with a host, without user information and fragment. At most 2,048 octets. Error: invalid.
Result<Url> parse_url(std::string_view text);

/// What a request line asks for.
struct Target {
  std::string path;   ///< decoded, see Request::path
  std::string query;  ///< as sent
};

/// Origin form (RFC 9112 §3.2.1). Error invalid for anything that could mean another directory: "." and ".." segments, encoded
/// slashes, backslashes, control characters (security.md D106).
Result<Target> parse_target(std::string_view text);

}  // namespace postern::http
