// SPDX-License-Identifier: Apache-2.0
// TlsNotes: what each session with the server of another domain came to is counted for the day's report to that domain
// (RFC 8460), while [reports] tls is on. Never waits.
//
// Not counted: hosts that the admin has named; mail with the null sender, so that reports about reports do not go round for ever.
#pragma once

#include <string>

#include "base/clock.h"
#include "config/live.h"
#include "outbound/recipient_policy.h"
#include "policy/tls_report.h"
#include "store/report_book.h"

namespace postern::outbound {

/// What the certificate's or handshake's error is called in a report (RFC 8460 §4.3.1).
std::string failure_of_tls(std::string_view error);

/// The policy as a report names it.
policy::TlsPolicySeen policy_seen(const RecipientPolicy& policy);

class TlsNotes {
 public:
  /// All outlive the notes.
  TlsNotes(store::ReportBook& book, const config::Live& config, const Clock& clock)
      : book_(book), config_(config), clock_(clock) {}
  bool wanted() const;
  /// A session with a server of the domain; its policy is that of `policy`.
  void note(const std::string& domain, const RecipientPolicy& policy, policy::TlsSession session);

 private:
  store::ReportBook& book_;
  const config::Live& config_;
  const Clock& clock_;
};

}  // namespace postern::outbound
