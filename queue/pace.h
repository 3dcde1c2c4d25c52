// SPDX-License-Identifier: Apache-2.0
// Pace: how many deliveries to one destination at a time, learnt from how it answers. A destination begins with few; while it has
// never struggled each good answer allows one more, after that one more for each full round of good answers. A bad answer
// (everything was deferred, or there was no connection) halves what is allowed, once for all deliveries that were under way then.
//
// Memory is bounded: of more than max_known destinations the one that was used least recently is forgotten. Used on one executor.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mail/outcome.h"

namespace postern::queue {

class Pace {
 public:
  /// Deliveries at once to a destination that nothing is known of, and to one that struggles.
  static constexpr std::size_t first = 2;
  static constexpr std::size_t least = 1;
  /// Destinations that are remembered.
  static constexpr std::size_t max_known = 10'000;

  /// What one delivery said of its destination; `nothing`: the reason lay with us.
  enum class Answer : std::uint8_t { nothing, good, bad };
  static Answer answer_of(const std::vector<mail::Outcome>& outcomes);

  /// Deliveries that may be under way, at most `most`.
  std::size_t limit(const std::string& destination, std::size_t most) const;
  /// `under_way`: other deliveries to it that have not ended yet.
  void learn(const std::string& destination, Answer answer, std::size_t under_way, std::size_t most);
  std::size_t known() const { return known_.size(); }

 private:
  struct Known {
    double limit = static_cast<double>(first);
    bool struggled = false;
    std::size_t old = 0;     ///< deliveries that were under way at the last cut: they say nothing new
    std::uint64_t used = 0;  ///< when, in answers
  };
  void forget_one();
  std::map<std::string, Known> known_;
  std::uint64_t answers_ = 0;
};

}  // namespace postern::queue
