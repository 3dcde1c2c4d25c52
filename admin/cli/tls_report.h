// SPDX-License-Identifier: Apache-2.0
// postern tls report list|show: how TLS from other servers to ours went (RFC 8460), from the mailbox where their reports arrive
// or from a file (admin/cli/received_reports.h). What they say is read, bounded and made printable; nothing of it is trusted.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "admin/cli/subcommand.h"
#include "base/clock.h"
#include "base/result.h"

namespace postern::admin::cli {

/// Most policies, and failures of one policy, that are read.
inline constexpr std::size_t tls_policies_max = 1'000;
inline constexpr std::size_t tls_failures_max = 10'000;

struct ReceivedTlsFailure {
  std::string type;  ///< "certificate-expired"
  std::string mx;    ///< our server
  std::string from;  ///< the sender's address
  std::string reason;
  std::uint64_t count = 0;
};

struct ReceivedTlsPolicy {
  std::string type;  ///< "sts", "tlsa", "no-policy-found"
  std::string domain;
  std::uint64_t good = 0;
  std::uint64_t bad = 0;
  std::vector<ReceivedTlsFailure> failures;
};

struct ReceivedTlsReport {
  std::string organization;
  std::string contact;
  std::string id;
  std::string begin;  ///< as said: "2026-11-20T00:00:00Z"
  std::string end;
  std::vector<ReceivedTlsPolicy> policies;
};

/// Error invalid: not JSON, or not a report about TLS.
Result<ReceivedTlsReport> read_tls_report(std::string_view json);

/// One line for each policy of each report.
std::string tls_reports_text(const std::vector<ReceivedTlsReport>& reports);
/// All of one report.
std::string tls_report_text(const ReceivedTlsReport& report);
boost::json::object tls_report_json(const ReceivedTlsReport& report);

/// The rows of `tls report`.
std::vector<Subcommand> tls_report_commands();

}  // namespace postern::admin::cli
