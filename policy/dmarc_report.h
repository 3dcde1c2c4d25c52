// SPDX-License-Identifier: Apache-2.0
// Aggregate reports of DMARC as values: RFC 7489 Appendix C, which RFC 9990 kept with few changes. The writer gives a document
// that any reader takes; the reader takes what others really send, and trusts nothing of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace postern::policy {

/// Most rows of one report that are read, and most results of one row.
inline constexpr std::size_t report_rows_max = 100'000;
inline constexpr std::size_t report_results_max = 100;

/// One signature or one SPF check.
struct ReportedResult {
  std::string domain;
  std::string result;    ///< "pass"
  std::string selector;  ///< of DKIM
  std::string scope;     ///< of SPF: "mfrom" or "helo"
  bool operator==(const ReportedResult&) const = default;
};

struct ReportedOverride {
  std::string type;  ///< "mailing_list"
  std::string comment;
  bool operator==(const ReportedOverride&) const = default;
};

/// Messages of one kind from one address.
struct ReportRow {
  std::string source_ip;
  std::uint64_t count = 0;
  std::string disposition;  ///< "none", "quarantine", "reject"
  std::string dkim;         ///< aligned: "pass" or "fail"
  std::string spf;
  std::vector<ReportedOverride> reasons;
  std::string header_from;
  std::string envelope_from;
  std::vector<ReportedResult> dkim_results;
  std::vector<ReportedResult> spf_results;
  bool operator==(const ReportRow&) const = default;
};

/// The record as it was found, in its own words.
struct PublishedPolicy {
  std::string domain;
  std::string adkim, aspf, p, sp, np, testing;  ///< "r" or "s"; policies; "y" or "n"; empty: not said
  std::string percent;
  bool operator==(const PublishedPolicy&) const = default;
};

struct DmarcReport {
  std::string org_name;
  std::string email;
  std::string extra_contact;
  std::string id;
  UnixTime begin = 0;
  UnixTime end = 0;
  PublishedPolicy policy;
  std::vector<ReportRow> rows;
  bool operator==(const DmarcReport&) const = default;
};

/// A row without its count as text, the same for equal rows; and back, with count 0. For counting (store/report_book.h).
std::string row_facts(ReportRow row);
/// Error invalid: not such a text.
Result<ReportRow> read_row_facts(std::string_view facts);

/// The XML document, UTF-8.
std::string write_report(const DmarcReport& report);
/// Error invalid: not XML, or not a report; limit: more than report_rows_max rows. Texts have no control characters.
Result<DmarcReport> read_report(std::string_view xml);

}  // namespace postern::policy
