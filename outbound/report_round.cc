// SPDX-License-Identifier: Apache-2.0
#include "outbound/report_round.h"

#include <fmt/chrono.h>

#include <functional>

#include "async/executor.h"
#include "config/gate.h"
#include "policy/dmarc_notes.h"
#include "policy/report_archive.h"

namespace postern::outbound {

namespace {

constexpr std::size_t most_due = 10'000;       ///< topics of one look
constexpr UnixTime longest_offset = 2 * 3600;  ///< after midnight
using policy::report_day;

std::string word(policy::Alignment alignment) { return alignment == policy::Alignment::strict ? "s" : "r"; }
std::string word(std::optional<policy::DmarcPolicy> policy) { return policy ? std::string(to_string(*policy)) : std::string(); }

policy::PublishedPolicy published(const std::string& domain, const policy::DmarcRecord& record) {
  policy::PublishedPolicy out;
  out.domain = domain;
  out.adkim = word(record.dkim);
  out.aspf = word(record.spf);
  out.p = std::string(to_string(record.policy));
  out.sp = word(record.subdomains);
  out.np = word(record.nonexistent);
  out.testing = record.testing ? "y" : "n";
  if (record.percent != 100) out.percent = std::to_string(record.percent);
  return out;
}

}  // namespace

ReportSender report_sender(const config::Config& config) {
  const auto& chosen = config.gate->reports;
  const auto& hostname = config.server.hostname;
  return {.organization = chosen.organization.empty() ? hostname : chosen.organization,
          .from = chosen.from.empty() ? "postmaster@" + hostname : chosen.from,
          .contact = chosen.contact,
          .hostname = hostname};
}

policy::DmarcReport make_dmarc_report(const ReportSender& sender, const store::ReportTopic& topic,
                                      const policy::DmarcRecord& record, const std::vector<store::ReportCount>& counts) {
  policy::DmarcReport out;
  out.org_name = sender.organization;
  out.email = sender.from;
  out.extra_contact = sender.contact;
  out.begin = topic.day * report_day;
  out.end = out.begin + report_day - 1;
  // The same day and domain always has the same name, so that a reader knows a report that reached it twice.
  out.id = fmt::format("{:%Y%m%d}.{}@{}", fmt::gmtime(static_cast<std::time_t>(out.begin)), topic.domain, sender.hostname);
  out.policy = published(topic.domain, record);
  for (const auto& one : counts) {
    auto row = policy::read_row_facts(one.facts);
    if (!row) continue;
    row->count = one.count;
    out.rows.push_back(*std::move(row));
  }
  return out;
}

// RFC 7489 §7.2.1.1
queue::ReportMail make_dmarc_mail(const ReportSender& sender, const policy::DmarcReport& report, std::string zipped) {
  queue::ReportMail mail;
  mail.from = sender.from;
  mail.subject = fmt::format("Report Domain: {} Submitter: {} Report-ID: <{}>", report.policy.domain, sender.hostname, report.id);
  mail.text = fmt::format(
      "This is a DMARC aggregate report from {} about mail in the name of {}\n"
      "on {:%Y-%m-%d} (UTC). The domain asks for it in its DMARC record (rua=).\n"
      "\n"
      "The attached file is XML, compressed with gzip.\n",
      sender.organization, report.policy.domain, fmt::gmtime(static_cast<std::time_t>(report.begin)));
  if (!sender.contact.empty()) mail.text += "\nContact: " + sender.contact + "\n";
  mail.media = "application/gzip";
  mail.file_name = fmt::format("{}!{}!{}!{}.xml.gz", sender.hostname, report.policy.domain, report.begin, report.end);
  mail.file = std::move(zipped);
  return mail;
}

ReportRound::ReportRound(Parts parts)
    : parts_(parts),
      sent_(parts_.metrics.counter("postern_reports_total", "Reports to other domains", {{"outcome", "sent"}})),
      not_sent_(parts_.metrics.counter("postern_reports_total", "Reports to other domains", {{"outcome", "not_sent"}})) {}

async::Task<> ReportRound::run(async::TaskGroup& group) {
  while (!group.stopping()) {
    co_await look();
    co_await async::sleep(interval);
  }
}

async::Task<> ReportRound::look() {
  const auto oldest = parts_.clock.unix_now() / report_day - days_kept;
  parts_.book.forget(oldest);
  for (const auto& topic : std::exchange(unsettled_, {})) {
    if (topic.day >= oldest) co_await settle(topic);
  }
  if (parts_.config.get()->gate->reports.dmarc) {
    for (const auto& topic : co_await due(store::ReportKind::dmarc)) co_await report_dmarc(topic);
  }
  if (parts_.config.get()->gate->reports.tls) {
    for (const auto& topic : co_await due(store::ReportKind::tls)) co_await report_tls(topic);
  }
}

async::Task<std::vector<store::ReportTopic>> ReportRound::due(store::ReportKind kind) {
  const auto hash = std::hash<std::string>{}(parts_.config.get()->server.hostname);
  const auto offset = static_cast<UnixTime>(hash % longest_offset);
  auto found = co_await parts_.book.due(kind, (parts_.clock.unix_now() - offset) / report_day, most_due);
  if (found) {
    std::erase_if(*found, [this](const auto& topic) { return unsettled_.contains(topic); });
    co_return *std::move(found);
  }
  parts_.log.warning("outbound", "reports_not_read", {{"text", found.error().text}});
  co_return std::vector<store::ReportTopic>();
}

/// What was sent is not sent again by this process, whatever the book says.
async::Task<> ReportRound::settle(store::ReportTopic topic) {
  const auto done = co_await parts_.book.settle(topic);
  if (done) {
    unsettled_.erase(topic);
    co_return;
  }
  parts_.log.warning("outbound", "report_not_noted", {{"domain", topic.domain}, {"text", done.error().text}});
  unsettled_.insert(std::move(topic));
}

async::Task<> ReportRound::report_dmarc(store::ReportTopic topic) {
  const auto wish = co_await policy::find_wish(parts_.resolver, topic.domain);
  if (wish.unclear) co_return;
  policy::ReportDestinations places;
  if (wish.found) places = co_await policy::find_destinations(parts_.resolver, topic.domain, wish.record.reports);
  if (places.to.empty() && places.unclear) co_return;
  for (const auto& one : places.refused) {
    parts_.log.info("outbound", "report_refused", {{"domain", topic.domain}, {"to", one}, {"text", "does not take them (§7.1)"}});
  }
  const auto counts = co_await parts_.book.read(topic);
  if (!counts) co_return parts_.log.warning("outbound", "reports_not_read", {{"text", counts.error().text}});
  if (counts->empty() || places.to.empty()) co_return co_await settle(std::move(topic));
  const auto sender = report_sender(*parts_.config.get());
  const auto report = make_dmarc_report(sender, topic, wish.record, *counts);
  auto zipped = policy::gzip(policy::write_report(report));
  if (!zipped) co_return parts_.log.error("outbound", "report", {{"domain", topic.domain}, {"text", zipped.error().text}});
  if (co_await post(make_dmarc_mail(sender, report, *std::move(zipped)), places.to)) co_await settle(std::move(topic));
}

/// To each address that takes so much. False when the house could take none of it just now.
async::Task<bool> ReportRound::post(const queue::ReportMail& mail, const std::vector<policy::ReportAddress>& to) {
  queue::ReportPost post({parts_.door, parts_.directory, parts_.config, parts_.clock, parts_.log});
  bool anything = false;
  bool trouble = false;
  for (const auto& one : to) {
    // RFC 7489 §6.2: the largest report that is wanted there.
    const bool small = one.bytes_max == 0 || mail.file.size() <= one.bytes_max;
    auto copy = mail;
    copy.to = one.address;
    const auto done =
        small ? co_await post.send(std::move(copy)) : Result<>(fail(ErrorKind::too_large, "larger than wanted there"));
    (done ? sent_ : not_sent_).add();
    anything = anything || done.has_value();
    if (done) continue;
    trouble = trouble || is_temporary(done.error().kind);
    parts_.log.info("outbound", "report_not_sent", {{"to", one.address}, {"subject", mail.subject}, {"text", done.error().text}});
  }
  co_return anything || !trouble;
}

}  // namespace postern::outbound
