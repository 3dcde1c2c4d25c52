// SPDX-License-Identifier: Apache-2.0
#include "daemon/rule_commands.h"

#include <boost/json/array.hpp>

#include "admin/json.h"
#include "config/gate.h"

namespace postern::daemon {
namespace {

namespace json = boost::json;
using policy::OwnEntry;

json::object describe(const OwnEntry& entry) {
  return {{"kind", policy::to_string(entry.kind)},
          {"subject", entry.subject},
          {"since", entry.since},
          {"until", entry.until},
          {"note", entry.note}};
}

/// Why a rule finds nothing although it is on; empty for all others.
std::string_view idle_because(config::RuleName rule, const config::Gate& gate) {
  constexpr std::string_view no_limit = "no limit";
  constexpr std::string_view no_list = "no list";
  if (gate.rules.of(rule).setting == config::Setting::off) return {};
  switch (rule) {
    case config::RuleName::dnsbl: return gate.dnsbl.empty() ? no_list : "";
    case config::RuleName::dnswl: return gate.dnswl.empty() ? no_list : "";
    case config::RuleName::rate_address: return gate.rate_address == 0 ? no_limit : "";
    case config::RuleName::rate_network: return gate.rate_network == 0 ? no_limit : "";
    case config::RuleName::rate_sender_domain: return gate.rate_sender_domain == 0 ? no_limit : "";
    case config::RuleName::rate_recipient: return gate.rate_recipient == 0 ? no_limit : "";
    default: return {};
  }
}

json::array describe_rules(const config::Gate& gate) {
  json::array out;
  for (std::size_t i = 0; i < config::rule_count; ++i) {
    const auto rule = static_cast<config::RuleName>(i);
    out.push_back(json::object{{"name", config::to_string(rule)},
                               {"setting", gate.rules.of(rule).to_string()},
                               {"idle", idle_because(rule, gate)},
                               {"about", config::about(rule)}});
  }
  return out;
}

async::Task<admin::Answer> list(policy::Gate* gate, admin::Arguments /*arguments*/) {
  const auto config = gate->config();
  const auto now = gate->clock().unix_now();
  json::array entries;
  for (const auto& entry : gate->own_list().entries(now)) entries.push_back(describe(entry));
  co_return json::object{{"now", now},
                         {"reject_at", config->gate->reject_at},
                         {"defer_at", config->gate->defer_at},
                         {"rules", describe_rules(*config->gate)},
                         {"entries", std::move(entries)}};
}

async::Task<admin::Answer> add(policy::Gate* gate, admin::Arguments arguments) {
  const auto kind = admin::text_argument(arguments, "kind");
  auto subject = admin::text_argument(arguments, "subject");
  if (!kind) co_return std::unexpected(kind.error());
  if (!subject) co_return std::unexpected(subject.error());
  if (*kind != "allow" && *kind != "block") co_return fail(ErrorKind::invalid, "kind is \"allow\" or \"block\"");
  const auto until = admin::optional_number(arguments, "until");
  if (!until) co_return std::unexpected(until.error());
  const auto now = gate->clock().unix_now();
  OwnEntry entry;
  entry.kind = *kind == "allow" ? OwnEntry::Kind::allow : OwnEntry::Kind::block;
  entry.subject = std::move(*subject);
  entry.since = now;
  if (*until) entry.until = static_cast<UnixTime>(**until);
  entry.note = admin::optional_text(arguments, "note");
  const auto added = gate->own_list().add(std::move(entry), now);
  if (!added) co_return std::unexpected(added.error());
  co_return describe(*added);
}

async::Task<admin::Answer> remove(policy::Gate* gate, admin::Arguments arguments) {
  const auto subject = admin::text_argument(arguments, "subject");
  if (!subject) co_return std::unexpected(subject.error());
  const auto removed = gate->own_list().remove(*subject, gate->clock().unix_now());
  if (!removed) co_return std::unexpected(removed.error());
  co_return json::object{};
}

}  // namespace

void add_rule_commands(admin::Control& control, policy::Gate& gate) {
  control.add("rule.list", [&gate](admin::Arguments arguments) { return list(&gate, std::move(arguments)); });
  control.add("rule.add", [&gate](admin::Arguments arguments) { return add(&gate, std::move(arguments)); });
  control.add("rule.remove", [&gate](admin::Arguments arguments) { return remove(&gate, std::move(arguments)); });
}

}  // namespace postern::daemon
