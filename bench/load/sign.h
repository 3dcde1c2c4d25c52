// SPDX-License-Identifier: Apache-2.0
// A DKIM signature of our own making, so that the servers under load have something to verify: rsa-sha256, simple/simple.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace postern::bench {

class Signer {
 public:
  /// `key_file`: RSA key, PEM. Signs for elsewhere.test with the selector "bench". Throws std::runtime_error.
  explicit Signer(const std::string& key_file);
  ~Signer();
  /// The message with a DKIM-Signature on top. Its fields are one line each, its body ends with CRLF. RFC 6376 §3.4.1, §3.4.3,
  /// §3.7
  std::string sign(const std::string& message) const;

 private:
  struct Key;
  std::unique_ptr<Key> key_;
};

}  // namespace postern::bench
