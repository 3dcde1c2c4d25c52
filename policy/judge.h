// SPDX-License-Identifier: Apache-2.0
// judge: runs the gate's rules over a message and says what to do, with a reason for each rule (product.md promise 5).
// The order of all rules can be read in judge.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mail/envelope.h"
#include "mail/status.h"

namespace postern::policy {

enum class Direction : unsigned char { inbound, submitted };

/// What the rules see. Views are valid during the call.
struct Evidence {
  Direction direction = Direction::inbound;
  std::string_view ip;  ///< peer address
  std::string_view helo;
  const mail::Envelope* envelope = nullptr;
  std::string_view header;  ///< header block as received, with the empty line
  std::size_t received_hops_max = 100;
  std::string_view own_hostname;
};

struct Reason {
  std::string_view rule;  ///< stable name, "hops"
  enum class Finding : unsigned char { pass, note, refuse } finding = Finding::pass;
  std::string text;
};

struct Verdict {
  bool accept = true;
  mail::Status status;  ///< the reply when not accepted
  std::vector<Reason> reasons;
};

Verdict judge(const Evidence& evidence);

}  // namespace postern::policy
