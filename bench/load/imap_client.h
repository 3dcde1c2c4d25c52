// SPDX-License-Identifier: Apache-2.0
// A blocking IMAP client over TLS that only wants to know when a command is over and how much came: it skips literals
// (RFC 3501 §4.3) and looks for the tagged line. Needs LITERAL+ (RFC 7888) of the server for messages. A fault ends the
// program.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/load/channel.h"

namespace postern::bench {

struct Outcome {
  double ms = 0;
  std::uint64_t octets = 0;  ///< received
  std::string status;        ///< the tagged line without its tag
  std::string last;          ///< the last untagged line, cut to a few hundred octets
  bool ok() const { return status.starts_with("OK"); }
};

class ImapClient {
 public:
  ImapClient(const Address& address, const std::string& user, const std::string& password);
  ~ImapClient();
  ImapClient(const ImapClient&) = delete;
  ImapClient& operator=(const ImapClient&) = delete;

  /// Sends the command (without tag and line end, literals in it as {n+}) and waits for its end.
  Outcome command(std::string_view text);
  /// As command(), ending the program when the server refuses.
  Outcome must(std::string_view text);
  /// Waits for the next untagged line that holds `needle`.
  void wait_for_line(std::string_view needle);
  /// Writes text as it is.
  void write(std::string_view text);

 private:
  std::string line();
  void refill();

  int fd_;
  SSL* ssl_ = nullptr;
  std::string buffer_;
  std::size_t at_ = 0;
  std::uint64_t tag_ = 0;
  std::uint64_t octets_ = 0;
};

}  // namespace postern::bench
