// SPDX-License-Identifier: Apache-2.0
#include "auth/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "auth/app_passwords.h"
#include "base/ascii.h"
#include "base/ip_address.h"

namespace postern::auth {
namespace {

using Rules = store::AccessRules;

constexpr std::array<std::pair<std::string_view, unsigned>, 3> doors{
    {{"imap", Rules::imap}, {"pop3", Rules::pop3}, {"smtp", Rules::submission}}};

bool allows_protocol(const Rules& rules, Protocol protocol) {
  const auto at = std::ranges::find(doors, door_name(protocol), [](const auto& door) { return door.first; });
  return at != doors.end() && (rules.protocols & at->second) != 0;
}

bool allows_network(const Rules& rules, const std::string& ip) {
  if (rules.networks.empty()) return true;
  const auto address = IpAddress::parse(ip);
  return address && std::ranges::any_of(rules.networks, [&](const std::string& text) {
           const auto network = IpNetwork::parse(text);
           return network && network->contains(*address);
         });
}

bool allows_hour(const Rules& rules, WallTime now) {
  const auto hours = Hours::parse(rules.hours);
  return hours && hours->contains(now);
}

std::string why(const Rules& rules, const Origin& origin, WallTime now) {
  if (!allows_protocol(rules, origin.protocol)) return fmt::format("not by {}", door_name(origin.protocol));
  if (!allows_network(rules, origin.ip)) return "not from this network";
  if (!allows_hour(rules, now)) return fmt::format("not at this time, {}; allowed: {}", now.to_string(), rules.hours);
  return {};
}

}  // namespace

std::optional<std::string> access_objection(const std::vector<BoundRules>& bound, const Origin& origin, WallTime now) {
  for (const auto& one : bound) {
    const auto text = why(one.rules, origin, now);
    if (text.empty()) continue;
    return fmt::format("access rules: {}{}", text, one.group.empty() ? "" : " (group " + one.group + ")");
  }
  return std::nullopt;
}

bool within_hours(const std::vector<BoundRules>& bound, WallTime now) {
  return std::ranges::all_of(bound, [&](const BoundRules& one) { return allows_hour(one.rules, now); });
}

Result<Rules> canonical_rules(Rules rules) {
  if ((rules.protocols & ~static_cast<unsigned>(Rules::every_protocol)) != 0) {
    return fail(ErrorKind::invalid, "there are only the protocols imap, pop3 and smtp");
  }
  if (rules.networks.size() > max_rule_networks)
    return fail(ErrorKind::limit, fmt::format("at most {} networks", max_rule_networks));
  for (auto& text : rules.networks) {
    auto network = canonical_network(text);
    if (!network) return std::unexpected(network.error());
    text = std::move(*network);
  }
  const auto hours = Hours::parse(rules.hours);
  if (!hours) return std::unexpected(hours.error());
  rules.hours = hours->to_string();
  return rules;
}

Result<unsigned> protocol_bits(const std::vector<std::string>& names) {
  unsigned bits = 0;
  for (const auto& name : names) {
    const auto word = ascii::lower(name) == "submission" ? std::string("smtp") : ascii::lower(name);
    const auto at = std::ranges::find(doors, word, [](const auto& door) { return door.first; });
    if (at == doors.end()) {
      return fail(ErrorKind::invalid, fmt::format("{} is no protocol of ours; name imap, pop3 or smtp", name));
    }
    bits |= at->second;
  }
  return bits == 0 ? static_cast<unsigned>(Rules::every_protocol) : bits;
}

std::vector<std::string> protocol_names(unsigned bits) {
  std::vector<std::string> out;
  for (const auto& [name, bit] : doors) {
    if ((bits & bit) != 0) out.emplace_back(name);
  }
  return out;
}

}  // namespace postern::auth
