// SPDX-License-Identifier: Apache-2.0
// Fixed windows on the steady clock, bounded tables, one mutex. Passwords are seen only as keyed hashes of (name, password) under
// a key that dies with the process; names that could not be ours are kept as keyed hashes too.
#include "auth/guard.h"

#include <sodium.h>

#include <mutex>
#include <unordered_map>

#include "auth/guard_tables.h"
#include "base/random.h"

namespace postern::auth {
namespace {

using Time = Clock::Steady;
using store::TallyScope;

constexpr std::chrono::minutes minute{1};
constexpr std::chrono::hours day{24};
/// A network that the account has used lately stays known for so long.
constexpr std::chrono::hours known_network_life{90 * 24};
/// As many as the store remembers (store::LoginRetention).
constexpr std::size_t known_networks_max = 100;
/// Beyond its budget a network that the account knows still gets an attempt now and then: its owner is never locked out.
constexpr std::chrono::minutes known_network_pause{5};
/// Refused passwords remembered for each name; older ones count again.
constexpr std::size_t refused_max = 32;
constexpr std::size_t evidence_names = 10;
constexpr std::chrono::hours purge_pause{1};

/// The address as a value; nothing for text that is none, which then is a customer by itself and never banned.
std::optional<IpAddress> address_of(const std::string& ip) {
  auto address = IpAddress::parse(ip);
  return address ? std::optional(*address) : std::nullopt;
}

constexpr int v4_host = 32, v4_network = 24, v6_host = 64, v6_network = 48;

IpNetwork host_net(const IpAddress& address) { return {address, address.is_v4() ? v4_host : v6_host}; }
IpNetwork wide_net(const IpAddress& address) { return {address, address.is_v4() ? v4_network : v6_network}; }
/// "192.0.2.1" without its /32, "2001:db8::/64".
std::string host_text(const IpNetwork& host) { return host.address().is_v4() ? host.address().to_string() : host.to_string(); }

bool counts_as_day(Stop stop) { return stop == Stop::address_day || stop == Stop::network_day; }

}  // namespace

std::uint64_t KeyedHash::operator()(std::string_view text) const {
  static_assert(sizeof key == crypto_shorthash_KEYBYTES);
  std::uint64_t out = 0;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&out), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                   key.data());
  return out;
}

std::string_view to_string(Stop stop) {
  switch (stop) {
    case Stop::banned: return "banned";
    case Stop::busy: return "busy";
    case Stop::address_minute: return "address_minute";
    case Stop::address_day: return "address_day";
    case Stop::network_day: return "network_day";
    case Stop::account_day: return "account_day";
    case Stop::known_network: return "known_network";
  }
  return "";
}

std::string_view describe(Stop stop) {
  switch (stop) {
    case Stop::banned: return "the address is banned";
    case Stop::busy: return "too many attempts of this address at once";
    case Stop::address_minute: return "too many failures of this address in a minute";
    case Stop::address_day: return "too many failures of this address in a day";
    case Stop::network_day: return "too many failures of this network in a day";
    case Stop::account_day: return "too many failures of this account in a day, from networks that it does not know";
    case Stop::known_network: return "too many failures of this account in a day, from this network that it knows";
  }
  return "";
}

namespace {

KeyedHash fresh_hash() {
  KeyedHash out;
  random::fill(std::as_writable_bytes(std::span(out.key)));
  return out;
}

/// One more attempt in the evidence; a failure or one that was refused.
void witness(store::GuardEvidence& seen, const Attempt& attempt, UnixTime now) {
  if (seen.first == 0) seen.first = now;
  seen.last = now;
  switch (attempt.protocol) {
    case Protocol::submission: ++seen.submission; break;
    case Protocol::imap: ++seen.imap; break;
    case Protocol::pop3: ++seen.pop3; break;
  }
  if (!attempt.ours) {
    ++seen.foreign_names;
  } else if (std::ranges::find(seen.names, attempt.name) != seen.names.end()) {
    return;
  } else if (seen.names.size() < evidence_names) {
    seen.names.push_back(attempt.name);
  } else {
    ++seen.more_names;
  }
}

}  // namespace

struct Guard::State {
  State(const GuardLimits& l, const Clock& c)
      : limits(l),
        clock(c),
        hash(fresh_hash()),
        addresses(l.table_size, hash),
        networks(l.table_size, hash),
        names(l.table_size, hash),
        bans(l.bans, c) {}

