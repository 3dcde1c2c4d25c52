// SPDX-License-Identifier: Apache-2.0
// What TLS a connection to a host must have, as the configuration and the message say; what a recipient's domain publishes is
// added by outbound/dane.h. security.md D65: where TLS is required there is no way back to clear text.
#pragma once

#include <memory>
#include <string>

#include "async/task.h"
#include "config/config.h"
#include "net/tls_context.h"
#include "outbound/route.h"

namespace postern::outbound {

struct TlsDemand {
  enum class Level : std::uint8_t {
    off,            ///< never STARTTLS
    opportunistic,  ///< when offered; clear text when the handshake fails
    required        ///< or no delivery
  };
  Level level = Level::opportunistic;
  net::TlsClientPolicy peer;
  std::string why;         ///< whose demand it is, for people
  std::string trouble;     ///< the host must not be used now, and why; empty: it may
  bool hopeless = false;   ///< `trouble` will not pass
  bool mx_proven = false;  ///< something proves that the recipient's domain names this host
};

/// The recipient's domain has led to the host, by its MX records or its own address, and nobody of ours.
bool is_found_by_domain(const Hop& hop);

/// Whether the records of the recipient's domain may still raise this demand.
bool wants_dane(const TlsDemand& demand, const config::Config& config);

/// For one host. `require_tls`: the message demands REQUIRETLS (RFC 8689), so the certificate must be verified too.
async::Task<TlsDemand> tls_demand(Hop hop, bool require_tls, std::shared_ptr<const config::Config> config);

/// Names the demand within one host, so that a connection made under one is not used under another.
std::string to_string(const TlsDemand& demand);

}  // namespace postern::outbound
