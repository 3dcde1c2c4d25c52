// SPDX-License-Identifier: Apache-2.0
// A wait belongs to the clock under which it began. When that was the clock before the jump, the wait moves with the clock. When
// it fits the clock after the jump it stays, for it is that clock which has come back. When it fits neither it begins again.
#include "store/queue_clock.h"

#include <fmt/chrono.h>

#include <ctime>

namespace postern::store {

namespace {

/// Mail that is accepted after a jump and before it is noticed carries times of the new clock. The runner notices within a
/// minute.
constexpr UnixTime unnoticed = 120;
constexpr std::string_view since = "; accepted ";
constexpr const char* form = "%Y-%m-%dT%H:%M:%SZ";

}  // namespace

std::string chosen_time_note(UnixTime accepted) {
  return fmt::format("{}{}{:%Y-%m-%dT%H:%M:%SZ}", chosen_time_mark, since, fmt::gmtime(static_cast<std::time_t>(accepted)));
}

std::optional<UnixTime> chosen_time_since(const QueueRecipient& recipient) {
  const std::string_view note = recipient.last_reply;
  if (recipient.attempts > 0 || recipient.state == QueueRecipient::State::done) return std::nullopt;
  if (!note.starts_with(chosen_time_mark)) return std::nullopt;
  const std::string when(note.substr(std::min(note.size(), chosen_time_mark.size() + since.size())));
  std::tm parts{};
  if (strptime(when.c_str(), form, &parts) == nullptr) return std::nullopt;
  return timegm(&parts);
}

UnixTime after_jump(const ClockJump& jump, UnixTime begun, UnixTime until) {
  const UnixTime before = jump.now - jump.by.count();
  const bool is_new = jump.by.count() < 0 && begun <= jump.now && begun > jump.now - unnoticed;
  if (!is_new && begun <= before && before < until) return until + jump.by.count();
  if (begun <= jump.now + unnoticed) return until;
  return jump.now + (until - begun);
}

std::int64_t follow_jump(const ClockJump& jump, QueueRecipient& recipient) {
  const auto chosen = chosen_time_since(recipient);
  const bool kept = jump.kept.count() > 0 && recipient.state == QueueRecipient::State::held;
  if (!chosen && !kept) return 0;
  const UnixTime begun = chosen ? *chosen : recipient.next_at - jump.kept.count();
  const auto by = after_jump(jump, begun, recipient.next_at) - recipient.next_at;
  recipient.next_at += by;
  if (chosen && by != 0) recipient.last_reply = chosen_time_note(begun + by);
  return by;
}

}  // namespace postern::store