  std::uint64_t password_key(std::string_view name, const Secret& password) const {
    std::string text(name);
    text += '\0';
    text += password.reveal();
    const auto out = hash(text);
    wipe(text);
    return out;
  }
  /// What a name is kept under: itself when it could be ours, otherwise its hash, which tells nothing.
  std::string name_key(const Attempt& attempt) const {
    return attempt.ours ? attempt.name : "?" + std::to_string(hash(attempt.name));
  }

  KnownEntry* find_known(const std::string& name, const std::string& network, Time now) {
    const auto list = known.find(name);
    if (list == known.end()) return nullptr;
    const auto at = std::ranges::find(list->second, network, &KnownEntry::network);
    return at == list->second.end() || now - at->last > known_network_life ? nullptr : &*at;
  }
  bool known_to_anybody(const IpNetwork& network, Time now) const;
  void learn(const std::string& name, const std::string& network, Time at);

  std::vector<std::string> accounts_of(const IpNetwork& network, Time now) const;

  UnixTime unix_at(Time at, Time now) const {
    return clock.unix_now() - std::chrono::duration_cast<std::chrono::seconds>(now - at).count();
  }
  Time steady_at(UnixTime at, Time now) const { return now - std::chrono::seconds(std::max<UnixTime>(0, clock.unix_now() - at)); }

  std::optional<Stop> objection(Permit::Release& wish, Time now);
  std::optional<Stop> over_budget(const SourceEntry& address, const SourceEntry& network, Time now) const;
  std::optional<store::BanRow> insist(const Permit::Release& wish, Stop stop, Time now);

  GuardLimits limits;  ///< under the mutex
  const Clock& clock;
  const KeyedHash hash;
  mutable std::mutex mutex;
  GuardTable<SourceEntry> addresses, networks;
  GuardTable<NameEntry> names;
  /// Networks of accounts, used last at the end. Only a login adds to it, so it is bounded by the accounts.
  std::unordered_map<std::string, std::vector<KnownEntry>> known;
  std::unordered_map<std::string, Time> anybodys;                ///< networks of any account, with the last login
  std::vector<std::pair<std::string, std::string>> dirty_known;  ///< name, network
  std::vector<store::BanRow> fresh_bans;
  std::vector<store::TallyRow> forgotten;
  Time next_purge{};
  std::function<void(const store::BanRow&)> hear;
  Bans bans;
};

struct Guard::Permit::Release {
  std::shared_ptr<State> state;
  Attempt attempt;
  std::optional<IpAddress> ip;
  std::string address;  ///< keys
  std::string network;
  std::string name;
  bool guessing = false;  ///< the account does not know the network
  bool admitted = false;

  /// One more failure on all budgets that apply. The caller holds the mutex.
  void count() {
    const auto now = state->clock.steady();
    const auto unix = state->clock.unix_now();
    if (auto* known = state->find_known(name, network, now)) {
      known->failures.add(now, day);
      known->last_failure = now;
      state->dirty_known.emplace_back(name, network);
      return;
    }
    state->names.touch(name).strangers.add(now, day);
    state->names.mark(name);
    for (auto* table : {&state->addresses, &state->networks}) {
      const auto& key = table == &state->addresses ? address : network;
      auto& entry = table->touch(key);
      if (entry.day.current(now, day) == 0) {
        entry.evidence = {};
        entry.insisted = 0;
      }
      entry.minute.add(now, minute);
      entry.day.add(now, day);
      ++entry.evidence.failures;
      witness(entry.evidence, attempt, unix);
      table->mark(key);
    }
  }
  /// Gives back what admit() took. The caller holds the mutex.
  void leave() {
    const auto less = [](unsigned& value) {
      if (value > 0) --value;
    };
    for (auto* entry : {state->addresses.find(address), state->networks.find(network)}) {
      if (entry == nullptr) continue;
      less(entry->under_way);
      if (guessing) less(entry->guessing);
    }
    auto* tried = guessing ? state->names.find(name) : nullptr;
    if (tried != nullptr) less(tried->guessing);
  }
};

bool Guard::State::known_to_anybody(const IpNetwork& network, Time now) const {
  const auto at = anybodys.find(wide_net(network.address()).to_string());
  return at != anybodys.end() && now - at->second <= known_network_life;
}

