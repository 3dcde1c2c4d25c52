// SPDX-License-Identifier: Apache-2.0
#include "auth/bans.h"

#include <algorithm>
#include <set>

namespace postern::auth {
namespace {

constexpr int growth = 4;  ///< each further ban of the same network is so many times as long

bool overlap(const IpNetwork& a, const IpNetwork& b) { return a.contains(b.address()) || b.contains(a.address()); }

/// All of `inner` lies in `outer`.
bool covers(const IpNetwork& outer, const IpNetwork& inner) {
  return outer.prefix() <= inner.prefix() && outer.contains(inner.address());
}

UnixTime end_of(const store::BanRow& row) { return row.lifted != 0 ? row.lifted : row.until; }

}  // namespace

Bans::Bans(BanRules rules, const Clock& clock) : clock_(clock), rules_(std::move(rules)) {}

void Bans::load(std::vector<store::BanRow> rows) {
  const std::unique_lock lock(mutex_);
  for (auto& row : rows) {
    const auto network = IpNetwork::parse(row.network);
    if (network) put(*network, std::move(row));
  }
  forget_old();
}

void Bans::set_rules(BanRules rules) {
  const std::unique_lock lock(mutex_);
  rules_ = std::move(rules);
}

bool Bans::holds(const store::BanRow& row) const { return row.lifted == 0 && (row.until == 0 || row.until > clock_.unix_now()); }

void Bans::note_prefixes() {
  std::set<int, std::greater<>> v4;
  std::set<int, std::greater<>> v6;
  for (const auto& [network, entry] : rows_) (network.address().is_v4() ? v4 : v6).insert(network.prefix());
  v4_prefixes_.assign(v4.begin(), v4.end());
  v6_prefixes_.assign(v6.begin(), v6.end());
}

void Bans::forget_old() {
  const auto before = clock_.unix_now() - ban_memory.count();
  std::erase_if(rows_, [&](const auto& item) {
    const auto end = end_of(item.second.row);
    return end != 0 && end < before;
  });
}

Bans::Entry& Bans::put(const IpNetwork& network, store::BanRow row) {
  auto& entry = rows_[network];
  entry.row = std::move(row);
  entry.turned_away = 0;
  note_prefixes();
  return entry;
}

bool Bans::is_spared(const IpAddress& address) const {
  const std::shared_lock lock(mutex_);
  return std::ranges::any_of(rules_.never, [&](const auto& network) { return network.contains(address); });
}

const Bans::Entry* Bans::find_entry(const IpAddress& address) const {
  if (rows_.empty()) return nullptr;
  for (const int prefix : address.is_v4() ? v4_prefixes_ : v6_prefixes_) {
    const auto at = rows_.find(IpNetwork(address, prefix));
    if (at != rows_.end() && holds(at->second.row)) return &at->second;
  }
  return nullptr;
}

bool Bans::turns_away(const IpAddress& address) const {
  const std::shared_lock lock(mutex_);
  const auto* entry = find_entry(address);
  if (entry == nullptr) return false;
  if (std::ranges::any_of(rules_.never, [&](const auto& network) { return network.contains(address); })) return false;
  entry->turned_away.fetch_add(1, std::memory_order_relaxed);
  return true;
}

std::optional<BanInForce> Bans::find(const IpAddress& address) const {
  if (is_spared(address)) return std::nullopt;
  const std::shared_lock lock(mutex_);
  const auto* entry = find_entry(address);
  if (entry == nullptr) return std::nullopt;
  return BanInForce{entry->row, entry->turned_away};
}

std::optional<store::BanRow> Bans::punish(const IpNetwork& network, std::string reason, store::GuardEvidence evidence) {
  const std::unique_lock lock(mutex_);
  if (rules_.first.count() == 0) return std::nullopt;
  forget_old();
  if (std::ranges::any_of(rules_.never, [&](const auto& one) { return overlap(one, network); })) return std::nullopt;
  const auto at = rows_.find(network);
  if (at != rows_.end() && holds(at->second.row)) return std::nullopt;
  store::BanRow row;
  row.network = network.to_string();
  row.since = clock_.unix_now();
  row.times = 1 + (at == rows_.end() ? 0 : at->second.row.times);
  auto length = rules_.first;
  for (std::uint64_t i = 1; i < row.times && length < rules_.longest; ++i) length *= growth;
  row.until = row.since + std::min(length, rules_.longest).count();
  row.reason = std::move(reason);
  row.evidence = std::move(evidence);
  return put(network, std::move(row)).row;
}

Result<store::BanRow> Bans::add(BanOrder order) {
  const std::unique_lock lock(mutex_);
  const auto text = order.network.to_string();
  for (const auto& never : rules_.never) {
    if (!covers(never, order.network)) continue;
    return fail(ErrorKind::invalid, fmt::format("{} lies in {}, which is never banned; take it out of auth.never_ban or "
                                                "trusted.networks first",
                                                text, never.to_string()));
  }
  const auto now = clock_.unix_now();
  if (order.until != 0 && order.until <= now) return fail(ErrorKind::invalid, "the end of the ban has passed already");
  const auto at = rows_.find(order.network);
  store::BanRow row;
  row.network = text;
  row.since = now;
  row.until = order.until;
  row.times = at == rows_.end() ? 0 : at->second.row.times;
  row.by_admin = true;
  row.reason = "banned by the admin";
  row.note = std::move(order.note);
  if (at != rows_.end()) row.evidence = at->second.row.evidence;
  return put(order.network, std::move(row)).row;
}

Result<store::BanRow> Bans::lift(const IpNetwork& network) {
  const std::unique_lock lock(mutex_);
  const auto at = rows_.find(network);
  if (at != rows_.end() && holds(at->second.row)) {
    at->second.row.lifted = clock_.unix_now();
    return at->second.row;
  }
  std::string others;
  for (const auto& [other, entry] : rows_) {
    if (overlap(other, network) && holds(entry.row)) others += (others.empty() ? "" : ", ") + other.to_string();
  }
  return fail(ErrorKind::not_found,
              network.to_string() + " is not banned" + (others.empty() ? std::string() : "; what is banned there is " + others));
}

std::vector<BanInForce> Bans::list(Which which) const {
  const std::shared_lock lock(mutex_);
  std::vector<BanInForce> out;
  for (const auto& [network, entry] : rows_) {
    if (which == Which::all || holds(entry.row)) out.push_back({entry.row, entry.turned_away});
  }
  return out;
}

std::vector<BanInForce> Bans::about(const IpAddress& address) const {
  const std::shared_lock lock(mutex_);
  std::vector<BanInForce> out;
  for (const auto& [network, entry] : rows_) {
    if (network.contains(address)) out.push_back({entry.row, entry.turned_away});
  }
  return out;
}

std::size_t Bans::in_force() const {
  const std::shared_lock lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(rows_, [this](const auto& item) { return holds(item.second.row); }));
}

}  // namespace postern::auth
