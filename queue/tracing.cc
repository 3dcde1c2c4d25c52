// SPDX-License-Identifier: Apache-2.0
// Events of the queue carry the message's name, so that they join the story of its arrival.
#include "queue/tracing.h"

#include <fmt/format.h>

#include "base/ascii.h"
#include "mime/header.h"
#include "store/trace_book.h"

namespace postern::queue {
namespace {

store::TraceEvent begin(const Clock& clock, const store::QueueEntry& entry, std::string kind) {
  store::TraceEvent event;
  event.at_ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock.wall().time_since_epoch()).count();
  event.kind = std::move(kind);
  event.message = door_id_in(entry.prefix);
  if (event.message.empty()) event.message = fmt::format("queue-{}", entry.id);
  event.words = {event.message, std::to_string(entry.id)};
  event.add("queue_id", std::to_string(entry.id));
  event.add("from", mail::to_string(entry.sender));
  if (entry.sender) event.words.push_back(entry.sender->to_string());
  return event;
}

std::string_view word_for(store::Attempt::Result result, mail::Outcome::Kind kind) {
  switch (result) {
    case store::Attempt::Result::retry: return "tried again later";
    case store::Attempt::Result::hold: return "held";
    case store::Attempt::Result::done: break;
  }
  return kind == mail::Outcome::Kind::delivered ? "delivered" : "given up";
}

}  // namespace

// RFC 5321 §4.4: "id" and what follows it, in the field that smtp/trace.cc writes.
std::string door_id_in(std::string_view prefix) {
  std::size_t at = 0;
  while (const auto field = mime::next_field(prefix, at)) {
    if (!field->is("Received")) continue;
    constexpr std::string_view mark = "\tid ";
    const auto found = field->raw.find(mark);
    if (found == std::string_view::npos) return {};
    const auto rest = field->raw.substr(found + mark.size());
    return std::string(rest.substr(0, rest.find_first_of(" ;\r\n")));
  }
  return {};
}

void trace_attempt(store::TraceBook* book, const Clock& clock, const TracedAttempt& what) {
  if (book == nullptr) return;
  auto event = begin(clock, what.entry, "attempt");
  const auto& address = what.recipient.recipient.address;
  event.add("to", address.to_string());
  event.words.push_back(address.lookup_key());
  event.words.push_back(address.to_string());
  event.add("number", std::to_string(what.recipient.attempts + 1));
  event.add("result", std::string(word_for(what.attempt.result, what.outcome.kind)));
  if (!what.outcome.remote_host.empty()) event.add("server", what.outcome.remote_host);
  const auto code = what.outcome.code == 0 ? std::string() : std::to_string(what.outcome.code) + ' ';
  // Other servers say the enhanced code in their text (RFC 2034); our own reasons do not.
  const auto enhanced = what.outcome.enhanced.to_string();
  const bool said = what.outcome.text.starts_with(enhanced);
  event.add("reply", code + (said ? "" : enhanced + ' ') + what.outcome.text);
  if (what.attempt.result == store::Attempt::Result::retry) event.add("next", std::to_string(what.attempt.next_at));
  book->note(std::move(event));
}

void trace_notice(store::TraceBook* book, const Clock& clock, const store::QueueEntry& entry, std::string_view what,
                  std::string_view error) {
  if (book == nullptr) return;
  auto event = begin(clock, entry, "notice");
  event.add("about", std::string(what));
  if (!error.empty()) event.add("not_sent", std::string(error));
  book->note(std::move(event));
}

}  // namespace postern::queue
