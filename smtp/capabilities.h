// SPDX-License-Identifier: Apache-2.0
// What EHLO announces, as data. The same Offer decides which parameters and commands are taken, so nothing is announced that
// does not work and nothing works that is not announced.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/grammar.h"

namespace postern::smtp {

struct Offer {
  bool starttls = false;
  std::vector<std::string> auth;    ///< mechanisms, strongest first; empty: AUTH is not announced
  std::uint64_t message_bytes = 0;  ///< SIZE
  bool require_tls = false;         ///< only inside of TLS (RFC 8689 §2)
  unsigned recipients = 0;          ///< LIMITS RCPTMAX
  unsigned messages = 0;            ///< LIMITS MAILMAX
  std::int64_t now = 0;             ///< time of the offer, for the next two
  std::int64_t hold_seconds = 0;    ///< longest hold of FUTURERELEASE; 0: it is not announced

  /// Parameters of MAIL and RCPT that go with it. All false for a client that said HELO.
  ParameterSet parameters(bool esmtp) const;
};

/// The text of the reply to EHLO: our name, then one keyword line each, separated by '\n'.
std::string announce(std::string_view hostname, const Offer& offer);

}  // namespace postern::smtp
