// SPDX-License-Identifier: Apache-2.0
// Our own MTA-STS policy (RFC 8461 §3.2), made from the configuration, and the id that its TXT record has.
#pragma once

#include <string>

#include "config/config.h"

namespace postern::policy {

/// The page, in CRLF lines; empty when mta_sts.mode is off.
std::string own_sts_policy(const config::Config& config);
/// "v=STSv1; id=…;": the id changes with the page and with nothing else.
std::string own_sts_record(const std::string& page);

}  // namespace postern::policy
