// SPDX-License-Identifier: Apache-2.0
// Spoof protection: mail from outside that claims to be ours, and what our own patterns say about each way mail goes.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/spoof.h"
#include "mail/envelope.h"
#include "policy/evidence.h"

namespace postern::policy {

/// The entry that decides, or null. Of equally specific ones the one written last.
const config::Spoof* find_spoof(const std::vector<config::Spoof>& entries, config::Way way, const mail::ReversePath& sender,
                                const mail::Address& recipient);

/// What our patterns say of mail on its way from inside; nothing to say is accept.
config::Spoof::Action judge_way(const std::vector<config::Spoof>& entries, config::Way way, const mail::ReversePath& sender,
                                const mail::Address& recipient);

/// Of an author's display name: an address in it that is not the author's own, "" when there is none.
std::string address_in_name(std::string_view display_name, const mail::Address& author);

/// Who is ours, as auth knows it.
struct OurPeople {
  std::function<bool(const mail::Domain&)> is_our_domain;
  /// The display names of our accounts, folded by fold_name().
  std::function<bool(std::string_view folded)> is_our_name;
};
/// A name for comparing: lower case, single spaces, without punctuation; empty when nothing is left.
std::string fold_name(std::string_view name);

/// What the message claims. `proven` is said by the authentication: SPF or DKIM of the domain that is claimed.
SpoofEvidence look_for_spoof(std::string_view header, const mail::Envelope& envelope, const OurPeople& ours);

}  // namespace postern::policy