std::vector<std::string> Guard::State::accounts_of(const IpNetwork& network, Time now) const {
  std::vector<std::string> out;
  for (const auto& [name, list] : known) {
    const bool there = std::ranges::any_of(list, [&](const auto& one) {
      const auto other = IpNetwork::parse(one.network);
      return now - one.last <= known_network_life && other &&
             (other->contains(network.address()) || network.contains(other->address()));
    });
    if (there) out.push_back(name);
  }
  std::ranges::sort(out);
  return out;
}

void Guard::State::learn(const std::string& name, const std::string& network, Time at) {
  auto& last = anybodys[network];
  last = std::max(last, at);
  auto& list = known[name];
  const auto found = std::ranges::find(list, network, &KnownEntry::network);
  if (found != list.end()) {
    found->last = std::max(found->last, at);
    std::rotate(found, found + 1, list.end());
    return;
  }
  if (list.size() >= known_networks_max) list.erase(list.begin());
  list.push_back({.network = network, .last = at, .last_failure = at - known_network_pause});
}

std::optional<Stop> Guard::State::over_budget(const SourceEntry& address, const SourceEntry& network, Time now) const {
  // The day first: who waits for tomorrow should not be told to wait a minute, and is the one who gets banned.
  if (address.day.current(now, day) + address.guessing >= limits.address_day) return Stop::address_day;
  if (address.minute.current(now, minute) >= limits.address_minute) return Stop::address_minute;
  if (network.day.current(now, day) + network.guessing >= limits.network_day) return Stop::network_day;
  return std::nullopt;
}

std::optional<Stop> Guard::State::objection(Permit::Release& wish, Time now) {
  auto& address = addresses.touch(wish.address);
  if (address.under_way >= limits.parallel) return Stop::busy;
  if (const auto* at = find_known(wish.name, wish.network, now)) {
    const bool spent = at->failures.current(now, day) >= limits.known_network_day;
    if (spent && now - at->last_failure < known_network_pause) return Stop::known_network;
    return std::nullopt;
  }
  wish.guessing = true;
  if (wish.ip && bans.find(*wish.ip)) return Stop::banned;
  if (const auto stop = over_budget(address, networks.touch(wish.network), now)) return stop;
  const auto& name = names.touch(wish.name);
  if (name.strangers.current(now, day) + name.guessing >= limits.account_day) return Stop::account_day;
  return std::nullopt;
}

/// Who goes on when his day's budget is used up is banned: evidence enough. The caller holds the mutex.
std::optional<store::BanRow> Guard::State::insist(const Permit::Release& wish, Stop stop, Time now) {
  const bool one = stop == Stop::address_day;
  auto& table = one ? addresses : networks;
  const auto& key = one ? wish.address : wish.network;
  auto& entry = table.touch(key);
  ++entry.evidence.refused;
  witness(entry.evidence, wish.attempt, clock.unix_now());
  table.mark(key);
  const auto failures = entry.day.current(now, day);
  if (failures < (one ? limits.address_day : limits.network_day) || ++entry.insisted < limits.ban_after || !wish.ip) {
    return std::nullopt;
  }
  entry.insisted = 0;
  const auto network = one ? host_net(*wish.ip) : wide_net(*wish.ip);
  if (known_to_anybody(network, now)) return std::nullopt;
  auto reason = fmt::format("{} failed logins in a day, and went on", failures);
  auto ban = bans.punish(network, std::move(reason), entry.evidence);
  if (ban) fresh_bans.push_back(*ban);
  return ban;
}

Guard::Permit::Permit(std::unique_ptr<Release> release) : release_(std::move(release)) {}

Guard::Permit::Permit(Permit&& other) noexcept = default;

Guard::Permit::~Permit() {
  if (!release_) return;
  const std::lock_guard lock(release_->state->mutex);
  release_->leave();
}

bool Guard::Permit::known_wrong(const Secret& password) const {
  const auto key = release_->state->password_key(release_->attempt.name, password);
  const std::lock_guard lock(release_->state->mutex);
  const auto* entry = release_->state->names.find(release_->name);
  return entry != nullptr && entry->has_refused(key);
}

void Guard::Permit::failed(const Secret& password) {
  const auto key = release_->state->password_key(release_->attempt.name, password);
  const std::lock_guard lock(release_->state->mutex);
  auto& entry = release_->state->names.touch(release_->name);
  if (entry.has_refused(key)) return;
  if (entry.refused.size() >= refused_max) entry.refused.pop_front();
  entry.refused.push_back(key);
  release_->count();
}

void Guard::Permit::failed() {
  const std::lock_guard lock(release_->state->mutex);
  release_->count();
}

