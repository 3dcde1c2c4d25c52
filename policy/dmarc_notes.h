// SPDX-License-Identifier: Apache-2.0
// DmarcNotes: what DMARC said of each message is counted for the day's report to the author's domain (RFC 7489 §7.2). Only for
// domains that want reports, and only while [reports] dmarc is on. Never waits; thread-safe.
#pragma once

#include "base/clock.h"
#include "base/ip_address.h"
#include "config/live.h"
#include "policy/authentication.h"
#include "policy/dmarc_report.h"
#include "store/report_book.h"

namespace postern::policy {

/// Seconds of a day of reports.
inline constexpr UnixTime report_day = 86'400;

/// What the report will say of a message from this address. `accepted`: it was let in, whatever DMARC asked for.
ReportRow report_row(const Authentication& all, const IpAddress& ip, bool accepted);

class DmarcNotes {
 public:
  /// All outlive the notes.
  DmarcNotes(store::ReportBook& book, const config::Live& config, const Clock& clock)
      : book_(book), config_(config), clock_(clock) {}
  void note(const Authentication& all, const IpAddress& ip, bool accepted);

 private:
  store::ReportBook& book_;
  const config::Live& config_;
  const Clock& clock_;
};

}  // namespace postern::policy
