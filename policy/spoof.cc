// SPDX-License-Identifier: Apache-2.0
#include "policy/spoof.h"

#include <algorithm>

#include "base/ascii.h"
#include "mime/address_list.h"
#include "mime/header.h"

namespace postern::policy {
namespace {

constexpr std::string_view address_edges = " \t\"'<>()[],;:";

std::string key_of(const mail::ReversePath& path) { return path ? path->lookup_key() : std::string(); }

}  // namespace

const config::Spoof* find_spoof(const std::vector<config::Spoof>& entries, config::Way way, const mail::ReversePath& sender,
                                const mail::Address& recipient) {
  const auto from = key_of(sender);
  const auto to = recipient.lookup_key();
  const config::Spoof* best = nullptr;
  const auto rank = [](const config::Spoof& one) { return one.sender.weight() * 10 + one.recipient.weight(); };
  for (const auto& one : entries) {
    if (one.way != way || !one.sender.matches(from) || !one.recipient.matches(to)) continue;
    if (best == nullptr || rank(one) >= rank(*best)) best = &one;
  }
  return best;
}

config::Spoof::Action judge_way(const std::vector<config::Spoof>& entries, config::Way way, const mail::ReversePath& sender,
                                const mail::Address& recipient) {
  const auto* entry = find_spoof(entries, way, sender, recipient);
  return entry == nullptr ? config::Spoof::Action::allow : entry->action;
}

std::string address_in_name(std::string_view display_name, const mail::Address& author) {
  while (!display_name.empty()) {
    const auto begin = display_name.find_first_not_of(address_edges);
    if (begin == std::string_view::npos) break;
    display_name.remove_prefix(begin);
    const auto word = display_name.substr(0, display_name.find_first_of(address_edges));
    display_name.remove_prefix(word.size());
    if (!word.contains('@')) continue;
    const auto address = mail::Address::parse(word);
    if (address && address->lookup_key() != author.lookup_key()) return address->lookup_key();
  }
  return {};
}

std::string fold_name(std::string_view name) {
  std::string out;
  bool gap = false;
  for (const char c : name) {
    if (ascii::is_alnum(c) || ascii::is_eight_bit(c)) {
      if (gap && !out.empty()) out += ' ';
      gap = false;
      out += ascii::lower(c);
    } else {
      gap = true;
    }
  }
  return out;
}

SpoofEvidence look_for_spoof(std::string_view header, const mail::Envelope& envelope, const OurPeople& ours) {
  SpoofEvidence evidence;
  const auto is_ours = [&](const mail::Address& address) {
    return address.domain() != nullptr && ours.is_our_domain(*address.domain());
  };
  if (envelope.sender && is_ours(*envelope.sender)) evidence.sender = envelope.sender->to_string();
  std::size_t at = 0;
  while (const auto field = mime::next_field(header, at)) {
    if (!field->is("From")) continue;
    for (const auto& entry : mime::parse_address_list(field->raw).entries) {
      if (entry.kind != mime::AddressEntry::Kind::mailbox) continue;
      const auto author = entry.address();
      if (!author) continue;
      if (is_ours(*author)) {
        evidence.author = author->to_string();
        continue;
      }
      const auto name = entry.display_name();
      const auto inner = address_in_name(name, *author);
      const auto claimed = mail::Address::parse(inner);
      if (claimed && is_ours(*claimed)) evidence.name = inner;
      const auto folded = fold_name(name);
      if (evidence.name.empty() && folded.contains(' ') && ours.is_our_name(folded)) evidence.name = name;
    }
  }
  return evidence;
}

}  // namespace postern::policy
