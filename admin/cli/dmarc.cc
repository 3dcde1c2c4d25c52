// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/dmarc.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <filesystem>
#include <iostream>
#include <map>

#include "admin/checks.h"
#include "admin/cli/output.h"
#include "admin/cli/received_reports.h"
#include "admin/cli/subcommand.h"
#include "admin/json.h"
#include "base/ascii.h"
#include "policy/report_archive.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

/// Rows shown for people; --json has all.
constexpr std::size_t shown_rows = 50;

/// "author.example pass (sel)"
std::string result_text(const policy::ReportedResult& result) {
  const auto& detail = result.selector.empty() ? result.scope : result.selector;
  return result.domain + " " + result.result + (detail.empty() ? "" : " (" + detail + ")");
}

std::string results_text(const policy::ReportRow& row) {
  std::string out;
  const auto add = [&out](std::string_view method, const policy::ReportedResult& result) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", method, result_text(result));
  };
  for (const auto& result : row.spf_results) add("spf", result);
  for (const auto& result : row.dkim_results) add("dkim", result);
  return out;
}

bool passed(const policy::ReportRow& row) { return row.dkim == "pass" || row.spf == "pass"; }

json::array results_json(const std::vector<policy::ReportedResult>& results) {
  json::array out;
  for (const auto& result : results) {
    json::object one{{"domain", result.domain}, {"result", result.result}};
    if (!result.selector.empty()) one["selector"] = result.selector;
    if (!result.scope.empty()) one["scope"] = result.scope;
    out.push_back(std::move(one));
  }
  return out;
}

json::object row_json(const policy::ReportRow& row) {
  json::array reasons;
  for (const auto& reason : row.reasons) reasons.push_back(json::object{{"type", reason.type}, {"comment", reason.comment}});
  return {{"source_ip", row.source_ip},
          {"count", row.count},
          {"disposition", row.disposition},
          {"dkim", row.dkim},
          {"spf", row.spf},
          {"reasons", std::move(reasons)},
          {"header_from", row.header_from},
          {"envelope_from", row.envelope_from},
          {"dkim_results", results_json(row.dkim_results)},
          {"spf_results", results_json(row.spf_results)}};
}

std::string date(UnixTime at) { return fmt::format("{:%Y-%m-%d %H:%M}", fmt::gmtime(static_cast<std::time_t>(at))); }

/// Messages of a report, and how many of them passed.
struct Totals {
  std::uint64_t all = 0;
  std::uint64_t good = 0;
  void add(const policy::ReportRow& row) {
    all += row.count;
    if (passed(row)) good += row.count;
  }
};

Totals totals_of(const policy::DmarcReport& report) {
  Totals out;
  for (const auto& row : report.rows) out.add(row);
  return out;
}

using Reports = ReadReports<policy::DmarcReport>;

Reports read_all(const std::vector<ReceivedFile>& files) {
  return read_reports<policy::DmarcReport>(files, policy::read_report,
                                           [](const auto& report) { return std::pair(report.org_name, report.id); });
}

using Found = std::expected<Reports, Failure>;

/// Those of the mailbox, of one domain when --domain names it.
Found read_mailbox(Invocation& run) {
  const auto files = read_report_mailbox(run);
  if (!files) return std::unexpected(files.error());
  auto out = read_all(*files);
  if (run.has("domain")) {
    const auto domain = ascii::lower(run.text("domain"));
    std::erase_if(out.reports, [&](const auto& report) { return ascii::lower(report.policy.domain) != domain; });
  }
  return out;
}

int show_report(Invocation& run) {
  const auto name = run.text("report");
  Reports found;
  std::error_code ignored;
  if (std::filesystem::exists(name, ignored)) {
    const auto files = read_report_file(name);
    if (!files) return show_failure(run, files.error());
    found = read_all(*files);
    if (found.reports.empty()) return show_failure(run, Failure{exit_refused, name + ": " + found.why});
  } else {
    auto all = read_mailbox(run);
    if (!all) return show_failure(run, all.error());
    std::erase_if(all->reports, [&](const auto& report) { return report.id != name; });
    found = *std::move(all);
    if (found.reports.empty()) {
      return show_failure(run, Failure{exit_refused, name + " is no file, and no report with this id is in the mailbox"});
    }
  }
  json::array reports;
  for (const auto& report : found.reports) {
    if (run.json) reports.push_back(report_json(report));
    if (!run.json) std::cout << report_text(report);
  }
  if (run.json) std::cout << to_line({{"reports", std::move(reports)}}) << "\n";
  return exit_ok;
}

int list_reports(Invocation& run) {
  const auto found = read_mailbox(run);
  if (!found) return show_failure(run, found.error());
  if (run.json) {
    auto line = reports_json(found->reports);
    line["unreadable"] = found->unreadable;
    std::cout << to_line(line) << "\n";
    return exit_ok;
  }
  std::cout << (run.has("sources") ? sources_text(found->reports) : reports_text(found->reports));
  if (found->unreadable > 0) std::cout << fmt::format("{} other attachments are no DMARC reports.\n", found->unreadable);
  return exit_ok;
}

/// What all reports say of each address.
std::map<std::string, Totals> by_source(const std::vector<policy::DmarcReport>& reports) {
  std::map<std::string, Totals> out;
  for (const auto& report : reports) {
    for (const auto& row : report.rows) out[row.source_ip].add(row);
  }
  return out;
}

}  // namespace

