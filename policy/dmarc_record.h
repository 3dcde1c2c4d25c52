// SPDX-License-Identifier: Apache-2.0
// DMARC policy records as values (RFC 9989 §4.7, which took the place of RFC 7489 §6.3), without I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::policy {

/// Longest record in octets that is read (security.md D46), and most report addresses of one tag.
inline constexpr std::size_t dmarc_record_max = 4 * 1024;
inline constexpr std::size_t report_addresses_max = 10;

enum class DmarcPolicy : std::uint8_t { none, quarantine, reject };
std::string_view to_string(DmarcPolicy policy);
/// One step milder: reject becomes quarantine, the others none (RFC 7489 §6.6.4, RFC 9989 §4.7, tag t=).
DmarcPolicy milder(DmarcPolicy policy);

enum class Alignment : std::uint8_t { relaxed, strict };
/// Tag psd=: whether the domain is a public suffix, is not one, or does not say.
enum class Psd : std::uint8_t { unsaid, yes, no };

/// Where reports go: "mailto:" address, and the largest report wanted (0: no limit; RFC 7489 §6.2).
struct ReportAddress {
  std::string address;
  std::uint64_t bytes_max = 0;
  bool operator==(const ReportAddress&) const = default;
};

struct DmarcRecord {
  DmarcPolicy policy = DmarcPolicy::none;
  std::optional<DmarcPolicy> subdomains;   ///< sp=
  std::optional<DmarcPolicy> nonexistent;  ///< np=
  Alignment dkim = Alignment::relaxed;
  Alignment spf = Alignment::relaxed;
  Psd psd = Psd::unsaid;
  bool testing = false;                ///< t=y
  unsigned percent = 100;              ///< pct=; only where t= is not said
  std::vector<ReportAddress> reports;  ///< rua=, mailto only
};

/// Whether a TXT record is a DMARC record at all: it begins with "v=DMARC1" (RFC 9989 §4.10).
bool is_dmarc_record(std::string_view text);
/// Tags that are wrong count as absent. Error invalid: no record, or one that must be ignored: its policy is no word that we
/// know and nobody wants reports (RFC 7489 §6.6.3).
Result<DmarcRecord> parse_dmarc_record(std::string_view text);

}  // namespace postern::policy
