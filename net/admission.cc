// SPDX-License-Identifier: Apache-2.0
// Admission: shards by network, each with a mutex and a table for addresses and networks; one atomic total.
// An entry lives while a connection holds it or its rate window runs; a full shard gives up entries that nobody holds.
#include "net/admission.h"

#include <atomic>
#include <mutex>
#include <unordered_map>

#include "base/random.h"

namespace postern::net {

namespace {

constexpr std::size_t shard_count = 16;
/// Entries of a shard above which idle ones are given up: bounds the table at about 64,000 entries of 100 octets.
constexpr std::size_t shard_entries = 4096;
/// Making room goes down to this size, so that its cost is shared by many arrivals.
constexpr std::size_t kept_entries = shard_entries * 3 / 4;
constexpr std::chrono::seconds rate_window{60};
/// The longer window, and how many times the rate of the short one it has (security.md §1.6: 60 in a minute, 300 in ten).
constexpr std::chrono::seconds long_window{600};
constexpr std::size_t long_share = 5;

/// An address or a network; `network` tells 192.0.2.0 the host from 192.0.2.0/24.
struct Key {
  IpAddress address;
  bool network = false;
  bool operator==(const Key&) const = default;
};

/// Multiply-and-fold with secret seeds: a peer that does not know them cannot choose colliding addresses.
struct SeededHash {
  std::uint64_t seed = random::number() | 1U;
  std::uint64_t second = random::number();

  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  }
  std::size_t operator()(const Key& key) const {
    std::uint64_t half[2];
    std::memcpy(half, key.address.bytes().data(), sizeof half);
    const std::uint64_t tag = (key.address.is_v4() ? 2U : 0U) + (key.network ? 1U : 0U);
    return fold(half[0] ^ seed, half[1] ^ second) ^ fold(seed ^ tag, second ^ half[1]);
  }
};

/// Connections begun in the current window of a fixed length.
struct Window {
  std::size_t started = 0;
  Clock::Steady end{};

  std::size_t count(Clock::Steady now) const { return now < end ? started : 0; }
  void add(Clock::Steady now, std::chrono::seconds length) {
    if (now >= end) *this = {0, now + length};
    ++started;
  }
};

struct Entry {
  std::size_t active = 0;
  Window minute, long_run;
  Window refused;  ///< turned away, in a minute
  bool is_idle(Clock::Steady now) const { return active == 0 && minute.end <= now && long_run.end <= now && refused.end <= now; }
};

struct Shard {
  std::mutex mutex;
  std::unordered_map<Key, Entry, SeededHash> entries;

  void make_room(Clock::Steady now) {
    if (entries.size() < shard_entries) return;
    std::erase_if(entries, [now](const auto& item) { return item.second.is_idle(now); });
    for (auto item = entries.begin(); item != entries.end() && entries.size() >= kept_entries;)
      item = item->second.active == 0 ? entries.erase(item) : std::next(item);
  }
};

bool over(std::size_t value, std::size_t limit) { return limit != 0 && value >= limit; }

/// New connections of one network in a minute; see AdmissionLimits.
std::size_t network_rate(const AdmissionLimits& limits) {
  if (limits.per_address == 0 || limits.per_network == 0) return 0;
  return limits.rate_per_minute * std::max<std::size_t>(1, limits.per_network / limits.per_address);
}

bool too_fast(const Entry& entry, std::size_t rate, Clock::Steady now) {
  return over(entry.minute.count(now), rate) || over(entry.long_run.count(now), rate * long_share);
}

}  // namespace

struct Admission::State {
  State(AdmissionLimits given, const Clock& given_clock, Ban ban)
      : limits(std::move(given)), clock(given_clock), banned(std::move(ban)) {}
  mutable std::mutex limits_mutex;
  AdmissionLimits limits;
  const Clock& clock;
  const Ban banned;
  std::atomic<std::size_t> total{0};
  SeededHash shard_hash;
  std::array<Shard, shard_count> shards;
  std::mutex house_mutex;
  Entry house;  ///< refusals because of the total

  Shard& shard_of(const IpAddress& peer) { return shards[shard_hash(Key{peer.network_key(), true}) % shard_count]; }

  std::optional<Rejection> take(const IpAddress& peer, const AdmissionLimits& now_limits);
  Rejection full_house();
  void give_back(const IpAddress& peer);
};

