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

/// A fresh folder below the system's temporary folder, removed with its content when it goes.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace postern::test
