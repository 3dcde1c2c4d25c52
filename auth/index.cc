// SPDX-License-Identifier: Apache-2.0
// What there is for an address, and who may use it. The walk from there is in auth/walk.cc.
#include "auth/index.h"

#include <algorithm>
#include <array>

#include "auth/account_settings.h"
#include "auth/walk.h"
#include "base/ascii.h"

namespace postern::auth {
namespace {

// RFC 2142 §4 and §5, RFC 5321 §4.5.1
constexpr std::array<std::string_view, 5> roles{"postmaster", "abuse", "security", "webmaster", "hostmaster"};

}  // namespace

std::vector<std::pair<mail::Address, std::string>> bases_of(const mail::Address& address, std::string_view separators) {
  std::vector<std::pair<mail::Address, std::string>> out{{address, {}}};
  if (address.domain() == nullptr || separators.empty()) return out;
  const auto& local = address.local();
  for (auto at = local.find_last_of(separators); at != std::string::npos && at > 0; at = local.find_last_of(separators, at - 1)) {
    out.emplace_back(mail::Address(local.substr(0, at), *address.domain()), local.substr(at + 1));
  }
  return out;
}

bool is_role(const mail::Address& address) {
  return std::ranges::any_of(roles, [&](std::string_view role) { return ascii::iequals(address.local(), role); });
}

Index::Index(store::AccountTable table) : table_(std::make_shared<const store::AccountTable>(std::move(table))) {
  for (const auto& row : table_->domains) {
    domains_.emplace(row.name, &row);
    auto target = mail::Domain::parse(row.alias_of);
    if (!row.alias_of.empty() && target) alias_of_.emplace(row.name, std::move(*target));
  }
  for (const auto& row : table_->accounts) {
    by_login_.emplace(row.login, &row);
    by_id_.emplace(row.id, &row);
  }
  for (const auto& row : table_->addresses) addresses_[row.address].push_back(&row);
  for (const auto& row : table_->groups) {
    if (!row.address.empty()) by_group_address_.emplace(row.address, &row);
    for (const auto member : row.members) groups_of_[member].push_back(&row);
  }
  for (const auto& row : table_->send_as) grants_[row.account].insert(row.address);
}

const store::DomainRow* Index::domain(const mail::Domain& domain) const {
  const auto at = domains_.find(domain.ascii());
  return at == domains_.end() ? nullptr : at->second;
}

const store::AccountRow* Index::account(const std::string& lookup_key) const {
  const auto at = by_login_.find(lookup_key);
  return at == by_login_.end() ? nullptr : at->second;
}

const store::AccountRow* Index::account(store::AccountId id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : at->second;
}

const store::GroupRow* Index::group(std::string_view name) const {
  const auto at = std::ranges::find(table_->groups, name, &store::GroupRow::name);
  return at == table_->groups.end() ? nullptr : &*at;
}

std::optional<mail::Address> Index::canonical(const mail::Address& address) const {
  if (address.domain() == nullptr) return address;
  auto domain = *address.domain();
  for (std::size_t steps = 0; steps <= max_chain; ++steps) {
    const auto next = alias_of_.find(domain.ascii());
    if (next == alias_of_.end()) return mail::Address(address.local(), std::move(domain));
    domain = next->second;
  }
  return std::nullopt;
}

bool Index::find_exactly(Place& place, const mail::Address& address) const {
  place.key = address.lookup_key();
  if (const auto at = addresses_.find(place.key); at != addresses_.end()) {
    place.kind = Place::Kind::rows;
    place.rows = &at->second;
  } else if (const auto group = by_group_address_.find(place.key); group != by_group_address_.end()) {
    place.kind = Place::Kind::group;
    place.group = group->second;
  }
  return place.kind != Place::Kind::none;
}

Index::Place Index::find(const mail::Address& address, const Question& question) const {
  const auto bases = bases_of(address, question.separators);
  for (const auto& [base, detail] : bases) {
    Place place;
    if (!find_exactly(place, base)) continue;
    const auto* const own = account(place.key);
    if (!detail.empty() && own != nullptr && !setting_flag(*own, "plus_addresses")) continue;
    place.detail = detail;
    return place;
  }
  Place place;
  place.key = address.lookup_key();
  if (is_role(bases.back().first) && !table_->accounts.empty()) {
    place.kind = Place::Kind::role;
    return place;
  }
  const auto* const row = domain(*address.domain());
  if (!question.catch_all || row == nullptr || row->catch_all.empty()) return place;
  place.kind = Place::Kind::catch_all;
  place.key = "@" + row->name;
  return place;
}

std::vector<const store::AccountRow*> Index::admins() const {
  std::vector<const store::AccountRow*> out;
  for (const auto& row : table_->accounts) {
    if (row.enabled && setting_flag(row, "admin")) out.push_back(&row);
  }
  if (!out.empty() || table_->accounts.empty()) return out;
  // Disabled ones come last.
  const auto older = [](const auto& a, const auto& b) { return std::pair(!a.enabled, a.id) < std::pair(!b.enabled, b.id); };
  return {&*std::ranges::min_element(table_->accounts, older)};
}

Result<Targets> Index::resolve(const mail::Address& address, const Question& question) const {
  if (address.domain() == nullptr || !is_local(*address.domain())) return fail(ErrorKind::denied, "not a domain of ours");
  Walk walk(*this, question);
  if (auto followed = walk.follow(address, {}); !followed) return std::unexpected(followed.error());
  auto& targets = walk.targets();
  if (!targets.accounts.empty() || !targets.elsewhere.empty()) return std::move(targets);
  if (walk.refusal()) return std::unexpected(*walk.refusal());
  return fail(ErrorKind::not_found, "no such address");
}

bool Index::leads_to(const mail::Address& from, const std::string& lookup_key, const Question& question) const {
  Walk walk(*this, question);
  if (!walk.follow(from, {})) return true;
  const auto& visited = walk.visited();
  return std::find(visited.begin(), visited.end(), lookup_key) != visited.end();
}

std::optional<std::string> Index::right_to_send(store::AccountId id, const mail::Address& given, const Question& question) const {
  const auto address = canonical(given);
  if (!address || address->domain() == nullptr) return std::nullopt;
  if (is_local(*address->domain())) {
    // Neither a group nor a catch-all nor what is forwarded is anybody's own address.
    auto strict = question;
    strict.catch_all = strict.groups = strict.forwards = false;
    strict.writer = Writer::house();
    const auto targets = resolve(*address, strict);
    const auto owns = [id](const Target& one) { return one.account->id == id; };
    if (targets && std::ranges::any_of(targets->accounts, owns)) return "its own address";
  }
  const auto rights = grants_.find(id);
  if (rights == grants_.end()) return std::nullopt;
  for (const auto& right : rights->second) {
    const bool whole_domain = right.starts_with('@');
    const auto granted = mail::Address::parse(whole_domain ? "x" + right : right);
    const auto means = granted ? canonical(*granted) : std::nullopt;
    if (!means || means->domain() == nullptr || *means->domain() != *address->domain()) continue;
    const auto same = [&](const auto& base) { return base.first.lookup_key() == means->lookup_key(); };
    if (whole_domain || std::ranges::any_of(bases_of(*address, question.separators), same))
      return "the right to send as " + right;
  }
  return std::nullopt;
}

std::vector<BoundRules> Index::access_rules(store::AccountId id) const {
  std::vector<BoundRules> out;
  if (const auto* own = account(id)) out.push_back({{}, own->access});
  if (const auto at = groups_of_.find(id); at != groups_of_.end()) {
    for (const auto* group : at->second) out.push_back({group->name, group->access});
  }
  return out;
}

std::vector<std::string> Index::groups_of(store::AccountId id) const {
  std::vector<std::string> out;
  if (const auto at = groups_of_.find(id); at != groups_of_.end()) {
    for (const auto* group : at->second) out.push_back(group->name);
  }
  return out;
}

}  // namespace postern::auth
