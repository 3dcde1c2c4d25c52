// SPDX-License-Identifier: Apache-2.0
// TraceBook: trace.db, the story of each message: how it came, what the rules said, where it went, what other servers answered.
//
// Invariants: nobody waits for it. note() puts an event into a queue in memory with an end; beyond that events are dropped and
// counted (postern_trace_events_lost_total). A damaged file is put aside; a crash may lose the last moments. It is bounded in
// time, events and octets, and not in backups.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"

namespace postern::store {

/// What is kept: the first limit that is reached counts.
struct TraceLimits {
  std::chrono::seconds keep{14 * 86400};
  std::uint64_t events = 2'000'000;
  std::uint64_t bytes = 512ULL * 1024 * 1024;  ///< of the file's pages in use
};

/// Something happened to a message, or to a connection that brought none.
struct TraceEvent {
  std::int64_t id = 0;     ///< given by the book, in order of writing
  std::int64_t at_ms = 0;  ///< milliseconds since 1970
  std::string message;     ///< the name that queue::Door gave it; empty: a connection without message
  std::string kind;        ///< "accepted", "refused", "recipient", "connection", "attempt", "notice"
  /// Names and values in the order of showing; names may come several times.
  std::vector<std::pair<std::string, std::string>> details;
  /// What it is found by: Message-ID, addresses, client, queue number. Any spelling; trace_word() is applied.
  std::vector<std::string> words;

  void add(std::string name, std::string value) { details.emplace_back(std::move(name), std::move(value)); }
};

/// How words are compared: lower-case ASCII, without spaces around and without angle brackets.
std::string trace_word(std::string_view text);

struct TraceQuery {
  std::string word;               ///< empty: any
  UnixTime from = 0;              ///< events at or after
  UnixTime until = 0;             ///< and before; 0: no end
  std::size_t most = 20;          ///< stories, the newest
  std::size_t most_events = 500;  ///< of one story
};

/// All that is known of one message, or one event without message.
struct TraceStory {
  std::string message;
  std::vector<TraceEvent> events;  ///< in order
};

struct TraceInfo {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  std::int64_t oldest_ms = 0;  ///< 0: there is none
};

class TraceBook {
 public:
  virtual ~TraceBook() = default;
  /// Thread-safe, never waits. The octets of one event beyond 16 KiB are cut off.
  virtual void note(TraceEvent event) = 0;
  /// Newest stories last. Errors: unavailable after close(), corrupt, io.
  virtual async::Task<Result<std::vector<TraceStory>>> find(TraceQuery query) = 0;
  virtual async::Task<Result<TraceInfo>> info() = 0;
  /// Removes what is beyond the limits; happens by itself while events are written.
  virtual async::Task<Result<>> prune() = 0;
  /// Writes what waits and closes the file.
  virtual void close() = 0;
};

}  // namespace postern::store
