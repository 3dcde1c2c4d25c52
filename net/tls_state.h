// SPDX-License-Identifier: Apache-2.0
// What stands behind TlsServer and TlsClient. For the .cc files of net only.
#pragma once

#include <string>
#include <vector>

#include "net/openssl.h"
#include "net/tls_context.h"

namespace postern::net {

/// One generation of a server's certificates; sessions hold the one they began with.
struct TlsServer::State {
  struct Pair {
    openssl::Context context;
    openssl::Certificate leaf;
    CertificateInfo info;
  };
  std::vector<Pair> pairs;
  std::vector<std::string> alpn;
};

struct TlsClient::State {
  openssl::Context context;
};

}  // namespace postern::net
