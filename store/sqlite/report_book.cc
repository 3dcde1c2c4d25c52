// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/report_book.h"

#include <map>

namespace postern::store::sqlite {

namespace {

std::int64_t number(ReportKind kind) { return static_cast<std::int64_t>(kind); }

bool is_settled(Database& db, const ReportTopic& topic) {
  return db.integer(0, "SELECT 1 FROM report_sent WHERE kind=?1 AND day=?2 AND domain=?3", number(topic.kind), topic.day,
                    topic.domain) != 0;
}

}  // namespace

/// Rows of each topic. When a damaged file is replaced while the server runs they count too many until the next start.
struct SqliteReportBook::Sizes {
  bool known = false;
  std::size_t total = 0;
  std::map<ReportTopic, std::size_t> of;

  void learn(Database& db) {
    if (std::exchange(known, true)) return;
    auto row = db.query("SELECT kind, day, domain, count(*) FROM report_fact GROUP BY kind, day, domain");
    while (row.step()) {
      const auto size = static_cast<std::size_t>(row.integer(3));
      of[{static_cast<ReportKind>(row.integer(0)), row.integer(1), std::string(row.text(2))}] = size;
      total += size;
    }
  }
  void drop(const ReportTopic& topic) {
    const auto at = of.find(topic);
    if (at == of.end()) return;
    total -= at->second;
    of.erase(at);
  }
  void add(Database& db, const ReportTopic& topic, const ReportCount& more) {
    learn(db);
    if (db.run("UPDATE report_fact SET count=count+?5 WHERE kind=?1 AND day=?2 AND domain=?3 AND facts=?4", number(topic.kind),
               topic.day, topic.domain, more.facts, more.count) != 0) {
      return;
    }
    const auto at = of.find(topic);
    const std::size_t size = at == of.end() ? 0 : at->second;
    if (total >= report_facts_total_max || size >= report_facts_max) return;
    db.run("INSERT INTO report_fact VALUES (?1,?2,?3,?4,?5)", number(topic.kind), topic.day, topic.domain, more.facts,
           more.count);
    of[topic] = size + 1;
    ++total;
  }
};

SqliteReportBook::SqliteReportBook(LedgerFile& file) : file_(file), sizes_(std::make_shared<Sizes>()) {}

void SqliteReportBook::note(ReportTopic topic, std::string facts) {
  file_.post([sizes = sizes_, topic = std::move(topic), more = ReportCount{std::move(facts), 1}](Database& db) {
    sizes->add(db, topic, more);
  });
}

async::Task<Result<std::vector<ReportTopic>>> SqliteReportBook::due(ReportKind kind, std::int64_t before_day, std::size_t most) {
  using Topics = std::vector<ReportTopic>;
  co_return co_await file_.run<Topics>([kind, before_day, most](Database& db) -> Result<Topics> {
    Topics out;
    auto row = db.query("SELECT DISTINCT day, domain FROM report_fact WHERE kind=?1 AND day<?2 ORDER BY day, domain LIMIT ?3",
                        number(kind), before_day, static_cast<std::int64_t>(most));
    while (row.step()) out.push_back({kind, row.integer(0), std::string(row.text(1))});
    return out;
  });
}

async::Task<Result<std::vector<ReportCount>>> SqliteReportBook::read(ReportTopic topic) {
  using Counts = std::vector<ReportCount>;
  co_return co_await file_.run<Counts>([topic = std::move(topic)](Database& db) -> Result<Counts> {
    Counts out;
    if (is_settled(db, topic)) return out;
    auto row = db.query("SELECT facts, count FROM report_fact WHERE kind=?1 AND day=?2 AND domain=?3 ORDER BY facts",
                        number(topic.kind), topic.day, topic.domain);
    while (row.step()) out.push_back({std::string(row.text(0)), row.unsigned_integer(1)});
    return out;
  });
}

async::Task<Result<>> SqliteReportBook::settle(ReportTopic topic) {
  const auto done = co_await file_.run<bool>([sizes = sizes_, topic = std::move(topic)](Database& db) -> Result<bool> {
    db.run("DELETE FROM report_fact WHERE kind=?1 AND day=?2 AND domain=?3", number(topic.kind), topic.day, topic.domain);
    db.run("INSERT OR IGNORE INTO report_sent VALUES (?1,?2,?3)", number(topic.kind), topic.day, topic.domain);
    sizes->learn(db);
    sizes->drop(topic);
    return true;
  });
  if (!done) co_return std::unexpected(done.error());
  co_return Result<>();
}

void SqliteReportBook::forget(std::int64_t before_day) {
  file_.post([sizes = sizes_, before_day](Database& db) {
    db.run("DELETE FROM report_fact WHERE day<?1", before_day);
    db.run("DELETE FROM report_sent WHERE day<?1", before_day);
    *sizes = {};
  });
}

}  // namespace postern::store::sqlite
