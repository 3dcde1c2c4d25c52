// SPDX-License-Identifier: Apache-2.0
// Whether the records of our DKIM keys are published, and KeyWatch, which takes a waiting key into use as soon as its record is
// seen and complains when the record of an active one has gone.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "async/task.h"
#include "async/task_group.h"
#include "base/log.h"
#include "dns/resolver.h"
#include "policy/dkim_book.h"

namespace postern::policy {

/// What the DNS says about one key.
struct Publication {
  enum class State : std::uint8_t {
    published,  ///< the record holds this key
    absent,     ///< there is none
    different,  ///< there is one with another key, or one that cannot be read
    unclear     ///< DNS did not answer
  };
  State state = State::unclear;
  std::string text;      ///< for people: what was found, and what to do
  bool testing = false;  ///< t=y: others are told not to rely on it
};
std::string_view to_string(Publication::State state);

/// Asks the resolver; its cache may still hold an older answer for the record's lifetime.
async::Task<Publication> find_publication(dns::Resolver& resolver, DkimKey key);

class KeyWatch {
 public:
  /// Between two looks at keys that wait, and at keys in use.
  static constexpr std::chrono::minutes waiting_interval{5};
  static constexpr std::chrono::hours active_interval{6};

  KeyWatch(DkimBook& book, dns::Resolver& resolver, Log& log) : book_(book), resolver_(resolver), log_(log) {}
  /// Looks now and then until the group stops.
  async::Task<> run(async::TaskGroup& group);
  /// One look at the keys in this state.
  async::Task<> look(DkimKey::State state);

 private:
  DkimBook& book_;
  dns::Resolver& resolver_;
  Log& log_;
};

}  // namespace postern::policy
