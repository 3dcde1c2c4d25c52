// SPDX-License-Identifier: Apache-2.0
// One LedgerFile. Events go in by its writer thread, many in one transaction; questions are asked on the same thread, so that
// they see everything that was noted before.
#include "store/sqlite/trace_book.h"

#include <set>

#include "store/sqlite/ledger_file.h"
#include "store/sqlite/trace_follow.h"
#include "store/sqlite/trace_rows.h"

namespace postern::store::sqlite {

namespace {

/// Events between two looks at the limits, and most events that one look removes: the writer never works long at it.
constexpr std::uint64_t look_every = 256;
constexpr std::int64_t removed_at_once = 4096;
/// When the file is too large, this share of its events goes.
constexpr std::int64_t share_removed = 20;
/// What one look for a word goes through at most, for words that every message has.
constexpr std::int64_t words_looked_at = 20'000;

LedgerKind kind_of_trace() {
  return {.file = "trace.db",
          .schema = trace_schema(),
          .contents = "the trace of messages",
          .lost_metric = "postern_trace_events_lost_total",
          .max_waiting = trace_waiting_max};
}

std::uint64_t bytes_in_use(Database& db) {
  const auto pages = db.integer(0, "PRAGMA page_count") - db.integer(0, "PRAGMA freelist_count");
  return static_cast<std::uint64_t>(pages * db.integer(0, "PRAGMA page_size"));
}

/// Removes events up to and with this one, as many as may go at once.
void remove_up_to(Database& db, std::int64_t last) {
  const auto first = db.integer(0, "SELECT min(id) FROM event");
  last = std::min(last, first + removed_at_once);
  db.run("DELETE FROM word WHERE event<=?1", last);
  db.run("DELETE FROM event WHERE id<=?1", last);
}

std::int64_t too_old(Database& db, const TraceLimits& limits, UnixTime now) {
  const auto before = (now - limits.keep.count()) * 1000;
  return db.integer(0, "SELECT max(id) FROM (SELECT id FROM event WHERE at<?1 ORDER BY at LIMIT ?2)", before, removed_at_once);
}

/// The newest event that must go; 0: none.
std::int64_t last_to_go(Database& db, const TraceLimits& limits, UnixTime now) {
  const auto first = db.integer(0, "SELECT min(id) FROM event");
  const auto last = db.integer(0, "SELECT max(id) FROM event");
  auto out = too_old(db, limits, now);
  // Events go in order, so that ids have no gaps to speak of.
  out = std::max(out, last - static_cast<std::int64_t>(limits.events));
  if (bytes_in_use(db) > limits.bytes) out = std::max(out, first + (last - first) / share_removed);
  return out;
}

void look_at_limits(Database& db, const TraceLimits& limits, UnixTime now) {
  if (const auto last = last_to_go(db, limits, now); last > 0) remove_up_to(db, last);
}

/// The newest events in question, newest first: each begins a story unless its message is there already. `word` outlives the
/// statement.
Query events_in_question(Database& db, const TraceQuery& query, const std::string& word) {
  constexpr std::int64_t no_end = INT64_MAX;
  const auto from = query.from * 1000;
  const auto until = query.until == 0 ? no_end : query.until * 1000;
  if (word.empty()) {
    // What people do in their mailboxes belongs to the stories of messages, and is none of its own.
    return db.query(
        "SELECT id, at, message, kind, detail FROM event WHERE at>=?1 AND at<?2 AND "
        "kind NOT IN ('moved','copied','expunged','removed') ORDER BY id DESC",
        from, until);
  }
  return db.query(
      "SELECT e.id, e.at, e.message, e.kind, e.detail FROM (SELECT event FROM word WHERE word=?1 ORDER BY event DESC LIMIT ?4) w "
      "JOIN event e ON e.id=w.event WHERE e.at>=?2 AND e.at<?3 ORDER BY e.id DESC",
      word, from, until, words_looked_at);
}

std::vector<TraceEvent> events_of(Database& db, const std::string& message, std::size_t most) {
  std::vector<TraceEvent> out;
  auto row = db.query("SELECT id, at, message, kind, detail FROM event WHERE message=?1 AND message<>'' ORDER BY id LIMIT ?2",
                      message, static_cast<std::int64_t>(most));
  while (row.step()) out.push_back(read_event(row));
  return out;
}

std::vector<TraceStory> find_stories(Database& db, const TraceQuery& query) {
  std::vector<TraceStory> out;
  std::set<std::string> seen;
  const auto word = trace_word(query.word);
  {
    auto row = events_in_question(db, query, word);
    while (out.size() < query.most && row.step()) {
      auto event = read_event(row);
      if (event.message.empty()) {
        out.push_back({"", {std::move(event)}});
      } else if (seen.insert(event.message).second) {
        out.push_back({std::move(event.message), {}});
      }
    }
  }
  for (auto& story : out) {
    if (story.message.empty()) continue;
    story.events = events_of(db, story.message, query.most_events);
    follow(db, story.events, query.most_events);
  }
  std::ranges::reverse(out);
  return out;
}

class SqliteTraceBook final : public TraceBook {
 public:
  SqliteTraceBook(LedgerFile::Parts parts, const TraceLimits& limits)
      : clock_(parts.clock), limits_(limits), file_(std::move(parts)) {}

  void note(TraceEvent event) override {
    file_.post([this, event = std::move(event)](Database& db) {
      db.run("INSERT INTO event (at, message, kind, detail) VALUES (?1,?2,?3,?4)", event.at_ms, event.message, event.kind,
             write_details(event));
      const auto id = db.last_id();
      for (const auto& text : event.words) {
        if (const auto word = trace_word(text); !word.empty()) db.run("INSERT OR IGNORE INTO word VALUES (?1,?2)", word, id);
      }
      if (++noted_ % look_every == 0) look_at_limits(db, limits_, clock_.unix_now());
    });
  }

  async::Task<Result<std::vector<TraceStory>>> find(TraceQuery query) override {
    co_return co_await file_.run<std::vector<TraceStory>>(
        [query = std::move(query)](Database& db) -> Result<std::vector<TraceStory>> { return find_stories(db, query); });
  }

  async::Task<Result<TraceInfo>> info() override {
    co_return co_await file_.run<TraceInfo>([](Database& db) -> Result<TraceInfo> {
      TraceInfo out;
      out.events = static_cast<std::uint64_t>(db.integer(0, "SELECT count(*) FROM event"));
      out.bytes = bytes_in_use(db);
      out.oldest_ms = db.integer(0, "SELECT min(at) FROM event");
      return out;
    });
  }

  async::Task<Result<>> prune() override {
    co_return co_await file_.run<void>([this](Database& db) -> Result<> {
      const auto now = clock_.unix_now();
      for (auto last = last_to_go(db, limits_, now); last > 0; last = last_to_go(db, limits_, now)) remove_up_to(db, last);
      return {};
    });
  }

  void close() override { file_.close(); }

 private:
  const Clock& clock_;
  const TraceLimits limits_;
  std::uint64_t noted_ = 0;  ///< by the writer's thread alone
  LedgerFile file_;          // last: its thread uses the rest
};

}  // namespace

std::unique_ptr<TraceBook> open_trace_book(const std::filesystem::path& folder, const TraceLimits& limits,
                                           const Surroundings& around) {
  return std::make_unique<SqliteTraceBook>(LedgerFile::Parts{folder, around.clock, around.log, around.metrics, kind_of_trace()},
                                           limits);
}

}  // namespace postern::store::sqlite
