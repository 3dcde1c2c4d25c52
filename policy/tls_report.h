// SPDX-License-Identifier: Apache-2.0
// Reports about TLS between mail servers as values (RFC 8460): what one session with a domain's server came to, the day's report
// as JSON, and the record by which a domain asks for it. No I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace postern::policy {

/// Addresses of one record that are used.
inline constexpr std::size_t tls_report_addresses_max = 5;

/// The policy that a session was held to.
struct TlsPolicySeen {
  std::string type;               ///< "tlsa", "sts" or "no-policy-found"
  std::vector<std::string> text;  ///< its lines or records
  std::vector<std::string> mx;    ///< patterns of an MTA-STS policy
  auto operator<=>(const TlsPolicySeen&) const = default;
};

/// One session with one server.
struct TlsSession {
  TlsPolicySeen policy;
  std::string failure;  ///< RFC 8460 §4.3: "certificate-expired"; empty: it went well
  std::string mx;       ///< name of the server
  std::string ip;       ///< its address; empty when none was reached
  std::string own_ip;   ///< ours; empty likewise
  std::string reason;   ///< for people; empty: nothing to add
  bool operator==(const TlsSession&) const = default;
};

/// As text, the same for equal sessions, and back; for counting (store/report_book.h). Sessions that went well are equal when
/// their policies are. Error invalid: not such a text.
std::string session_facts(const TlsSession& session);
Result<TlsSession> read_session_facts(std::string_view facts);

/// Sessions under one policy.
struct TlsPolicyReport {
  TlsPolicySeen policy;
  std::uint64_t good = 0;
  std::vector<std::pair<TlsSession, std::uint64_t>> failures;
  std::uint64_t bad() const;
};

struct TlsReport {
  std::string organization;
  std::string contact;
  std::string id;
  std::string domain;
  UnixTime begin = 0;
  UnixTime end = 0;  ///< the last second
  std::vector<TlsPolicyReport> policies;
  /// Counts one session so many times more.
  void add(const TlsSession& session, std::uint64_t count);
};

/// RFC 8460 §4.4. Text that is no UTF-8 loses the octets that are wrong.
std::string write_tls_report(const TlsReport& report);

/// Where a domain wants its reports (RFC 8460 §3).
struct TlsReportWish {
  std::vector<std::string> mail;  ///< addresses
  std::vector<std::string> web;   ///< https URLs
};
bool is_tls_report_record(std::string_view text);
/// Error invalid: no such record, or one without an address that we know how to use.
Result<TlsReportWish> parse_tls_report_record(std::string_view text);

}  // namespace postern::policy
