// SPDX-License-Identifier: Apache-2.0
// From the place of delivery through moves and copies to the end; see trace_follow.h.
#include "store/sqlite/trace_follow.h"

#include <algorithm>
#include <deque>

#include "base/cursor.h"
#include "store/mailbox_trace.h"
#include "store/sqlite/trace_rows.h"

namespace postern::store::sqlite {
namespace {

/// Places of one message that are followed: recipients and copies.
constexpr std::size_t places_max = 64;
/// Events of one mailbox that are looked through for one place.
constexpr std::int64_t events_looked_at = 20'000;

/// A message in a mailbox, since this event.
struct Place {
  std::uint64_t mailbox = 0;
  std::uint64_t uid = 0;
  std::int64_t since = 0;
};

const std::string* detail(const TraceEvent& event, std::string_view name) {
  for (const auto& [key, value] : event.details) {
    if (key == name) return &value;
  }
  return nullptr;
}

/// Calls `use(lo, hi)` for each range of "1:4,7" until it gives false.
template <class Use>
void each_range(std::string_view text, Use use) {
  Cursor in(text);
  while (const auto lo = in.take_number()) {
    const auto hi = in.take(':') ? in.take_number() : lo;
    if (!hi || *hi < *lo || !use(*lo, *hi)) return;
    if (!in.take(',')) return;
  }
}

/// How many UIDs of the set are below this one; nothing when it is not in the set.
std::optional<std::uint64_t> position_in(std::string_view set, std::uint64_t uid) {
  std::uint64_t before = 0;
  std::optional<std::uint64_t> out;
  each_range(set, [&](std::uint64_t lo, std::uint64_t hi) {
    if (uid >= lo && uid <= hi) out = before + (uid - lo);
    before += hi - lo + 1;
    return !out && uid > hi;
  });
  return out;
}

/// The UID at this position of the set.
std::optional<std::uint64_t> uid_at(std::string_view set, std::uint64_t position) {
  std::optional<std::uint64_t> out;
  each_range(set, [&](std::uint64_t lo, std::uint64_t hi) {
    if (position <= hi - lo) out = lo + position;
    position -= std::min(position, hi - lo + 1);
    return !out;
  });
  return out;
}

std::optional<Place> read_place(const std::string& text, std::int64_t since) {
  Cursor in(text);
  const auto mailbox = in.take_number();
  if (!mailbox || !in.take(':')) return std::nullopt;
  const auto uid = in.take_number();
  if (!uid) return std::nullopt;
  return Place{*mailbox, *uid, since};
}

std::deque<Place> delivered_places(const std::vector<TraceEvent>& events) {
  std::deque<Place> out;
  for (const auto& event : events) {
    for (const auto& [name, value] : event.details) {
      if (name != "at" || out.size() >= places_max) continue;
      if (const auto place = read_place(value, event.id)) out.push_back(*place);
    }
  }
  return out;
}

/// Where the event put the message at this position of its set.
std::optional<Place> destination(const TraceEvent& event, std::uint64_t position) {
  const auto* const into = detail(event, "into");
  const auto* const uids = detail(event, "new_uids");
  if (into == nullptr || uids == nullptr) return std::nullopt;
  const auto mailbox = Cursor(*into).take_number();
  const auto uid = uid_at(*uids, position);
  if (!mailbox || !uid) return std::nullopt;
  return Place{*mailbox, *uid, event.id};
}

/// The events that touched the message while it was there; places they led to are added.
void follow_place(Database& db, const Place& place, std::vector<TraceEvent>& events, std::deque<Place>& places) {
  const auto word = trace_word(static_cast<MailboxId>(place.mailbox));
  auto row = db.query(
      "SELECT e.id, e.at, e.message, e.kind, e.detail FROM word w JOIN event e ON e.id=w.event "
      "WHERE w.word=?1 AND w.event>?2 ORDER BY w.event LIMIT ?3",
      word, place.since, events_looked_at);
  while (row.step()) {
    auto event = read_event(row);
    const auto* const uids = detail(event, "uids");
    const auto position = uids == nullptr ? std::nullopt : position_in(*uids, place.uid);
    if (!position) continue;
    const bool stays = event.kind == "copied" || event.kind == "read";
    if (const auto next = destination(event, *position); next && places.size() < places_max) places.push_back(*next);
    if (std::ranges::find(events, event.id, &TraceEvent::id) == events.end()) events.push_back(std::move(event));
    if (!stays) return;
  }
}

}  // namespace

void follow(Database& db, std::vector<TraceEvent>& events, std::size_t most) {
  auto places = delivered_places(events);
  for (std::size_t i = 0; i < places.size() && events.size() < most; ++i) {
    const auto place = places[i];
    follow_place(db, place, events, places);
  }
  std::ranges::sort(events, {}, &TraceEvent::id);
  if (events.size() > most) events.resize(most);
}

}  // namespace postern::store::sqlite
