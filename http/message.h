// SPDX-License-Identifier: Apache-2.0
// Request and Response: HTTP messages as plain values, whole in memory. What they may hold is bounded by who reads them.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "net/ip_address.h"

namespace postern::http {

/// Header names compare without regard to case; repeated fields are joined with ", " (RFC 9110 §5.2).
using Headers = std::map<std::string, std::string, ascii::ILess>;

struct Request {
  std::string method;  ///< "GET", "POST" …
  std::string path;    ///< percent-decoded, begins with '/', without "." and ".." segments, control characters and backslashes
  std::string query;   ///< as sent, without '?'
  std::string host;    ///< Host without port, lower case
  Headers headers;
  std::string body;
  net::Endpoint peer;
  bool secure = false;  ///< came over TLS

  /// A header's value, or "".
  std::string_view header(std::string_view name) const;
};

struct Response {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";  ///< Content-Type; "" with an empty body
  std::string body;
  Headers headers;  ///< besides Content-Type, Content-Length, Connection and the server's safety headers

  std::string_view header(std::string_view name) const;
};

/// A short plain-text answer: "404 Not Found" and the like.
Response plain_response(unsigned status, std::string text);

}  // namespace postern::http
