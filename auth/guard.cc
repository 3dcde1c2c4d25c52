// SPDX-License-Identifier: Apache-2.0
// Fixed windows on the steady clock, two least-recently-used tables, one mutex. Passwords are seen only as keyed hashes of
// (name, password) under a key that dies with the process.
#include "auth/guard.h"

#include <arpa/inet.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <deque>
#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/random.h"

namespace postern::auth {
namespace {

using Time = Clock::Steady;
using Key = std::uint64_t;

constexpr std::chrono::minutes minute{1};
constexpr std::chrono::hours day{24};
/// A network that the account has used lately stays known for so long.
constexpr std::chrono::hours known_network_life{30 * 24};
constexpr std::size_t known_networks_max = 8;
/// Refused passwords remembered for each name; older ones count again.
constexpr std::size_t refused_max = 32;

/// Failures since the first one of the window.
struct Window {
  Time start{};
  unsigned count = 0;

  unsigned current(Time now, std::chrono::nanoseconds length) const { return now - start < length ? count : 0; }
  void add(Time now, std::chrono::nanoseconds length) {
    if (count == 0 || now - start >= length) *this = {now, 0};
    ++count;
  }
};

struct AddressEntry {
  Window minute_window;
  Window day_window;
  unsigned under_way = 0;
};

struct KnownNetwork {
  Key network = 0;
  Time last{};
  Window failures;
};

struct NameEntry {
  Window strangers;
  std::vector<KnownNetwork> networks;  ///< most recent last
  std::deque<Key> refused;             ///< newest last

  KnownNetwork* find(Key network, Time now) {
    const auto at =
        std::find_if(networks.begin(), networks.end(), [&](const KnownNetwork& one) { return one.network == network; });
    return at == networks.end() || now - at->last > known_network_life ? nullptr : &*at;
  }
  bool has_refused(Key password) const { return std::find(refused.begin(), refused.end(), password) != refused.end(); }
};

/// Map with a bound: touching an entry makes it the newest, the oldest goes when there is no room.
template <class Entry>
class Table {
 public:
  explicit Table(std::size_t limit) : limit_(std::max<std::size_t>(limit, 1)) {}

  Entry& touch(Key key) {
    if (const auto at = index_.find(key); at != index_.end()) {
      order_.splice(order_.end(), order_, at->second);
      return at->second->second;
    }
    if (index_.size() >= limit_) {
      index_.erase(order_.front().first);
      order_.pop_front();
    }
    order_.emplace_back(key, Entry{});
    index_.emplace(key, std::prev(order_.end()));
    return order_.back().second;
  }
  Entry* find(Key key) {
    const auto at = index_.find(key);
    return at == index_.end() ? nullptr : &at->second->second;
  }
  std::size_t size() const { return index_.size(); }

 private:
  std::size_t limit_;
  std::list<std::pair<Key, Entry>> order_;  ///< least recently used first
  std::unordered_map<Key, typename std::list<std::pair<Key, Entry>>::iterator> index_;
};

/// An address as octets: 4, or 16 for IPv6; IPv4-mapped addresses count as IPv4. What is no address stays its own text.
std::string address_octets(const std::string& ip) {
  std::array<char, sizeof(in6_addr)> raw{};
  if (inet_pton(AF_INET, ip.c_str(), raw.data()) == 1) return {raw.data(), sizeof(in_addr)};
  if (inet_pton(AF_INET6, ip.c_str(), raw.data()) != 1) return ip;
  constexpr std::string_view mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  const std::string all(raw.data(), raw.size());
  return all.starts_with(mapped) ? all.substr(mapped.size()) : all;
}

/// /32 or /64: one customer.
std::string customer_of(const std::string& ip) {
  const auto octets = address_octets(ip);
  return octets.size() == sizeof(in6_addr) ? octets.substr(0, 8) : octets;
}

/// /24 or /48: one network.
std::string network_of(const std::string& ip) {
  const auto octets = address_octets(ip);
  if (octets.size() == sizeof(in6_addr)) return octets.substr(0, 6);
  return octets.size() == sizeof(in_addr) ? octets.substr(0, 3) : octets;
}

}  // namespace

struct Guard::State {
  State(GuardLimits l, const Clock& c) : limits(l), clock(c), addresses(l.table_size), names(l.table_size) {
    random::fill(std::as_writable_bytes(std::span(hash_key)));
  }

