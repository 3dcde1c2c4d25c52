// SPDX-License-Identifier: Apache-2.0
#include "queue/pace.h"

#include <algorithm>

namespace postern::queue {

namespace {

/// RFC 3463 §3.4, §3.5: trouble with the message's own storage, with DNS, or with slots of ours tells nothing of the destination.
bool is_our_own(const mail::Outcome& outcome) {
  if (outcome.code != 0) return false;
  const auto& [klass, subject, detail] = outcome.enhanced;
  return subject == 3 || (subject == 4 && (detail == 3 || detail == 5));
}

}  // namespace

Pace::Answer Pace::answer_of(const std::vector<mail::Outcome>& outcomes) {
  const auto kept = [](const mail::Outcome& one) { return one.kind == mail::Outcome::Kind::deferred; };
  if (std::ranges::all_of(outcomes, is_our_own)) return Answer::nothing;
  if (!std::ranges::all_of(outcomes, kept)) {
    const bool answered = std::ranges::any_of(outcomes, [&](const auto& one) { return !kept(one) && one.code != 0; });
    return answered ? Answer::good : Answer::nothing;
  }
  return Answer::bad;
}

std::size_t Pace::limit(const std::string& destination, std::size_t most) const {
  const auto at = known_.find(destination);
  const auto allowed = at == known_.end() ? first : static_cast<std::size_t>(at->second.limit);
  return std::clamp(allowed, least, std::max(most, least));
}

void Pace::learn(const std::string& destination, Answer answer, std::size_t under_way, std::size_t most) {
  auto at = known_.find(destination);
  if (at == known_.end()) {
    if (answer == Answer::nothing) return;
    if (known_.size() >= max_known) forget_one();
    at = known_.emplace(destination, Known{}).first;
  }
  auto& known = at->second;
  known.used = ++answers_;
  const bool is_old = known.old > 0;
  if (is_old) --known.old;
  if (answer == Answer::good) {
    known.limit += known.struggled ? 1.0 / known.limit : 1.0;
  } else if (answer == Answer::bad && !is_old) {
    known.limit /= 2;
    known.struggled = true;
    known.old = under_way;
  }
  known.limit = std::clamp(known.limit, static_cast<double>(least), static_cast<double>(std::max(most, least)));
}

void Pace::forget_one() {
  const auto oldest = std::ranges::min_element(known_, {}, [](const auto& one) { return one.second.used; });
  if (oldest != known_.end()) known_.erase(oldest);
}

}  // namespace postern::queue
