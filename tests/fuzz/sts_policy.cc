// SPDX-License-Identifier: Apache-2.0
// MTA-STS: pages and records of strangers; what is taken is within the limits.
#include <cstdint>
#include <cstdlib>

#include "outbound/sts_policy.h"

using namespace postern::outbound;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto policy = parse_sts_policy(text)) {
    require(policy->max_age <= sts_age_max && policy->mx.size() <= sts_patterns_max);
    require(policy->mode == StsPolicy::Mode::none || !policy->mx.empty());
    for (const auto& pattern : policy->mx) {
      if (!pattern.starts_with('*')) require(policy->names(pattern));
      require(!policy->names(""));
    }
  }
  if (const auto id = parse_sts_record(text)) require(!id->empty() && id->size() <= 32 && is_sts_record(text));
  return 0;
}
