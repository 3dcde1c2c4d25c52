// SPDX-License-Identifier: Apache-2.0
// Rules about the header block.
#include <algorithm>

#include "mime/odd_names.h"
#include "policy/author.h"
#include "policy/checks.h"

namespace postern::policy {
namespace {

/// Most recipients of mail with the null sender. Bounces have one; receipts and notices a few (security.md D22).
constexpr std::size_t null_sender_recipients_max = 5;

}  // namespace

// RFC 5321 §6.3: counting Received fields finds loops (security.md D24).
Finding check_hops(const Facts& facts) {
  const auto hops = std::max(facts.received, facts.delivered_to);
  if (hops <= facts.evidence->received_hops_max) return pass();
  return hit(std::to_string(hops) + " hops");
}

// RFC 9228 §3: a Delivered-To of ours for the same recipient means that the message has been here.
Finding check_loop(const Facts& facts) { return facts.loop ? hit("has been delivered to this recipient before") : pass(); }

// RFC 5322 §3.6: exactly one From. Submission must name exactly one author; from outside a duplicate is refused, because
// filter and reader would each choose another one (security.md D40).
Finding check_single_from(const Facts& facts) {
  const auto author = read_author(facts.from_value, facts.from);
  if (author.kind == Author::Kind::one) return pass();
  const bool refused = author.kind == Author::Kind::twice || facts.evidence->direction == Direction::submitted;
  return refused ? hit(author.problem) : note(author.problem);
}

// RFC 5321 §4.5.5: the null sender is for notices, which go to one sender each (security.md D22).
Finding check_null_sender(const Facts& facts) {
  const auto& envelope = *facts.evidence->envelope;
  if (envelope.sender || envelope.recipients.size() <= null_sender_recipients_max) return pass();
  return hit("null sender to " + std::to_string(envelope.recipients.size()) + " recipients");
}

// security.md D81
Finding check_odd_names(const Facts& facts) {
  const auto found = mime::odd_names(facts.evidence->header);
  return found.empty() ? pass() : hit(found.front());
}

Finding check_forged_results(const Facts& facts) { return facts.forged_results ? hit("removed") : pass(); }

}  // namespace postern::policy
