// SPDX-License-Identifier: Apache-2.0
// StsServer: an HTTPS server on loopback that has MTA-STS policies, one page for all names.
#pragma once

#include "tests/outbound/https_server.h"

namespace postern::test {

class StsServer {
 public:
  explicit StsServer(std::vector<std::string> names = {"mta-sts.example.net"}) : server_(std::move(names), router()) {}
  std::uint16_t port() const { return server_.port(); }
  const std::string& certificate() const { return server_.certificate(); }

  // Read by the server's thread while a fetch is under way, changed only between fetches.
  http::Response page;
  std::atomic<int> fetches = 0;

 private:
  http::Router router() {
    http::Router out;
    out.add("GET", "/.well-known/mta-sts.txt", [this](const http::Request&) { return answer(); });
    return out;
  }
  async::Task<http::Response> answer() {
    ++fetches;
    co_return page;
  }

  HttpsServer server_;  // last: its thread uses the rest
};

}  // namespace postern::test
