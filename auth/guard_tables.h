// SPDX-License-Identifier: Apache-2.0
// What the guard counts with: windows on the steady clock and tables with a bound. Not thread-safe; the guard has the mutex.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "store/guard_book.h"

namespace postern::auth {

/// Failures since the first one of the window.
struct Window {
  Clock::Steady start{};
  unsigned count = 0;

  unsigned current(Clock::Steady now, std::chrono::nanoseconds length) const { return now - start < length ? count : 0; }
  void add(Clock::Steady now, std::chrono::nanoseconds length) {
    if (count == 0 || now - start >= length) *this = {now, 0};
    ++count;
  }
};

/// An address or a network.
struct SourceEntry {
  Window minute;
  Window day;
  unsigned under_way = 0;  ///< attempts
  unsigned guessing = 0;   ///< of these, on accounts that do not know the network
  unsigned insisted = 0;   ///< attempts after the day's budget was used up, since the last ban
  store::GuardEvidence evidence;
};

/// A name that is tried.
struct NameEntry {
  Window strangers;                   ///< failures from networks that the account does not know
  unsigned guessing = 0;              ///< attempts under way from there
  std::deque<std::uint64_t> refused;  ///< passwords as keyed hashes, newest last
  bool has_refused(std::uint64_t password) const { return std::find(refused.begin(), refused.end(), password) != refused.end(); }
};

/// A network that an account has logged in from.
struct KnownEntry {
  std::string network;
  Clock::Steady last{};  ///< login
  Clock::Steady last_failure{};
  Window failures;
};

/// SipHash under a key of the process (auth/guard.cc): an outsider cannot make entries collide.
struct KeyedHash {
  std::array<unsigned char, 16> key{};
  std::uint64_t operator()(std::string_view text) const;
};

/// Map with a bound: touching an entry makes it the newest, the oldest goes when there is no room. Knows which entries have
/// changed since they were last collected.
template <class Entry>
class GuardTable {
 public:
  GuardTable(std::size_t limit, KeyedHash hash) : limit_(std::max<std::size_t>(limit, 1)), index_(0, hash), dirty_(0, hash) {}

  Entry& touch(const std::string& key) {
    if (const auto at = index_.find(key); at != index_.end()) {
      order_.splice(order_.end(), order_, at->second);
      return at->second->second;
    }
    if (index_.size() >= limit_) {
      dirty_.erase(order_.front().first);
      index_.erase(order_.front().first);
      order_.pop_front();
    }
    order_.emplace_back(key, Entry{});
    index_.emplace(key, std::prev(order_.end()));
    return order_.back().second;
  }
  Entry* find(const std::string& key) {
    const auto at = index_.find(key);
    return at == index_.end() ? nullptr : &at->second->second;
  }
  void mark(const std::string& key) {
    if (index_.contains(key)) dirty_.insert(key);
  }
  void erase(const std::string& key) {
    const auto at = index_.find(key);
    if (at == index_.end()) return;
    dirty_.erase(key);
    order_.erase(at->second);
    index_.erase(key);
  }
  /// Calls take(key, entry) for what was marked, and unmarks it.
  template <class F>
  void collect(F take) {
    for (const auto& key : dirty_) {
      if (const auto* entry = find(key)) take(key, *entry);
    }
    dirty_.clear();
  }
  std::size_t size() const { return index_.size(); }

 private:
  std::size_t limit_;
  std::list<std::pair<std::string, Entry>> order_;  ///< least recently used first
  std::unordered_map<std::string, typename std::list<std::pair<std::string, Entry>>::iterator, KeyedHash> index_;
  std::unordered_set<std::string, KeyedHash> dirty_;
};

}  // namespace postern::auth
