// SPDX-License-Identifier: Apache-2.0
// The report's schema over pugixml, which resolves no entities of others and loads nothing.
#include "policy/dmarc_report.h"

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

#include "base/ascii.h"
#include "policy/report_archive.h"
#include "policy/tag_list.h"

namespace postern::policy {
namespace {

void put(pugi::xml_node parent, const char* name, const std::string& text) { parent.append_child(name).text().set(text.c_str()); }
void put_said(pugi::xml_node parent, const char* name, const std::string& text) {
  if (!text.empty()) put(parent, name, text);
}
void put(pugi::xml_node parent, const char* name, std::int64_t number) { put(parent, name, std::to_string(number)); }

void write_metadata(pugi::xml_node feedback, const DmarcReport& report) {
  auto node = feedback.append_child("report_metadata");
  put(node, "org_name", report.org_name);
  put(node, "email", report.email);
  put_said(node, "extra_contact_info", report.extra_contact);
  put(node, "report_id", report.id);
  auto range = node.append_child("date_range");
  put(range, "begin", report.begin);
  put(range, "end", report.end);
}

void write_policy(pugi::xml_node feedback, const PublishedPolicy& policy) {
  auto node = feedback.append_child("policy_published");
  put(node, "domain", policy.domain);
  put_said(node, "adkim", policy.adkim);
  put_said(node, "aspf", policy.aspf);
  put_said(node, "p", policy.p);
  put_said(node, "sp", policy.sp);
  put_said(node, "np", policy.np);
  put_said(node, "pct", policy.percent);
  put_said(node, "testing", policy.testing);
}

void write_results(pugi::xml_node parent, const char* name, const std::vector<ReportedResult>& results) {
  for (const auto& result : results) {
    auto node = parent.append_child(name);
    put(node, "domain", result.domain);
    put_said(node, "selector", result.selector);
    put_said(node, "scope", result.scope);
    put(node, "result", result.result);
  }
}

void write_row(pugi::xml_node feedback, const ReportRow& row) {
  auto record = feedback.append_child("record");
  auto node = record.append_child("row");
  put(node, "source_ip", row.source_ip);
  put(node, "count", static_cast<std::int64_t>(row.count));
  auto evaluated = node.append_child("policy_evaluated");
  put(evaluated, "disposition", row.disposition);
  put(evaluated, "dkim", row.dkim);
  put(evaluated, "spf", row.spf);
  for (const auto& reason : row.reasons) {
    auto why = evaluated.append_child("reason");
    put(why, "type", reason.type);
    put_said(why, "comment", reason.comment);
  }
  auto identifiers = record.append_child("identifiers");
  put_said(identifiers, "envelope_from", row.envelope_from);
  put(identifiers, "header_from", row.header_from);
  auto results = record.append_child("auth_results");
  write_results(results, "dkim", row.dkim_results);
  write_results(results, "spf", row.spf_results);
}

/// A child's text.
std::string text_of(pugi::xml_node parent, const char* name) {
  return reported_text(ascii::trim(parent.child(name).child_value()));
}

std::uint64_t number_of(pugi::xml_node parent, const char* name) {
  constexpr std::uint64_t most = 1'000'000'000'000;
  return std::min(whole_number(text_of(parent, name)).value_or(0), most);
}

std::vector<ReportedResult> read_results(pugi::xml_node parent, const char* name) {
  std::vector<ReportedResult> out;
  for (auto node = parent.child(name); node && out.size() < report_results_max; node = node.next_sibling(name)) {
    out.push_back({text_of(node, "domain"), text_of(node, "result"), text_of(node, "selector"), text_of(node, "scope")});
  }
  return out;
}

ReportRow read_row(pugi::xml_node record) {
  ReportRow out;
  const auto row = record.child("row");
  const auto evaluated = row.child("policy_evaluated");
  const auto identifiers = record.child("identifiers");
  out.source_ip = text_of(row, "source_ip");
  out.count = number_of(row, "count");
  out.disposition = text_of(evaluated, "disposition");
  out.dkim = text_of(evaluated, "dkim");
  out.spf = text_of(evaluated, "spf");
  for (auto why = evaluated.child("reason"); why && out.reasons.size() < report_results_max; why = why.next_sibling("reason")) {
    out.reasons.push_back({text_of(why, "type"), text_of(why, "comment")});
  }
  out.header_from = text_of(identifiers, "header_from");
  out.envelope_from = text_of(identifiers, "envelope_from");
  out.dkim_results = read_results(record.child("auth_results"), "dkim");
  out.spf_results = read_results(record.child("auth_results"), "spf");
  return out;
}

PublishedPolicy read_policy(pugi::xml_node node) {
  PublishedPolicy out;
  out.domain = text_of(node, "domain");
  out.adkim = text_of(node, "adkim");
  out.aspf = text_of(node, "aspf");
  out.p = text_of(node, "p");
  out.sp = text_of(node, "sp");
  out.np = text_of(node, "np");
  out.percent = text_of(node, "pct");
  out.testing = text_of(node, "testing");
  return out;
}

}  // namespace

std::string row_facts(ReportRow row) {
  row.count = 0;
  pugi::xml_document document;
  write_row(document, row);
  std::ostringstream out;
  document.save(out, "", pugi::format_raw | pugi::format_no_declaration);
  return std::move(out).str();
}

Result<ReportRow> read_row_facts(std::string_view facts) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(facts.data(), facts.size());
  if (!parsed || !document.child("record")) return fail(ErrorKind::invalid, "not a row of a DMARC report");
  return read_row(document.child("record"));
}

// RFC 7489 Appendix C
std::string write_report(const DmarcReport& report) {
  pugi::xml_document document;
  auto declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  auto feedback = document.append_child("feedback");
  put(feedback, "version", std::string("1.0"));
  write_metadata(feedback, report);
  write_policy(feedback, report.policy);
  for (const auto& row : report.rows) write_row(feedback, row);
  std::ostringstream out;
  document.save(out, " ");
  return std::move(out).str();
}

Result<DmarcReport> read_report(std::string_view xml) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size());
  if (!parsed) return fail(ErrorKind::invalid, std::string("not XML: ") + parsed.description());
  const auto feedback = document.child("feedback");
  const auto metadata = feedback.child("report_metadata");
  if (!metadata || !feedback.child("policy_published")) return fail(ErrorKind::invalid, "XML, but not a DMARC report");
  DmarcReport out;
  out.org_name = text_of(metadata, "org_name");
  out.email = text_of(metadata, "email");
  out.extra_contact = text_of(metadata, "extra_contact_info");
  out.id = text_of(metadata, "report_id");
  out.begin = static_cast<UnixTime>(number_of(metadata.child("date_range"), "begin"));
  out.end = static_cast<UnixTime>(number_of(metadata.child("date_range"), "end"));
  out.policy = read_policy(feedback.child("policy_published"));
  for (auto record = feedback.child("record"); record; record = record.next_sibling("record")) {
    if (out.rows.size() >= report_rows_max) return fail(ErrorKind::limit, "more than 100,000 rows");
    out.rows.push_back(read_row(record));
  }
  return out;
}

}  // namespace postern::policy
