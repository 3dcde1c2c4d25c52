// SPDX-License-Identifier: Apache-2.0
#include "policy/report_destination.h"

#include <algorithm>

#include "mail/address.h"
#include "policy/public_suffix.h"

namespace postern::policy {

namespace {

std::string host_of(const std::string& address) {
  const auto parsed = mail::Address::parse(address);
  return parsed && parsed->domain() != nullptr ? parsed->domain()->ascii() : std::string();
}

/// The records of a name that are DMARC records.
struct Records {
  bool unclear = false;
  std::vector<std::string> texts;
};

async::Task<Records> records_at(dns::Resolver& resolver, std::string name) {
  Records out;
  auto answer = co_await resolver.txt(std::move(name));
  out.unclear = dns::is_temporary(answer.status);
  for (auto& text : answer.records) {
    if (is_dmarc_record(text)) out.texts.push_back(std::move(text));
  }
  co_return out;
}

}  // namespace

// RFC 7489 §7.1: 1. compare the organizations, 2. ask domain._report._dmarc.host, 5. a rua= there takes the place of the first,
// but only at the same host.
async::Task<ReportDestinations> find_destinations(dns::Resolver& resolver, std::string domain,
                                                  std::vector<ReportAddress> wanted) {
  ReportDestinations out;
  const auto own = organizational_domain(domain);
  if (wanted.size() > report_destinations_max) wanted.resize(report_destinations_max);
  for (auto& one : wanted) {
    const auto host = host_of(one.address);
    if (host.empty()) continue;
    if (organizational_domain(host) == own) {
      out.to.push_back(std::move(one));
      continue;
    }
    const auto said = co_await records_at(resolver, domain + "._report._dmarc." + host);
    out.unclear = out.unclear || said.unclear;
    if (said.unclear) continue;
    if (said.texts.empty()) {
      out.refused.push_back(std::move(one.address));
      continue;
    }
    const auto record = parse_dmarc_record(said.texts.front());
    if (record && !record->reports.empty()) {
      const auto& instead = record->reports.front();
      if (host_of(instead.address) == host) one = instead;
    }
    if (std::ranges::find(out.to, one.address, &ReportAddress::address) == out.to.end()) out.to.push_back(std::move(one));
  }
  co_return out;
}

async::Task<ReportWish> find_wish(dns::Resolver& resolver, std::string domain) {
  ReportWish out;
  const auto said = co_await records_at(resolver, "_dmarc." + domain);
  out.unclear = said.unclear;
  // RFC 7489 §6.6.3: several records are none.
  if (said.texts.size() != 1) co_return out;
  auto record = parse_dmarc_record(said.texts.front());
  if (!record) co_return out;
  out.found = true;
  out.record = *std::move(record);
  co_return out;
}

}  // namespace postern::policy
