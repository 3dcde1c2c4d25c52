// SPDX-License-Identifier: Apache-2.0
// Messages to send: header fields as mail programs write them and text that is different each time, so that neither
// compression nor sharing of equal bodies flatters a server. No line begins with a dot, every line ends with CRLF.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::bench {

struct Shape {
  std::uint64_t size = 10 * 1024;  ///< octets of the whole message, nearly exact
  bool mime = false;               ///< multipart/alternative in multipart/mixed with a small attachment; otherwise plain text
  std::string key_file = {};       ///< not empty: DKIM signatures; then there are only so many different messages
};

class Messages {
 public:
  explicit Messages(Shape shape);
  /// The n-th message; its From field names this address.
  std::string make(std::uint64_t n, std::string_view from = "sender@elsewhere.test") const;

 private:
  std::string compose(std::uint64_t n, std::string_view from) const;
  std::string fields(std::uint64_t n, std::string_view from) const;
  std::string body(std::uint64_t n, std::size_t size) const;
  std::string multipart(std::uint64_t n, std::size_t size) const;

  Shape shape_;
  std::string corpus_;  // lines of words
  std::vector<std::string> signed_;
};

}  // namespace postern::bench
