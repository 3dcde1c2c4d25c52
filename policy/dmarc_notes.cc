// SPDX-License-Identifier: Apache-2.0
#include "policy/dmarc_notes.h"

#include "config/gate.h"

namespace postern::policy {

namespace {

std::string word(bool aligned) { return aligned ? "pass" : "fail"; }

// RFC 9990 calls a record under test by another name than a sample that was left out (RFC 7489, PolicyOverrideType).
std::string override_type(const Authentication& all) {
  if (all.overridden == OverrideReason::sampled_out && all.dmarc.record.testing) return "policy_test_mode";
  return std::string(to_string(all.overridden));
}

std::string domain_of(std::string_view address) {
  const auto at = address.rfind('@');
  return at == std::string_view::npos ? std::string() : std::string(address.substr(at + 1));
}

}  // namespace

ReportRow report_row(const Authentication& all, const IpAddress& ip, bool accepted) {
  ReportRow row;
  row.source_ip = ip.to_string();
  row.dkim = word(all.dmarc.dkim_aligned);
  row.spf = word(all.dmarc.spf_aligned);
  row.disposition = std::string(to_string(all.disposition));
  if (all.overridden != OverrideReason::none) row.reasons.push_back({override_type(all), all.override_text});
  // RFC 7489 §7.2: the policy that was applied, which our own rules may leave undone.
  if (accepted && all.disposition == DmarcPolicy::reject) {
    row.disposition = to_string(DmarcPolicy::none);
    row.reasons.push_back({"local_policy", "our rules do not refuse it"});
  }
  row.header_from = all.dmarc.author;
  row.envelope_from = domain_of(all.mail_from);
  for (const auto& one : all.dkim) {
    if (!one.domain.empty()) row.dkim_results.push_back({one.domain, std::string(to_string(one.code)), one.selector, {}});
  }
  if (!all.null_sender && !all.spf.domain.empty()) {
    row.spf_results.push_back({all.spf.domain, std::string(to_string(all.spf.code)), {}, "mfrom"});
  }
  if (!all.helo.domain.empty()) row.spf_results.push_back({all.helo.domain, std::string(to_string(all.helo.code)), {}, "helo"});
  return row;
}

void DmarcNotes::note(const Authentication& all, const IpAddress& ip, bool accepted) {
  const auto& dmarc = all.dmarc;
  const bool decided = dmarc.code == DmarcCode::pass || dmarc.code == DmarcCode::fail;
  if (!decided || dmarc.record.reports.empty() || !config_.get()->gate->reports.dmarc) return;
  book_.note({store::ReportKind::dmarc, clock_.unix_now() / report_day, dmarc.found_at},
             row_facts(report_row(all, ip, accepted)));
}

}  // namespace postern::policy