std::string report_text(const policy::DmarcReport& report) {
  const auto [all, good] = totals_of(report);
  const auto& policy = report.policy;
  std::string out = fmt::format("{} <{}> about {}, {} to {} (UTC), report {}\n", report.org_name, report.email, policy.domain,
                                date(report.begin), date(report.end), report.id);
  out += fmt::format("policy found there: p={}{}{}\n", policy.p, policy.sp.empty() ? "" : " sp=" + policy.sp,
                     policy.np.empty() ? "" : " np=" + policy.np);
  out += fmt::format("{} messages: {} passed DMARC, {} failed\n\n", all, good, all - good);
  auto rows = report.rows;
  std::ranges::sort(rows, [](const policy::ReportRow& a, const policy::ReportRow& b) {
    if (passed(a) != passed(b)) return passed(b);
    return a.count != b.count ? a.count > b.count : a.source_ip < b.source_ip;
  });
  for (std::size_t i = 0; i < std::min(rows.size(), shown_rows); ++i) {
    const auto& row = rows[i];
    out += fmt::format("{:>7}  {:<24} {:<5} {:<11} from {}: {}\n", row.count, row.source_ip, passed(row) ? "pass" : "FAIL",
                       row.disposition, row.header_from, results_text(row));
    for (const auto& reason : row.reasons) out += fmt::format("{:>9}{}: {}\n", "", reason.type, reason.comment);
  }
  if (rows.size() > shown_rows) out += fmt::format("and {} rows more; --json has all\n", rows.size() - shown_rows);
  return out + "\n";
}

json::object report_json(const policy::DmarcReport& report) {
  json::array rows;
  for (const auto& row : report.rows) rows.push_back(row_json(row));
  const auto& policy = report.policy;
  return {{"org_name", report.org_name},
          {"email", report.email},
          {"id", report.id},
          {"begin", report.begin},
          {"end", report.end},
          {"policy",
           {{"domain", policy.domain},
            {"p", policy.p},
            {"sp", policy.sp},
            {"np", policy.np},
            {"adkim", policy.adkim},
            {"aspf", policy.aspf},
            {"pct", policy.percent},
            {"testing", policy.testing}}},
          {"rows", std::move(rows)}};
}

std::string reports_text(const std::vector<policy::DmarcReport>& reports) {
  if (reports.empty()) return "There are no DMARC reports.\n";
  std::string out = fmt::format("{:<10}  {:>9} {:>9} {:>9}  {:<24} {:<24} {}\n", "DAY", "MESSAGES", "PASSED", "FAILED", "ABOUT",
                                "FROM", "REPORT");
  for (const auto& report : reports) {
    const auto sum = totals_of(report);
    out += fmt::format("{:<10}  {:>9} {:>9} {:>9}  {:<24} {:<24} {}\n", date(report.begin).substr(0, 10), sum.all, sum.good,
                       sum.all - sum.good, report.policy.domain, report.org_name, report.id);
  }
  return out;
}

std::string sources_text(const std::vector<policy::DmarcReport>& reports) {
  const auto sources = by_source(reports);
  std::vector<std::pair<std::string, Totals>> rows(sources.begin(), sources.end());
  std::ranges::sort(rows, [](const auto& a, const auto& b) {
    const auto failed = [](const Totals& one) { return one.all - one.good; };
    return std::tuple(failed(b.second), b.second.all, a.first) < std::tuple(failed(a.second), a.second.all, b.first);
  });
  if (rows.empty()) return "There are no DMARC reports.\n";
  std::string out = fmt::format("{:<39} {:>9} {:>9} {:>9}\n", "SOURCE", "MESSAGES", "PASSED", "FAILED");
  for (const auto& [source, sum] : rows) {
    out += fmt::format("{:<39} {:>9} {:>9} {:>9}\n", source, sum.all, sum.good, sum.all - sum.good);
  }
  return out;
}

json::object reports_json(const std::vector<policy::DmarcReport>& reports) {
  json::array list;
  for (const auto& report : reports) {
    const auto sum = totals_of(report);
    list.push_back(json::object{{"id", report.id},
                                {"org_name", report.org_name},
                                {"domain", report.policy.domain},
                                {"begin", report.begin},
                                {"end", report.end},
                                {"messages", sum.all},
                                {"passed", sum.good}});
  }
  json::array sources;
  for (const auto& [source, sum] : by_source(reports)) {
    sources.push_back(json::object{{"source_ip", source}, {"messages", sum.all}, {"passed", sum.good}});
  }
  return {{"reports", std::move(list)}, {"sources", std::move(sources)}};
}

std::vector<Subcommand> dmarc_commands() {
  auto list_options = mailbox_options();
  list_options.insert(list_options.begin(),
                      {{"--domain", "only reports about this domain"},
                       {"--sources", "what all of them say of each address that sent", Option::Kind::flag}});
  auto show_options = mailbox_options();
  show_options.insert(
      show_options.begin(),
      Option{"report", "a file (XML, .gz, .zip or the mail as .eml), or an id as `list` shows it", Option::Kind::text, true});
  return {{"dmarc report list", "List the DMARC aggregate reports that other servers have mailed to us",
           "postern dmarc report list --domain example.org --sources", std::move(list_options), list_reports},
          {"dmarc report show", "Show one DMARC aggregate report of another server",
           "postern dmarc report show google.com!example.org!1700000000!1700086399.zip", std::move(show_options), show_report}};
}

}  // namespace postern::admin::cli
