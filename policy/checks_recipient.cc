// SPDX-License-Identifier: Apache-2.0
// Rules about one recipient: our own list, and how much there was in the last hour.
#include <fmt/format.h>

#include "policy/checks.h"

namespace postern::policy {
namespace {

Finding check_rate(const RcptEvidence& evidence, RateOf sort) {
  const auto at = static_cast<std::size_t>(sort);
  const auto limit = evidence.limits[at];
  if (limit == 0 || evidence.counts[at] < limit) return pass();
  return hit(fmt::format("{} in the last hour, limit {}", evidence.counts[at], limit));
}

}  // namespace

Finding check_own_block(const RcptEvidence& evidence) {
  if (!evidence.own) return pass();
  const auto& entry = *evidence.own;
  const auto text = entry.note.empty() ? entry.subject : entry.subject + ", " + entry.note;
  return entry.kind == OwnEntry::Kind::block ? hit(text) : note("allowed: " + text);
}

Finding check_greylist(const RcptEvidence& evidence) {
  return evidence.grey ? hit("seen for the first time, or too soon again") : pass();
}
Finding check_rate_address(const RcptEvidence& evidence) { return check_rate(evidence, RateOf::address); }
Finding check_rate_network(const RcptEvidence& evidence) { return check_rate(evidence, RateOf::network); }
Finding check_rate_sender_domain(const RcptEvidence& evidence) { return check_rate(evidence, RateOf::sender_domain); }
Finding check_rate_recipient(const RcptEvidence& evidence) { return check_rate(evidence, RateOf::recipient); }

}  // namespace postern::policy
