// SPDX-License-Identifier: Apache-2.0
// The part of ReportRound that is about TLS (RFC 8460).
#include <fmt/chrono.h>

#include "http/client.h"
#include "outbound/report_round.h"
#include "policy/dmarc_notes.h"
#include "policy/report_archive.h"

namespace postern::outbound {

namespace {

constexpr unsigned http_ok = 200;
constexpr unsigned http_created = 201;
constexpr std::chrono::seconds longest_post{20};  ///< other domains' reports wait meanwhile
using policy::report_day;

/// What the domain's record asks for now.
struct Wish {
  bool unclear = false;  ///< DNS gave no answer
  policy::TlsReportWish to;
  bool any() const { return !to.mail.empty() || !to.web.empty(); }
};

// RFC 8460 §3: several records are none.
async::Task<Wish> find_tls_wish(dns::Resolver& resolver, std::string domain) {
  Wish out;
  const auto answer = co_await resolver.txt("_smtp._tls." + domain);
  out.unclear = dns::is_temporary(answer.status);
  std::vector<std::string> records;
  for (const auto& text : answer.records) {
    if (policy::is_tls_report_record(text)) records.push_back(text);
  }
  if (records.size() != 1) co_return out;
  if (auto wish = policy::parse_tls_report_record(records.front())) out.to = *std::move(wish);
  co_return out;
}

}  // namespace

policy::TlsReport make_tls_report(const ReportSender& sender, const store::ReportTopic& topic,
                                  const std::vector<store::ReportCount>& counts) {
  policy::TlsReport out;
  out.organization = sender.organization;
  out.contact = sender.contact.empty() ? sender.from : sender.contact;
  out.domain = topic.domain;
  out.begin = topic.day * report_day;
  out.end = out.begin + report_day - 1;
  out.id = fmt::format("{:%Y%m%d}.{}@{}", fmt::gmtime(static_cast<std::time_t>(out.begin)), topic.domain, sender.hostname);
  for (const auto& one : counts) {
    if (const auto session = policy::read_session_facts(one.facts)) out.add(*session, one.count);
  }
  return out;
}

queue::ReportMail make_tls_mail(const ReportSender& sender, const policy::TlsReport& report, std::string zipped) {
  queue::ReportMail mail;
  mail.from = sender.from;
  mail.subject = fmt::format("Report Domain: {} Submitter: {} Report-ID: <{}>", report.domain, sender.hostname, report.id);
  mail.text = fmt::format(
      "This is an aggregate TLS report from {} about the mail servers of {}\n"
      "on {:%Y-%m-%d} (UTC). The domain asks for it at _smtp._tls.{}.\n"
      "\n"
      "The attached file is JSON, compressed with gzip.\n",
      sender.organization, report.domain, fmt::gmtime(static_cast<std::time_t>(report.begin)), report.domain);
  mail.media = "application/tlsrpt+gzip";
  mail.file_name = fmt::format("{}!{}!{}!{}.json.gz", sender.hostname, report.domain, report.begin, report.end);
  mail.file = std::move(zipped);
  mail.report_type = "tlsrpt";
  // RFC 8460 §5.3; and RFC 8689 §5: a report about TLS that fails must arrive nevertheless.
  mail.fields = {{"TLS-Report-Domain", report.domain}, {"TLS-Report-Submitter", sender.hostname}, {"TLS-Required", "No"}};
  return mail;
}

async::Task<> ReportRound::report_tls(store::ReportTopic topic) {
  const auto wish = co_await find_tls_wish(parts_.resolver, topic.domain);
  if (wish.unclear) co_return;
  const auto counts = co_await parts_.book.read(topic);
  if (!counts) co_return parts_.log.warning("outbound", "reports_not_read", {{"text", counts.error().text}});
  if (counts->empty() || !wish.any()) co_return co_await settle(std::move(topic));
  const auto sender = report_sender(*parts_.config.get());
  const auto report = make_tls_report(sender, topic, *counts);
  auto zipped = policy::gzip(policy::write_tls_report(report));
  if (!zipped) co_return parts_.log.error("outbound", "report", {{"domain", topic.domain}, {"text", zipped.error().text}});
  bool anything = false;
  for (const auto& url : wish.to.web) {
    const auto done = co_await put(url, *zipped);
    anything = anything || done.has_value();
    (done ? sent_ : not_sent_).add();
    parts_.log.info("outbound", done ? "report" : "report_not_sent",
                    {{"to", url}, {"domain", topic.domain}, {"text", done ? std::string() : done.error().text}});
  }
  std::vector<policy::ReportAddress> to;
  for (const auto& address : wish.to.mail) to.push_back({address, 0});
  if (!to.empty()) anything = co_await post(make_tls_mail(sender, report, *std::move(zipped)), to) || anything;
  if (anything) co_await settle(std::move(topic));
}

// RFC 8460 §5.4: the body is the compressed report. The address is a stranger's choice: never one of the inside, no redirects.
async::Task<Result<>> ReportRound::put(std::string url, std::string zipped) {
  http::Fetch what;
  auto parsed = http::parse_url(url);
  if (!parsed) co_return std::unexpected(parsed.error());
  if (!parsed->https || parts_.tls == nullptr) co_return fail(ErrorKind::unsupported, "not over https");
  what.url = *std::move(parsed);
  const auto addresses = co_await parts_.resolver.addresses(what.url.host);
  for (const auto& one : addresses.records) {
    if (!parts_.refusal || parts_.refusal(one).empty()) what.addresses.push_back(one);
  }
  if (what.addresses.empty()) co_return fail(ErrorKind::unavailable, "no address that may be asked for " + what.url.host);
  what.method = "POST";
  what.headers["Content-Type"] = "application/tlsrpt+gzip";
  what.body = std::move(zipped);
  what.time_limit = longest_post;
  const auto answer = co_await http::fetch(std::move(what), *parts_.tls);
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status == http_ok || answer->status == http_created) co_return Result<>();
  co_return fail(ErrorKind::unavailable, fmt::format("{} answered {}", url, answer->status));
}

}  // namespace postern::outbound