void Guard::Permit::succeeded() {
  const auto now = release_->state->clock.steady();
  const std::lock_guard lock(release_->state->mutex);
  release_->state->learn(release_->name, release_->network, now);
}

Guard::Guard(GuardLimits limits, const Clock& clock) : state_(std::make_shared<State>(limits, clock)) {}
Guard::~Guard() = default;

std::expected<Guard::Permit, Stop> Guard::admit(const Attempt& attempt) {
  auto wish =
      std::make_unique<Permit::Release>(Permit::Release{.state = state_, .attempt = attempt, .ip = address_of(attempt.ip)});
  wish->address = wish->ip ? host_text(host_net(*wish->ip)) : attempt.ip;
  wish->network = wish->ip ? wide_net(*wish->ip).to_string() : attempt.ip;
  wish->name = state_->name_key(attempt);
  std::optional<store::BanRow> ban;
  std::optional<Stop> stop;
  {
    const auto now = state_->clock.steady();
    const std::lock_guard lock(state_->mutex);
    stop = state_->objection(*wish, now);
    if (stop && counts_as_day(*stop)) ban = state_->insist(*wish, *stop, now);
    if (!stop) {
      for (auto* entry : {&state_->addresses.touch(wish->address), &state_->networks.touch(wish->network)}) {
        ++entry->under_way;
        if (wish->guessing) ++entry->guessing;
      }
      if (wish->guessing) ++state_->names.touch(wish->name).guessing;
    }
  }
  if (ban && state_->hear) state_->hear(*ban);
  if (stop) return std::unexpected(*stop);
  return Permit(std::move(wish));
}

void Guard::forget(std::string_view name) {
  const std::string key(name);
  const std::lock_guard lock(state_->mutex);
  if (auto* entry = state_->names.find(key)) {
    entry->refused.clear();
    entry->strangers = {};
    state_->names.mark(key);
  }
  const auto list = state_->known.find(key);
  if (list == state_->known.end()) return;
  for (auto& network : list->second) {
    network.failures = {};
    state_->dirty_known.emplace_back(key, network.network);
  }
}

void Guard::remove(std::string_view name) {
  forget(name);
  const std::lock_guard lock(state_->mutex);
  const auto list = state_->known.find(std::string(name));
  if (list == state_->known.end()) return;
  for (const auto& network : list->second) {
    state_->forgotten.push_back({.scope = TallyScope::known_network, .key = network.network + " " + list->first});
  }
  state_->known.erase(list);
}

void Guard::pardon(const IpNetwork& network) {
  const std::lock_guard lock(state_->mutex);
  const auto address = host_text(host_net(network.address()));
  const auto wide = wide_net(network.address()).to_string();
  state_->addresses.erase(address);
  state_->networks.erase(wide);
  state_->forgotten.push_back({.scope = TallyScope::address, .key = address});
  state_->forgotten.push_back({.scope = TallyScope::network, .key = wide});
}

void Guard::set_limits(const GuardLimits& limits) {
  const std::lock_guard lock(state_->mutex);
  state_->limits = limits;
  state_->bans.set_rules(limits.bans);
}

void Guard::load(const store::GuardMemory& memory) {
  state_->bans.load(memory.bans);
  const auto now = state_->clock.steady();
  const std::lock_guard lock(state_->mutex);
  for (const auto& row : memory.tallies) {
    const Window window{state_->steady_at(row.since, now), static_cast<unsigned>(row.count)};
    switch (row.scope) {
      case TallyScope::address:
      case TallyScope::network: {
        auto& entry = (row.scope == TallyScope::address ? state_->addresses : state_->networks).touch(row.key);
        entry.day = window;
        entry.evidence = row.evidence;
        break;
      }
      case TallyScope::account: state_->names.touch(row.key).strangers = window; break;
      case TallyScope::known_network: {
        const auto space = row.key.find(' ');
        if (space == std::string::npos) break;
        auto* known = state_->find_known(row.key.substr(space + 1), row.key.substr(0, space), now);
        if (known != nullptr) known->failures = window;
        break;
      }
    }
  }
}

void Guard::learn(const std::string& name, const store::KnownNetwork& network) {
  const auto now = state_->clock.steady();
  const std::lock_guard lock(state_->mutex);
  state_->learn(name, network.network, state_->steady_at(network.last, now));
}

