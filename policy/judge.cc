// SPDX-License-Identifier: Apache-2.0
// The gate's rules as data, in the order in which they run; the first refusal decides, all reasons are kept.
// One pass over the header collects what the rules ask for; nothing is copied but addresses.
#include "policy/judge.h"

#include <algorithm>
#include <array>
#include <optional>

#include "mime/address_list.h"
#include "mime/header.h"
#include "policy/forged_results.h"

namespace postern::policy {
namespace {

namespace status = mail::status;
using Finding = Reason::Finding;

/// Most recipients of mail with the null sender. Bounces have one; receipts and notices a few (security.md D22).
constexpr std::size_t null_sender_recipients_max = 5;

/// What one pass over the header finds.
struct Facts {
  std::size_t received = 0;
  std::size_t from = 0;
  std::size_t delivered_to = 0;
  std::string_view from_value;  ///< of the first From
  bool loop = false;            ///< a Delivered-To names a recipient of this envelope
  bool forged_results = false;
};

std::vector<std::string> recipient_keys(const Evidence& evidence) {
  std::vector<std::string> keys;
  for (const auto& recipient : evidence.envelope->recipients) keys.push_back(recipient.address.lookup_key());
  std::ranges::sort(keys);
  return keys;
}

bool names_recipient(const mime::Field& field, const std::vector<std::string>& keys) {
  const auto address = mail::Address::parse(field.value());
  return address && std::ranges::binary_search(keys, address->lookup_key());
}

Facts collect(const Evidence& evidence) {
  Facts facts;
  std::optional<std::vector<std::string>> keys;
  bool results = false;
  std::size_t at = 0;
  while (const auto field = mime::next_field(evidence.header, at)) {
    if (field->is("Received")) {
      ++facts.received;
    } else if (field->is("From")) {
      if (++facts.from == 1) facts.from_value = field->raw;
    } else if (field->is("Delivered-To")) {
      // Beyond the limit of hops it is a loop anyway, and nobody parses more of them.
      if (++facts.delivered_to > evidence.received_hops_max || facts.loop) continue;
      if (!keys) keys = recipient_keys(evidence);
      facts.loop = names_recipient(*field, *keys);
    } else if (field->is("Authentication-Results")) {
      results = true;
    }
  }
  facts.forged_results = results && has_forged_results(evidence.header, evidence.own_hostname);
  return facts;
}

struct Judgement {
  Finding finding = Finding::pass;
  std::string text;
};

// RFC 5321 §6.3: counting Received fields finds loops (security.md D24).
Judgement check_hops(const Evidence& evidence, const Facts& facts) {
  const auto hops = std::max(facts.received, facts.delivered_to);
  if (hops <= evidence.received_hops_max) return {};
  return {Finding::refuse, std::to_string(hops) + " hops"};
}

// RFC 9228 §3: a Delivered-To of ours for the same recipient means that the message has been here.
Judgement check_loop(const Evidence& /*evidence*/, const Facts& facts) {
  if (!facts.loop) return {};
  return {Finding::refuse, "has been delivered to this recipient before"};
}

// RFC 5322 §3.6: exactly one From. Submission must name exactly one author; from outside a duplicate is refused, because
// filter and reader would each choose another one (security.md D40).
Judgement check_single_from(const Evidence& evidence, const Facts& facts) {
  if (facts.from > 1) return {Finding::refuse, std::to_string(facts.from) + " From fields"};
  const bool submitted = evidence.direction == Direction::submitted;
  if (facts.from == 0) return {submitted ? Finding::refuse : Finding::note, "no From field"};
  const auto list = mime::parse_address_list(facts.from_value);
  const bool single = list.mailboxes() == 1 && !list.has_group && !list.damaged && !list.truncated;
  if (single) return {};
  return {submitted ? Finding::refuse : Finding::note, "From is not exactly one mailbox"};
}

// RFC 5321 §4.5.5: the null sender is for notices, which go to one sender each (security.md D22).
Judgement check_null_sender(const Evidence& evidence, const Facts& /*facts*/) {
  const auto& envelope = *evidence.envelope;
  if (envelope.sender || envelope.recipients.size() <= null_sender_recipients_max) return {};
  return {Finding::refuse, "null sender to " + std::to_string(envelope.recipients.size()) + " recipients"};
}

Judgement check_forged_results(const Evidence& /*evidence*/, const Facts& facts) {
  if (!facts.forged_results) return {};
  return {Finding::note, "removed"};
}

struct Rule {
  std::string_view name;
  Judgement (*check)(const Evidence&, const Facts&);
  mail::Status refusal;
};

constexpr std::array rules{
    Rule{"hops", check_hops, status::too_many_hops},
    Rule{"loop", check_loop, status::too_many_hops},
    Rule{"single_from", check_single_from, status::duplicate_from},
    Rule{"null_sender_recipients", check_null_sender, status::refused_by_policy},
    Rule{"forged_results", check_forged_results, status::refused_by_policy},
};

}  // namespace

Verdict judge(const Evidence& evidence) {
  const auto facts = collect(evidence);
  Verdict verdict;
  verdict.status = status::accepted;
  verdict.reasons.reserve(rules.size());
  for (const auto& rule : rules) {
    auto judgement = rule.check(evidence, facts);
    if (judgement.finding == Finding::refuse && verdict.accept) {
      verdict.accept = false;
      verdict.status = rule.refusal;
    }
    verdict.reasons.push_back({rule.name, judgement.finding, std::move(judgement.text)});
  }
  return verdict;
}

}  // namespace postern::policy
