// SPDX-License-Identifier: Apache-2.0
// ReportRound: once a day and domain, tells domains that ask for it what was seen of mail in their name (RFC 7489 §7.2, [reports]
// dmarc) and how TLS with their servers went (RFC 8460, [reports] tls). A day's reports go out some time after midnight UTC, a
// while that our name decides, so that not all servers of the world send at once. While DNS does not answer they wait, up to a
// week.
//
// Invariants: one report for each domain and day, also over restarts; a process that dies between the queue's yes and the note
// of it makes that report once more, with the same Report-ID, so that its reader knows it; none to an address of ours; none to an
// address elsewhere that has not agreed (policy/report_destination.h); none larger than its reader wants.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "async/task.h"
#include "async/task_group.h"
#include "auth/directory.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "config/live.h"
#include "dns/resolver.h"
#include "net/tls_context.h"
#include "policy/dmarc_report.h"
#include "policy/report_destination.h"
#include "policy/tls_report.h"
#include "queue/report_post.h"
#include "store/report_book.h"

namespace postern::outbound {

/// What is said about ourselves in reports, as [reports] has it.
struct ReportSender {
  std::string organization;
  std::string from;
  std::string contact;
  std::string hostname;
};
ReportSender report_sender(const config::Config& config);

/// The report and the mail's parts that depend on it; the rows are those of `counts`, what cannot be read left out.
policy::DmarcReport make_dmarc_report(const ReportSender& sender, const store::ReportTopic& topic,
                                      const policy::DmarcRecord& record, const std::vector<store::ReportCount>& counts);
/// `zipped`: the report as gzip. `to` is left empty.
queue::ReportMail make_dmarc_mail(const ReportSender& sender, const policy::DmarcReport& report, std::string zipped);

policy::TlsReport make_tls_report(const ReportSender& sender, const store::ReportTopic& topic,
                                  const std::vector<store::ReportCount>& counts);
/// RFC 8460 §5.3.
queue::ReportMail make_tls_mail(const ReportSender& sender, const policy::TlsReport& report, std::string zipped);

class ReportRound {
 public:
  /// All outlive the round.
  struct Parts {
    store::ReportBook& book;
    dns::Resolver& resolver;
    queue::Door& door;
    const auth::Directory& directory;
    config::Live& config;
    Clock& clock;
    Log& log;
    Metrics& metrics;
    std::shared_ptr<net::TlsClient> tls = nullptr;              ///< with the system's roots; null: no report to the web
    std::function<std::string(const IpAddress&)> refusal = {};  ///< why an address must not be asked; empty when it may
  };
  /// Between two looks for what is due, and how long a report may wait for DNS.
  static constexpr std::chrono::minutes interval{20};
  static constexpr std::int64_t days_kept = 7;

  explicit ReportRound(Parts parts);
  /// Looks now and then until the group stops.
  async::Task<> run(async::TaskGroup& group);
  /// Sends what is due now.
  async::Task<> look();

 private:
  async::Task<> report_dmarc(store::ReportTopic topic);
  async::Task<> report_tls(store::ReportTopic topic);
  async::Task<std::vector<store::ReportTopic>> due(store::ReportKind kind);
  async::Task<Result<>> put(std::string url, std::string zipped);
  async::Task<> settle(store::ReportTopic topic);
  async::Task<bool> post(const queue::ReportMail& mail, const std::vector<policy::ReportAddress>& to);

  Parts parts_;
  std::set<store::ReportTopic> unsettled_;  ///< sent, and the book could not be told
  Counter sent_;
  Counter not_sent_;
};

}  // namespace postern::outbound
