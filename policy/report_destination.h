// SPDX-License-Identifier: Apache-2.0
// Where a DMARC report may go: addresses of the domain's own organization at once, those elsewhere only when that place says in
// DNS that it takes them (RFC 7489 §7.1, RFC 9990 §4). Otherwise anybody could have reports sent to anybody.
#pragma once

#include <string>
#include <vector>

#include "async/task.h"
#include "dns/resolver.h"
#include "policy/dmarc_record.h"

namespace postern::policy {

/// Addresses of one record that are looked at.
inline constexpr std::size_t report_destinations_max = 5;

struct ReportDestinations {
  std::vector<ReportAddress> to;
  std::vector<std::string> refused;  ///< addresses elsewhere that do not take them
  bool unclear = false;              ///< DNS gave no answer about one of them
};

/// `domain`: where the record was found, canonical ASCII.
async::Task<ReportDestinations> find_destinations(dns::Resolver& resolver, std::string domain, std::vector<ReportAddress> wanted);

/// What the domain's record asks for now.
struct ReportWish {
  bool unclear = false;  ///< DNS gave no answer
  bool found = false;
  DmarcRecord record;
};
async::Task<ReportWish> find_wish(dns::Resolver& resolver, std::string domain);

}  // namespace postern::policy
