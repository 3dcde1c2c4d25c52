// SPDX-License-Identifier: Apache-2.0
// Reading certificate chains and private keys, with errors that say what to do. For the .cc files of net only. This is the one
// place where a private key enters the process.
#pragma once

#include <vector>

#include "base/result.h"
#include "net/openssl.h"
#include "net/tls_context.h"

namespace postern::net {

struct LoadedCertificate {
  openssl::Certificate leaf;
  std::vector<openssl::Certificate> chain;  ///< without the leaf
  openssl::Key key;
  CertificateInfo info;
};

/// Errors as inspect_certificate().
Result<LoadedCertificate> load_certificate(const CertificateFiles& files);

}  // namespace postern::net
