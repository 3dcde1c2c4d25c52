// SPDX-License-Identifier: Apache-2.0
// Capabilities: what a server offered in its answer to EHLO (RFC 5321 §4.1.1.1). A plain value; unknown keywords are skipped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "outbound/reply_parser.h"

namespace postern::outbound {

struct Capabilities {
  bool esmtp = false;  ///< EHLO was answered; false after HELO
  bool pipelining = false;
  bool eight_bit_mime = false;
  bool smtputf8 = false;
  bool starttls = false;
  bool dsn = false;
  bool require_tls = false;
  std::optional<std::uint64_t> size;      ///< SIZE was offered; 0 when without a limit (RFC 1870 §4)
  std::optional<std::uint64_t> rcpt_max;  ///< LIMITS RCPTMAX (RFC 9422)
  std::optional<std::uint64_t> mail_max;  ///< LIMITS MAILMAX
  std::vector<std::string> auth;          ///< SASL mechanisms in capitals
};

/// The first line of the reply is the greeting and is skipped.
Capabilities read_capabilities(const Reply& ehlo);

}  // namespace postern::outbound
