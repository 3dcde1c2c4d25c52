// SPDX-License-Identifier: Apache-2.0
// DANE for SMTP (RFC 7672): what the TLSA records of a mail server demand. They count only when DNSSEC has proven everything on
// the way to them: the MX records, the host's addresses and the TLSA records themselves.
#pragma once

#include "async/task.h"
#include "dns/resolver.h"
#include "outbound/route.h"
#include "outbound/tls_policy.h"

namespace postern::outbound {

/// Most TLSA records of one host that are looked at.
inline constexpr std::size_t max_tlsa = 20;

struct DaneFinding {
  enum class State : std::uint8_t {
    none,     ///< no DANE here: nothing secure, or no records
    encrypt,  ///< records that none can use (RFC 7672 §2.2): TLS is demanded, its certificate is not looked at
    match,    ///< the certificate must match one of `records`
    trouble   ///< DNS has no answer that may be trusted: the host must not be used now
  };
  State state = State::none;
  std::vector<net::TlsaRecord> records;
  std::string why;   ///< for people
  std::string base;  ///< the TLSA base domain: the name that has the records
};

/// For a host found by MX or directly; others have no records to find.
async::Task<DaneFinding> find_dane(dns::Resolver& resolver, Hop hop);

/// Raises the demand to what was found. Never lowers it; an admin's own demand of a verified certificate stays.
void add_dane(const DaneFinding& found, const Hop& hop, TlsDemand& demand);

}  // namespace postern::outbound