store::GuardChanges Guard::collect() {
  const auto now = state_->clock.steady();
  const std::lock_guard lock(state_->mutex);
  auto& state = *state_;
  store::GuardChanges out;
  out.bans = std::exchange(state.fresh_bans, {});
  out.forgotten = std::exchange(state.forgotten, {});
  const auto tally = [&](TallyScope scope, std::string key, const Window& window, store::GuardEvidence evidence) {
    out.tallies.push_back({scope, std::move(key), state.unix_at(window.start, now), window.count, std::move(evidence)});
  };
  state.addresses.collect([&](const auto& key, const auto& one) { tally(TallyScope::address, key, one.day, one.evidence); });
  state.networks.collect([&](const auto& key, const auto& one) { tally(TallyScope::network, key, one.day, one.evidence); });
  state.names.collect([&](const auto& key, const auto& one) {
    if (key.starts_with('?')) return;  // its hash means nothing to the next process
    if (one.strangers.count == 0) {
      out.forgotten.push_back({.scope = TallyScope::account, .key = key});
    } else {
      tally(TallyScope::account, key, one.strangers, {});
    }
  });
  for (const auto& [name, network] : std::exchange(state.dirty_known, {})) {
    const auto* one = state.find_known(name, network, now);
    const auto key = network + " " + name;
    if (one == nullptr || one->failures.count == 0) {
      out.forgotten.push_back({.scope = TallyScope::known_network, .key = key});
    } else {
      tally(TallyScope::known_network, key, one->failures, {});
    }
  }
  if (now < state.next_purge) return out;
  state.next_purge = now + purge_pause;
  out.tallies_before = state.clock.unix_now() - std::chrono::duration_cast<std::chrono::seconds>(day).count();
  out.bans_before = state.clock.unix_now() - ban_memory.count();
  return out;
}

void Guard::on_ban(std::function<void(const store::BanRow&)> hear) { state_->hear = std::move(hear); }

Bans& Guard::bans() { return state_->bans; }

AddressReport Guard::report(const IpAddress& address) const {
  const auto now = state_->clock.steady();
  AddressReport out;
  out.spared = state_->bans.is_spared(address);
  out.bans = state_->bans.about(address);
  out.in_force = state_->bans.find(address);
  const std::lock_guard lock(state_->mutex);
  auto& state = *state_;
  const auto fill = [&](AddressReport::Budget& budget, const SourceEntry* entry, const Window SourceEntry::* window,
                        std::chrono::seconds length) {
    if (entry == nullptr) return;
    budget.used = (entry->*window).current(now, length);
    if (budget.used > 0) budget.renewed = state.unix_at((entry->*window).start, now) + length.count();
    budget.evidence = entry->evidence;
  };
  out.minute = {.key = host_text(host_net(address)), .limit = state.limits.address_minute};
  out.day = {.key = out.minute.key, .limit = state.limits.address_day};
  out.network = {.key = wide_net(address).to_string(), .limit = state.limits.network_day};
  fill(out.minute, state.addresses.find(out.minute.key), &SourceEntry::minute, minute);
  fill(out.day, state.addresses.find(out.day.key), &SourceEntry::day, day);
  fill(out.network, state.networks.find(out.network.key), &SourceEntry::day, day);
  out.known_to = state.accounts_of(wide_net(address), now);
  return out;
}

std::vector<std::string> Guard::known_to(const IpNetwork& network) const {
  const auto now = state_->clock.steady();
  const std::lock_guard lock(state_->mutex);
  return state_->accounts_of(network, now);
}

NameReport Guard::report(const std::string& name) const {
  const auto now = state_->clock.steady();
  const std::lock_guard lock(state_->mutex);
  auto& state = *state_;
  NameReport out;
  const auto budget = [&](std::string key, const Window& window, unsigned limit) {
    AddressReport::Budget one{.key = std::move(key), .used = window.current(now, day), .limit = limit};
    if (one.used > 0) {
      one.renewed = state.unix_at(window.start, now) + std::chrono::duration_cast<std::chrono::seconds>(day).count();
    }
    return one;
  };
  const auto* entry = state.names.find(name);
  out.strangers = budget(name, entry != nullptr ? entry->strangers : Window{}, state.limits.account_day);
  if (const auto list = state.known.find(name); list != state.known.end()) {
    for (const auto& one : list->second) {
      if (now - one.last <= known_network_life) {
        out.known_networks.push_back(budget(one.network, one.failures, state.limits.known_network_day));
      }
    }
  }
  std::ranges::reverse(out.known_networks);
  return out;
}

std::size_t Guard::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->addresses.size() + state_->networks.size() + state_->names.size();
}

}  // namespace postern::auth
