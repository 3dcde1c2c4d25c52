// SPDX-License-Identifier: Apache-2.0
// Certificates made by the test itself: EC P-256, self-signed, in a temporary folder.
#pragma once

#include <string>
#include <vector>

#include "net/tls_context.h"

namespace postern::test {

struct CertificateOptions {
  std::vector<std::string> names{"mail.example.org"};
  long valid_from_seconds = -3600;  ///< relative to now
  long valid_until_seconds = 30 * 86400;
};

/// Writes NAME.pem and NAME.key below `folder` and gives their paths. A self-signed certificate is its own CA file.
net::CertificateFiles make_certificate(const std::string& folder, const std::string& name,
                                       const CertificateOptions& options = {});

}  // namespace postern::test
