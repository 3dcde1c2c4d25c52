// SPDX-License-Identifier: Apache-2.0
// Discovery, alignment and policy of DMARC.
#include "policy/dmarc.h"

#include <algorithm>
#include <array>

#include "policy/public_suffix.h"

namespace postern::policy {

std::string_view to_string(DmarcCode code) {
  static constexpr std::array<std::string_view, 5> names{"none", "pass", "fail", "temperror", "permerror"};
  return names[static_cast<std::size_t>(code)];
}

namespace {

bool is_at_or_below(std::string_view name, std::string_view parent) {
  return name == parent ||
         (name.size() > parent.size() && name.ends_with(parent) && name[name.size() - parent.size() - 1] == '.');
}

std::size_t labels_of(std::string_view name) { return static_cast<std::size_t>(std::ranges::count(name, '.')) + 1; }

/// The last `labels` labels of a name.
std::string last_labels(std::string_view name, std::size_t labels) {
  auto at = name.size();
  for (; labels > 0 && at != 0; --labels) {
    const auto dot = name.rfind('.', at - 1);
    at = dot == std::string_view::npos ? 0 : dot;
  }
  return std::string(name.substr(at == 0 ? 0 : at + 1));
}

}  // namespace

async::Task<DmarcCheck::Entry> DmarcCheck::entry(std::string name) {
  if (const auto known = entries_.find(name); known != entries_.end()) co_return known->second;
  const auto answer = co_await resolver_.txt("_dmarc." + name);
  Entry out;
  out.temporary = dns::is_temporary(answer.status);
  // RFC 9989 §4.10: other records are ignored; more than one DMARC record is none.
  std::size_t found = 0;
  for (const auto& text : answer.records) {
    if (!is_dmarc_record(text) || ++found > 1) continue;
    auto record = parse_dmarc_record(text);
    if (record) out.record = std::move(*record);
  }
  if (found > 1) out.record.reset();
  entries_.emplace(std::move(name), out);
  co_return out;
}

// RFC 9989 §4.10: from the domain upwards, at most eight names; a record that says psd= ends the walk.
async::Task<DmarcCheck::Place> DmarcCheck::walk(std::string domain) {
  Place out;
  out.organization = domain;
  std::size_t labels = labels_of(domain);
  for (bool first = true; labels > 0; first = false) {
    const auto name = last_labels(domain, labels);
    const auto found = co_await entry(name);
    out.temporary = found.temporary;
    if (out.temporary) co_return out;
    const auto psd = found.record ? found.record->psd : Psd::unsaid;
    if (psd == Psd::yes && !first) {  // RFC 9989 §4.10.2: the organization is one label below
      out.organization = last_labels(domain, labels + 1);
      out.suffix = name;
      co_return out;
    }
    if (found.record) out.organization = name;  // fewer labels win
    if (psd != Psd::unsaid) co_return out;
    labels = std::min(labels - 1, tree_walk_max - 1);
  }
  co_return out;
}

async::Task<DmarcCheck::Place> DmarcCheck::place(std::string domain, OrganizationBy by) {
  if (by == OrganizationBy::tree_walk) co_return co_await walk(std::move(domain));
  Place out;
  out.organization = organizational_domain(domain);
  co_return out;
}

// RFC 9989 §4.10.1: the author's own record, else that of its organization, else that of the public suffix above.
async::Task<bool> DmarcCheck::find_record(const DmarcQuestion& question, DmarcResult& out) {
  auto found = co_await entry(question.author);
  out.found_at = question.author;
  if (!found.record && !found.temporary) {
    const auto where = co_await place(question.author, question.by);
    out.organization = where.organization;
    found.temporary = where.temporary;
    out.found_at = where.organization;
    if (!where.temporary && where.organization != question.author) found = co_await entry(where.organization);
    if (!found.record && !found.temporary && !where.suffix.empty()) {
      out.found_at = where.suffix;
      found = co_await entry(where.suffix);
    }
  }
  if (found.temporary) {
    out.code = DmarcCode::temperror;
    out.reason = "the DMARC record could not be asked for";
  }
  if (!found.record) out.found_at.clear();
  if (found.record) out.record = std::move(*found.record);
  co_return !out.found_at.empty();
}

// RFC 9989 §4.4: strict is the same domain, relaxed the same organization.
async::Task<bool> DmarcCheck::aligned(const std::string& domain, Alignment mode, const DmarcQuestion& question,
                                      DmarcResult& out) {
  if (domain == question.author) co_return true;
  if (mode == Alignment::strict) co_return false;
  if (out.organization.empty()) {
    const auto where = co_await place(question.author, question.by);
    if (where.temporary) co_return false;
    out.organization = where.organization;
  }
  if (!is_at_or_below(domain, out.organization)) co_return false;
  if (domain == out.organization && question.by == OrganizationBy::public_suffix) co_return true;
  const auto other = co_await place(domain, question.by);
  co_return !other.temporary && other.organization == out.organization;
}

async::Task<bool> DmarcCheck::any_aligned(const std::vector<std::string>& domains, Alignment mode, const DmarcQuestion& question,
                                          DmarcResult& out) {
  for (const auto& domain : domains) {
    if (co_await aligned(domain, mode, question, out)) co_return true;
  }
  co_return false;
}

// RFC 9989 §4.7, tags p=, sp=, np=, t=; RFC 7489 §6.6.4 for pct=
async::Task<> DmarcCheck::wish(const DmarcQuestion& question, DmarcResult& out) {
  const auto& record = out.record;
  out.published = record.policy;
  if (out.found_at != question.author) {
    out.published = record.subdomains.value_or(record.policy);
    if (record.nonexistent) {
      const auto answer = co_await resolver_.a(question.author);
      if (answer.status == dns::Status::nxdomain) out.published = *record.nonexistent;
    }
  }
  out.wished = out.published;
  const bool spared = record.testing || question.dice >= record.percent;
  if (spared) out.wished = milder(out.wished);
}

async::Task<DmarcResult> DmarcCheck::check(DmarcQuestion question) {
  DmarcResult out;
  out.author = question.author;
  if (!co_await find_record(question, out)) co_return out;
  out.dkim_aligned = co_await any_aligned(question.dkim, out.record.dkim, question, out);
  if (!question.spf.empty()) out.spf_aligned = co_await aligned(question.spf, out.record.spf, question, out);
  co_await wish(question, out);
  if (out.spf_aligned || out.dkim_aligned) {
    out.code = DmarcCode::pass;
    out.wished = DmarcPolicy::none;
    co_return out;
  }
  // What might pass once DNS answers is not refused for ever (security.md D48).
  const bool undecided = co_await any_aligned(question.undecided, Alignment::relaxed, question, out);
  out.code = undecided ? DmarcCode::temperror : DmarcCode::fail;
  out.reason = undecided ? "an aligned check met a temporary error" : "neither SPF nor DKIM is aligned";
  if (undecided) out.wished = DmarcPolicy::none;
  co_return out;
}

DmarcResult worst_of(std::vector<DmarcResult> results) {
  const auto rank = [](const DmarcResult& result) {
    switch (result.code) {
      case DmarcCode::fail: return 10 + static_cast<int>(result.wished);
      case DmarcCode::permerror: return 9;
      case DmarcCode::temperror: return 8;
      case DmarcCode::none: return 7;
      default: return 0;
    }
  };
  if (results.empty()) return {};
  return std::move(*std::ranges::max_element(results, {}, rank));
}

}  // namespace postern::policy
