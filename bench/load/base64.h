// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648 §4) of a short text, for AUTH PLAIN.
#pragma once

#include <openssl/evp.h>

#include <string>
#include <string_view>

namespace postern::bench {

/// One line, padded.
inline std::string base64(std::string_view text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

}  // namespace postern::bench
