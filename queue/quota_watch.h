// SPDX-License-Identifier: Apache-2.0
// QuotaWatch: tells the owner of a mailbox, or a domain's postmaster, once, when it gets full ([quota] warn_at).
// The level that was told is durable; it is noted after the letter was accepted, so a crash between the two repeats a letter
// and never loses one. Falling below a level forgets it, so that the next time is told again.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "async/task.h"
#include "async/task_group.h"
#include "queue/letter.h"
#include "store/store.h"

namespace postern::queue {

class QuotaWatch {
 public:
  /// How often run() looks. Usage is in memory; looking costs no query.
  static constexpr std::chrono::seconds interval{20};

  QuotaWatch(Writing writing, store::Store& store) : writing_(writing), store_(store) {}

  /// Looks now and then until the group stops.
  async::Task<> run(async::TaskGroup& group);
  /// One look at every account and domain. Errors of single letters are logged, and the letter is tried again at the next look.
  async::Task<Result<>> look();

 private:
  using Key = std::pair<store::AccountId, std::string>;  ///< account, or 0 and a domain
  struct Subject {
    Key key;
    std::string name;  ///< login or domain
    std::string to;
    store::Quota quota;
  };
  async::Task<Result<>> recall();
  async::Task<> check(Subject subject);
  Letter letter(const Subject& subject, unsigned level) const;

  Writing writing_;
  store::Store& store_;
  bool recalled_ = false;
  std::map<Key, unsigned> told_;
};

/// The highest of the levels that is reached; 0: none.
unsigned reached_level(unsigned percent, const std::vector<config::Percent>& levels);

}  // namespace postern::queue
