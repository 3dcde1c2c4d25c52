// SPDX-License-Identifier: Apache-2.0
// Checks that the server at its start and `postern config check` share, so that both say the same in the same words.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "admin/exit_code.h"
#include "base/clock.h"
#include "config/parse.h"
#include "net/tls_context.h"

namespace postern::admin {

/// The mistakes of a configuration as a failure, one line each, with the file's name and a way out.
Failure configuration_failure(const std::filesystem::path& path, const std::vector<config::Problem>& problems);

/// A certificate that ends sooner than this is worth a warning, seconds: ACME clients renew 30 days ahead.
inline constexpr UnixTime certificate_warning_time = UnixTime{14} * 24 * 3600;

/// What clients will not like about a certificate that can be loaded: expired, expiring soon, not yet valid, or (for the name
/// that we greet with; empty: any) made for other names.
std::vector<std::string> certificate_warnings(const std::string& file, const net::CertificateInfo& info,
                                              std::string_view hostname, UnixTime now);

/// The pairs that the configuration names, the default one first.
std::vector<net::CertificateFiles> certificate_files(const config::Tls& tls);

}  // namespace postern::admin
