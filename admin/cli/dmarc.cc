// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/dmarc.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/checks.h"
#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"
#include "admin/json.h"
#include "base/file.h"
#include "policy/report_archive.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

/// Largest file that is looked at.
constexpr std::size_t file_max = 20 * 1024 * 1024;
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

int show_reports(Invocation& run) {
  const auto name = run.text("file");
  const auto refuse = [&](const Error& error) {
    return show_failure(run, Failure{code_for_answer(error.kind), name + ": " + error.text});
  };
  const auto bytes = read_file(name, file_max);
  if (!bytes) return refuse(bytes.error());
  const auto files = policy::unpack_reports(*bytes);
  if (!files) return refuse(files.error());
  json::array reports;
  for (const auto& xml : *files) {
    const auto report = policy::read_report(xml);
    if (!report) return refuse(report.error());
    if (run.json) reports.push_back(report_json(*report));
    if (!run.json) std::cout << report_text(*report);
  }
  if (run.json) std::cout << to_line({{"reports", std::move(reports)}}) << "\n";
  return exit_ok;
}

}  // namespace

std::string report_text(const policy::DmarcReport& report) {
  std::uint64_t all = 0;
  std::uint64_t good = 0;
  for (const auto& row : report.rows) {
    all += row.count;
    if (passed(row)) good += row.count;
  }
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

std::vector<Subcommand> dmarc_commands() {
  return {{"dmarc report",
           "Show a DMARC aggregate report that another server sent (XML, .gz or .zip)",
           "postern dmarc report google.com!example.org!1700000000!1700086399.zip",
           {{"file", "the attachment of the report's mail", Option::Kind::text, true}},
           show_reports}};
}

}  // namespace postern::admin::cli
