// SPDX-License-Identifier: Apache-2.0
// Reads DMARC records.
#include "policy/dmarc_record.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "mail/address.h"
#include "policy/tag_list.h"

namespace postern::policy {
namespace {

constexpr std::array<std::string_view, 3> policy_words{"none", "quarantine", "reject"};
constexpr std::uint64_t kibi = 1024;

/// A policy tag: absent, a word, or a word that we do not know.
struct PolicyTag {
  std::optional<DmarcPolicy> policy;
  bool wrong = false;
};

PolicyTag policy_tag(const TagList& tags, std::string_view name) {
  const auto text = tags.find(name);
  if (!text) return {};
  for (std::size_t i = 0; i < policy_words.size(); ++i) {
    if (ascii::iequals(*text, policy_words[i])) return {static_cast<DmarcPolicy>(i), false};
  }
  return {std::nullopt, true};
}

Alignment alignment_tag(const TagList& tags, std::string_view name) {
  return ascii::iequals(tags.find(name).value_or("r"), "s") ? Alignment::strict : Alignment::relaxed;
}

/// "50k", "10m": the largest report, behind "!" (RFC 7489 §6.2).
std::uint64_t size_of(std::string_view text) {
  Cursor in(text);
  constexpr std::uint64_t most = 1'000'000;
  std::uint64_t size = in.take_number(most).value_or(0);
  const std::string_view units = "kmgt";
  const auto unit = units.find(ascii::lower(in.peek()));
  for (std::size_t i = 0; !in.at_end() && unit != std::string_view::npos && i <= unit; ++i) size *= kibi;
  return size;
}

// RFC 9989 §4.7, tag rua=
//   dmarc-uri = URI, commas and exclamation marks within percent-encoded; only mailto is used
std::vector<ReportAddress> read_addresses(std::string_view text) {
  std::vector<ReportAddress> out;
  Cursor in(text);
  while (!in.at_end() && out.size() < report_addresses_max) {
    auto uri = ascii::trim(in.take_until(','));
    in.take(',');
    ReportAddress entry;
    if (const auto mark = uri.rfind('!'); mark != std::string_view::npos) {
      entry.bytes_max = size_of(uri.substr(mark + 1));
      uri = uri.substr(0, mark);
    }
    constexpr std::string_view scheme = "mailto:";
    if (!ascii::istarts_with(uri, scheme)) continue;
    uri.remove_prefix(scheme.size());
    const auto plain = percent_decode(uri.substr(0, uri.find('?')));
    const auto address = plain ? mail::Address::parse(*plain) : Result<mail::Address>(std::unexpected(plain.error()));
    if (!address || address->domain() == nullptr) continue;
    entry.address = address->to_string();
    if (std::ranges::find(out, entry.address, &ReportAddress::address) == out.end()) out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace

std::string_view to_string(DmarcPolicy policy) { return policy_words[static_cast<std::size_t>(policy)]; }

DmarcPolicy milder(DmarcPolicy policy) { return policy == DmarcPolicy::reject ? DmarcPolicy::quarantine : DmarcPolicy::none; }

// RFC 9989 §4.8
//   dmarc-version = "v" equals %s"DMARC1" ; and nothing before it
bool is_dmarc_record(std::string_view text) {
  const auto spec = text.substr(0, text.find(';'));
  const auto equals = spec.find('=');
  if (equals == std::string_view::npos) return false;
  return spec.substr(0, 1) == "v" && ascii::trim(spec.substr(0, equals)) == "v" &&
         ascii::trim(spec.substr(equals + 1)) == "DMARC1";
}

Result<DmarcRecord> parse_dmarc_record(std::string_view text) {
  if (!is_dmarc_record(text)) return fail(ErrorKind::invalid, "not a DMARC record");
  if (text.size() > dmarc_record_max) return fail(ErrorKind::too_large, "the DMARC record is longer than 4 KiB");
  const auto tags = TagList::salvage(text);
  DmarcRecord out;
  if (const auto rua = tags.find("rua")) out.reports = read_addresses(*rua);
  const auto main = policy_tag(tags, "p");
  const auto below = policy_tag(tags, "sp");
  const auto absent = policy_tag(tags, "np");
  // RFC 9989 §4.7: no p= is p=none; a wrong policy is one as well, if somebody wants reports, and otherwise no record.
  const bool wrong = main.wrong || below.wrong || absent.wrong;
  if (wrong && out.reports.empty()) return fail(ErrorKind::invalid, "the DMARC record has an unknown policy");
  if (!wrong) {
    out.policy = main.policy.value_or(DmarcPolicy::none);
    out.subdomains = below.policy;
    out.nonexistent = absent.policy;
  }
  out.dkim = alignment_tag(tags, "adkim");
  out.spf = alignment_tag(tags, "aspf");
  const auto psd = ascii::lower(tags.find("psd").value_or("u"));
  out.psd = psd == "y" ? Psd::yes : psd == "n" ? Psd::no : Psd::unsaid;
  const auto testing = tags.find("t");
  out.testing = testing && ascii::iequals(*testing, "y");
  const auto percent = whole_number(tags.find("pct").value_or("100"));
  if (!testing && percent && *percent <= 100) out.percent = static_cast<unsigned>(*percent);
  return out;
}

}  // namespace postern::policy
