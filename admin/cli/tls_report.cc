// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/tls_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <iostream>

#include "admin/cli/received_reports.h"
#include "admin/json.h"
#include "base/ascii.h"
#include "base/encoding.h"
#include "policy/report_archive.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

/// A member that is a text; empty when it is not there or something else.
std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? policy::reported_text(value->as_string()) : std::string();
}

std::uint64_t number_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->as_uint64();
  return value->is_int64() && value->as_int64() > 0 ? static_cast<std::uint64_t>(value->as_int64()) : 0;
}

const json::object* object_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

/// The objects of an array, at most so many.
std::vector<const json::object*> objects_of(const json::object& object, std::string_view name, std::size_t most) {
  std::vector<const json::object*> out;
  const auto* value = object.if_contains(name);
  const auto* array = value == nullptr ? nullptr : value->if_array();
  if (array == nullptr) return out;
  for (const auto& one : *array) {
    if (const auto* member = one.if_object(); member != nullptr && out.size() < most) out.push_back(member);
  }
  return out;
}

ReceivedTlsPolicy read_policy(const json::object& entry) {
  ReceivedTlsPolicy out;
  if (const auto* policy = object_of(entry, "policy")) {
    out.type = text_of(*policy, "policy-type");
    out.domain = text_of(*policy, "policy-domain");
  }
  if (const auto* summary = object_of(entry, "summary")) {
    out.good = number_of(*summary, "total-successful-session-count");
    out.bad = number_of(*summary, "total-failure-session-count");
  }
  for (const auto* one : objects_of(entry, "failure-details", tls_failures_max)) {
    out.failures.push_back({text_of(*one, "result-type"), text_of(*one, "receiving-mx-hostname"), text_of(*one, "sending-mta-ip"),
                            text_of(*one, "failure-reason-code"), number_of(*one, "failed-session-count")});
  }
  return out;
}

using Reports = ReadReports<ReceivedTlsReport>;

Reports read_all(const std::vector<ReceivedFile>& files) {
  return read_reports<ReceivedTlsReport>(files, read_tls_report,
                                         [](const auto& report) { return std::pair(report.organization, report.id); });
}

int print(const Invocation& run, const Reports& found, const std::string& text) {
  if (!run.json) {
    std::cout << text;
    return exit_ok;
  }
  json::array list;
  for (const auto& report : found.reports) list.push_back(tls_report_json(report));
  std::cout << to_line({{"reports", std::move(list)}, {"unreadable", found.unreadable}}) << "\n";
  return exit_ok;
}

int list(Invocation& run) {
  const auto files = read_report_mailbox(run);
  if (!files) return show_failure(run, files.error());
  const auto found = read_all(*files);
  auto text = tls_reports_text(found.reports);
  if (found.unreadable > 0) text += fmt::format("{} other attachments are no reports about TLS.\n", found.unreadable);
  return print(run, found, text);
}

int show(Invocation& run) {
  const auto name = run.text("report");
  std::error_code ignored;
  const bool is_file = std::filesystem::exists(name, ignored);
  const auto files = is_file ? read_report_file(name) : read_report_mailbox(run);
  if (!files) return show_failure(run, files.error());
  auto found = read_all(*files);
  if (!is_file) std::erase_if(found.reports, [&](const auto& report) { return report.id != name; });
  if (found.reports.empty()) {
    const auto why = is_file ? name + ": " + found.why : name + " is no file, and no report with this id is in the mailbox";
    return show_failure(run, Failure{exit_refused, why});
  }
  std::string text;
  for (const auto& report : found.reports) text += tls_report_text(report);
  return print(run, found, text);
}

}  // namespace

// RFC 8460 §4.4
Result<ReceivedTlsReport> read_tls_report(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error) return fail(ErrorKind::invalid, "not JSON: " + error.message());
  const auto* object = value.if_object();
  if (object == nullptr || !object->contains("policies")) return fail(ErrorKind::invalid, "JSON, but not a report about TLS");
  ReceivedTlsReport out;
  out.organization = text_of(*object, "organization-name");
  out.contact = text_of(*object, "contact-info");
  out.id = text_of(*object, "report-id");
  if (const auto* range = object_of(*object, "date-range")) {
    out.begin = text_of(*range, "start-datetime");
    out.end = text_of(*range, "end-datetime");
  }
  for (const auto* one : objects_of(*object, "policies", tls_policies_max)) out.policies.push_back(read_policy(*one));
  return out;
}

std::string tls_reports_text(const std::vector<ReceivedTlsReport>& reports) {
  if (reports.empty()) return "There are no reports about TLS.\n";
  std::string out =
      fmt::format("{:<10}  {:>9} {:>9}  {:<16} {:<24} {:<24} {}\n", "DAY", "GOOD", "FAILED", "POLICY", "ABOUT", "FROM", "REPORT");
  for (const auto& report : reports) {
    for (const auto& one : report.policies) {
      out += fmt::format("{:<10}  {:>9} {:>9}  {:<16} {:<24} {:<24} {}\n", report.begin.substr(0, 10), one.good, one.bad,
                         one.type, one.domain, report.organization, report.id);
    }
  }
  return out;
}

std::string tls_report_text(const ReceivedTlsReport& report) {
  std::string out =
      fmt::format("{} ({}), {} to {}, report {}\n", report.organization, report.contact, report.begin, report.end, report.id);
  for (const auto& one : report.policies) {
    out += fmt::format("\n{}, policy {}: {} sessions went well, {} failed\n", one.domain, one.type, one.good, one.bad);
    for (const auto& failure : one.failures) {
      out += fmt::format("{:>7}  {} at {} from {}{}\n", failure.count, failure.type, failure.mx, failure.from,
                         failure.reason.empty() ? "" : ": " + failure.reason);
    }
  }
  return out + "\n";
}

json::object tls_report_json(const ReceivedTlsReport& report) {
  json::array policies;
  for (const auto& one : report.policies) {
    json::array failures;
    for (const auto& failure : one.failures) {
      failures.push_back(json::object{{"result_type", failure.type},
                                      {"mx", failure.mx},
                                      {"from", failure.from},
                                      {"reason", failure.reason},
                                      {"count", failure.count}});
    }
    policies.push_back(json::object{
        {"type", one.type}, {"domain", one.domain}, {"good", one.good}, {"failed", one.bad}, {"failures", std::move(failures)}});
  }
  return {{"id", report.id},   {"org_name", report.organization}, {"contact", report.contact}, {"begin", report.begin},
          {"end", report.end}, {"policies", std::move(policies)}};
}

std::vector<Subcommand> tls_report_commands() {
  auto show_options = mailbox_options();
  show_options.insert(
      show_options.begin(),
      Option{"report", "a file (JSON, .gz or the mail as .eml), or an id as `list` shows it", Option::Kind::text, true});
  return {{"tls report list", "List the reports about TLS with our servers that others have mailed to us",
           "postern tls report list", mailbox_options(), list},
          {"tls report show", "Show one report about TLS of another server",
           "postern tls report show google.com!example.org!1700000000!1700086399!001.json.gz", std::move(show_options), show}};
}

}  // namespace postern::admin::cli