/// Counts one connection of the peer, or says which limit forbids it.
std::optional<Rejection> Admission::State::take(const IpAddress& peer, const AdmissionLimits& now_limits) {
  Shard& shard = shard_of(peer);
  const auto now = clock.steady();
  const std::lock_guard lock(shard.mutex);
  shard.make_room(now);
  Entry& network = shard.entries[Key{peer.network_key(), true}];
  Entry& host = shard.entries[Key{peer.host_key(), false}];
  const auto refuse = [&host, now](Refusal reason) {
    host.refused.add(now, rate_window);
    return Rejection{reason, host.refused.started};
  };
  // Who goes on knocking stays out: what is refused counts for the minute, and for nothing else.
  const bool host_fast = too_fast(host, now_limits.rate_per_minute, now);
  host.minute.add(now, rate_window);
  if (host_fast || too_fast(network, network_rate(now_limits), now)) return refuse(Refusal::rate);
  if (over(host.active, now_limits.per_address)) return refuse(Refusal::per_address);
  if (over(network.active, now_limits.per_network)) return refuse(Refusal::per_network);
  host.long_run.add(now, long_window);
  network.minute.add(now, rate_window);
  network.long_run.add(now, long_window);
  ++host.active;
  ++network.active;
  return std::nullopt;
}

Rejection Admission::State::full_house() {
  const std::lock_guard lock(house_mutex);
  house.refused.add(clock.steady(), rate_window);
  return {Refusal::total, house.refused.started};
}

void Admission::State::give_back(const IpAddress& peer) {
  Shard& shard = shard_of(peer);
  const std::lock_guard lock(shard.mutex);
  for (const Key& key : {Key{peer.network_key(), true}, Key{peer.host_key(), false}}) {
    const auto item = shard.entries.find(key);
    if (item == shard.entries.end()) continue;
    --item->second.active;
  }
}

struct Admission::Permit::Held {
  std::shared_ptr<State> state;
  IpAddress peer;
  bool counted = false;  ///< false for exempt networks, which only the total counts
};

Admission::Permit::Permit() = default;
Admission::Permit::Permit(Permit&& other) noexcept = default;
Admission::Permit::~Permit() { reset(); }

Admission::Permit& Admission::Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    reset();
    held_ = std::move(other.held_);
  }
  return *this;
}

void Admission::Permit::reset() {
  const auto held = std::exchange(held_, nullptr);
  if (!held) return;
  if (held->counted) held->state->give_back(held->peer);
  held->state->total.fetch_sub(1, std::memory_order_relaxed);
}

bool Rejection::worth_a_line() const {
  constexpr std::size_t step = 10;
  std::size_t rest = times;
  while (rest >= step && rest % step == 0) rest /= step;
  return rest == 1;
}

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::per_address: return "too many connections from your address";
    case Refusal::per_network: return "too many connections from your network";
    case Refusal::total: return "too many connections";
    case Refusal::rate: return "too many new connections from your address, slow down";
    case Refusal::banned: return "your address is banned";
  }
  return "refused";
}

Admission::Admission(AdmissionLimits limits, const Clock& clock, Ban banned)
    : state_(std::make_shared<State>(std::move(limits), clock, std::move(banned))) {}
Admission::~Admission() = default;

std::expected<Admission::Permit, Rejection> Admission::enter(const IpAddress& peer) {
  if (state_->banned && state_->banned(peer)) return std::unexpected(Rejection{Refusal::banned});
  const std::lock_guard lock(state_->limits_mutex);
  const AdmissionLimits& limits = state_->limits;
  if (over(state_->total.load(std::memory_order_relaxed), limits.total)) return std::unexpected(state_->full_house());
  const bool exempt = std::ranges::any_of(limits.exempt, [&peer](const auto& network) { return network.contains(peer); });
  if (!exempt) {
    if (const auto rejection = state_->take(peer, limits)) return std::unexpected(*rejection);
  }
  state_->total.fetch_add(1, std::memory_order_relaxed);
  Permit permit;
  permit.held_ = std::make_unique<Permit::Held>(state_, peer, !exempt);
  return permit;
}

Rejection Admission::full_house() { return state_->full_house(); }

std::size_t Admission::active() const { return state_->total.load(std::memory_order_relaxed); }

std::size_t Admission::table_size() const {
  std::size_t sum = 0;
  for (auto& shard : state_->shards) {
    const std::lock_guard lock(shard.mutex);
    sum += shard.entries.size();
  }
  return sum;
}

void Admission::set_limits(const AdmissionLimits& limits) {
  const std::lock_guard lock(state_->limits_mutex);
  auto exempt = std::move(state_->limits.exempt);
  state_->limits = limits;
  state_->limits.exempt = std::move(exempt);
}

}  // namespace postern::net
