// SPDX-License-Identifier: Apache-2.0
// SPF (RFC 7208): may this client send for this domain? check_spf is check_host() of §4; the caller asks for HELO and for
// MAIL FROM. The work is bounded by the limits of §4.6.4, whatever the records say: no chain or loop of them costs more.
#pragma once

#include <string>

#include "async/task.h"
#include "base/clock.h"
#include "base/ip_address.h"
#include "dns/resolver.h"
#include "policy/spf_record.h"

namespace postern::policy {

/// RFC 7208 §4.6.4.
struct SpfLimits {
  unsigned lookups = 10;  ///< terms that ask the DNS
  unsigned voids = 2;     ///< answers without a record
  unsigned names = 10;    ///< hosts of one MX or PTR answer
};

struct SpfQuery {
  IpAddress ip;
  std::string domain;  ///< to be checked: of MAIL FROM or the HELO name, canonical ASCII
  std::string local;   ///< local part of MAIL FROM; empty: "postmaster" (RFC 7208 §4.3)
  std::string helo;
  std::string receiver;  ///< our name, for explanations
  UnixTime now = 0;
  SpfLimits limits;
};

struct SpfResult {
  SpfCode code = SpfCode::none;
  std::string domain;       ///< as asked
  std::string mechanism;    ///< the term that matched, "-all"; empty when none did
  std::string problem;      ///< of none, temperror and permerror: why
  std::string explanation;  ///< of fail: what the domain's owner says, printable ASCII; usually empty
  unsigned lookups = 0;     ///< terms that asked the DNS
};

/// Never fails: what goes wrong is a code. The resolver lives until it ends.
async::Task<SpfResult> check_spf(dns::Resolver& resolver, SpfQuery query);

}  // namespace postern::policy
