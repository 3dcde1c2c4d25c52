// SPDX-License-Identifier: Apache-2.0
#include "admin/rules.h"

#include <boost/json/array.hpp>

#include "admin/json.h"
#include "auth/access.h"

namespace postern::admin {

namespace json = boost::json;

Result<> apply_rules(store::AccessRules& rules, const json::object& arguments) {
  if (arguments.contains("protocols")) {
    const auto names = texts_argument(arguments, "protocols");
    if (!names) return std::unexpected(names.error());
    const auto bits = auth::protocol_bits(*names);
    if (!bits) return std::unexpected(bits.error());
    rules.protocols = *bits;
  }
  if (arguments.contains("networks")) {
    auto networks = texts_argument(arguments, "networks");
    if (!networks) return std::unexpected(networks.error());
    rules.networks = std::move(*networks);
  }
  if (arguments.contains("hours")) rules.hours = optional_text(arguments, "hours");
  auto canonical = auth::canonical_rules(rules);
  if (!canonical) return std::unexpected(canonical.error());
  rules = std::move(*canonical);
  return {};
}

void tell_rules(json::object& answer, const store::AccessRules& rules) {
  json::array protocols;
  for (const auto& one : auth::protocol_names(rules.protocols)) protocols.emplace_back(one);
  json::array networks;
  for (const auto& one : rules.networks) networks.emplace_back(one);
  answer["protocols"] = std::move(protocols);
  answer["networks"] = std::move(networks);
  answer["hours"] = rules.hours;
}

Result<> apply_account_settings(std::map<std::string, std::string>& settings, const json::object& arguments) {
  const auto* given = arguments.if_contains("settings");
  if (given == nullptr) return {};
  if (!given->is_object()) return fail(ErrorKind::invalid, "settings must be an object of names and texts");
  for (const auto& [name, value] : given->get_object()) {
    if (!value.is_string()) return fail(ErrorKind::invalid, "settings must be an object of names and texts");
    settings[std::string(name)] = std::string(value.get_string());
  }
  return {};
}

}  // namespace postern::admin