  /// SipHash under the process's key: an outsider cannot make entries collide.
  Key key(std::string_view text) const {
    Key out = 0;
    crypto_shorthash(reinterpret_cast<unsigned char*>(&out), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     hash_key.data());
    return out;
  }
  Key password_key(std::string_view name, const Secret& password) const {
    std::string text(name);
    text += '\0';
    text += password.reveal();
    const auto out = key(text);
    wipe(text);
    return out;
  }

  GuardLimits limits;  ///< under the mutex
  const Clock& clock;
  std::array<unsigned char, crypto_shorthash_KEYBYTES> hash_key{};
  std::mutex mutex;
  Table<AddressEntry> addresses;
  Table<NameEntry> names;
};

struct Guard::Permit::Release {
  std::shared_ptr<State> state;
  Attempt attempt;
  Key customer = 0;
  Key network = 0;
  Key name = 0;

  /// One more failure on all budgets that apply. The caller holds the mutex.
  void count() {
    const auto now = state->clock.steady();
    auto& entry = state->names.touch(name);
    if (auto* known = entry.find(network, now)) {
      known->failures.add(now, day);
    } else {
      entry.strangers.add(now, day);
    }
    auto& address = state->addresses.touch(customer);
    address.minute_window.add(now, minute);
    address.day_window.add(now, day);
  }
};

Guard::Permit::Permit(std::unique_ptr<Release> release) : release_(std::move(release)) {}

Guard::Permit::Permit(Permit&& other) noexcept = default;

Guard::Permit::~Permit() {
  if (!release_) return;
  const std::lock_guard lock(release_->state->mutex);
  auto* address = release_->state->addresses.find(release_->customer);
  if (address != nullptr && address->under_way > 0) --address->under_way;
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
  auto& networks = release_->state->names.touch(release_->name).networks;
  const auto at =
      std::find_if(networks.begin(), networks.end(), [&](const KnownNetwork& one) { return one.network == release_->network; });
  if (at != networks.end()) {
    at->last = now;
    std::rotate(at, at + 1, networks.end());
    return;
  }
  if (networks.size() >= known_networks_max) networks.erase(networks.begin());
  networks.push_back({release_->network, now, {}});
}

Guard::Guard(GuardLimits limits, const Clock& clock) : state_(std::make_shared<State>(limits, clock)) {}
Guard::~Guard() = default;

std::optional<Guard::Permit> Guard::admit(const Attempt& attempt) {
  auto release = std::make_unique<Permit::Release>(Permit::Release{state_, attempt, state_->key("a" + customer_of(attempt.ip)),
                                                                   state_->key("n" + network_of(attempt.ip)),
                                                                   state_->key("u" + attempt.name)});
  const auto now = state_->clock.steady();
  const std::lock_guard lock(state_->mutex);
  const auto& limits = state_->limits;
  auto& address = state_->addresses.touch(release->customer);
  if (address.under_way >= limits.parallel) return std::nullopt;
  auto* entry = state_->names.find(release->name);
  if (const auto* known = entry != nullptr ? entry->find(release->network, now) : nullptr) {
    if (known->failures.current(now, day) >= limits.known_network_day) return std::nullopt;
  } else {
    if (address.minute_window.current(now, minute) >= limits.address_minute) return std::nullopt;
    if (address.day_window.current(now, day) >= limits.address_day) return std::nullopt;
    if (entry != nullptr && entry->strangers.current(now, day) >= limits.account_day) return std::nullopt;
  }
  ++address.under_way;
  return Permit(std::move(release));
}

void Guard::forget(std::string_view name) {
  const auto key = state_->key("u" + std::string(name));
  const std::lock_guard lock(state_->mutex);
  auto* entry = state_->names.find(key);
  if (entry == nullptr) return;
  entry->refused.clear();
  entry->strangers = {};
  for (auto& network : entry->networks) network.failures = {};
}

void Guard::set_limits(const GuardLimits& limits) {
  const std::lock_guard lock(state_->mutex);
  state_->limits = limits;
}

std::size_t Guard::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->addresses.size() + state_->names.size();
}

}  // namespace postern::auth
