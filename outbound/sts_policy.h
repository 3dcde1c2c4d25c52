// SPDX-License-Identifier: Apache-2.0
// MTA-STS as values (RFC 8461): the TXT record that says that a domain has a policy, and the policy. No I/O.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::outbound {

/// Patterns of one policy, and the longest time that one may be kept (RFC 8461 §3.2: about a year).
inline constexpr std::size_t sts_patterns_max = 100;
inline constexpr std::chrono::seconds sts_age_max{31'557'600};

struct StsPolicy {
  enum class Mode : std::uint8_t { none, testing, enforce };
  Mode mode = Mode::none;
  std::chrono::seconds max_age{0};
  std::vector<std::string> mx;  ///< "mail.example.org", or "*.example.org"; lower case, A-labels
  /// Whether a host may be a mail server of the domain (RFC 8461 §4.1): a star stands for one label.
  bool names(std::string_view host) const;
  bool operator==(const StsPolicy&) const = default;
};
std::string_view to_string(StsPolicy::Mode mode);

/// Error invalid: not a policy of version STSv1, a mode or age that is missing or wrong, no mx where one is needed.
Result<StsPolicy> parse_sts_policy(std::string_view text);

/// Whether a TXT record is one of MTA-STS at all (RFC 8461 §3.1).
bool is_sts_record(std::string_view text);
/// Its id: 1 to 32 letters and digits. Error invalid.
Result<std::string> parse_sts_record(std::string_view text);

}  // namespace postern::outbound
