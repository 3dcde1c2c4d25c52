// SPDX-License-Identifier: Apache-2.0
// One pass over the header.
#include "policy/facts.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "mime/header.h"
#include "policy/forged_results.h"

namespace postern::policy {
namespace {

std::vector<std::string> recipient_keys(const HeaderEvidence& evidence) {
  std::vector<std::string> keys;
  for (const auto& recipient : evidence.envelope->recipients) keys.push_back(recipient.address.lookup_key());
  std::ranges::sort(keys);
  return keys;
}

bool names_recipient(const mime::Field& field, const std::vector<std::string>& keys) {
  const auto address = mail::Address::parse(field.value());
  return address && std::ranges::binary_search(keys, address->lookup_key());
}

}  // namespace

Facts collect(const HeaderEvidence& evidence) {
  Facts facts;
  facts.evidence = &evidence;
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

}  // namespace postern::policy
