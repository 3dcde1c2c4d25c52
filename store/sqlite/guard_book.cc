// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/guard_book.h"

namespace postern::store::sqlite {

namespace {

/// Tallies kept at most: as many as the guard itself remembers, of each scope.
constexpr std::int64_t most_tallies = 4 * 65'536;

std::string lines_of(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += name + "\n";
  return out;
}

std::vector<std::string> names_in(std::string_view lines) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < lines.size();) {
    const auto end = std::min(lines.find('\n', at), lines.size());
    out.emplace_back(lines.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

/// The ten columns of evidence, which both tables have in the same order.
GuardEvidence evidence_in(Query& row, int at) {
  GuardEvidence out;
  out.failures = row.unsigned_integer(at);
  out.refused = row.unsigned_integer(at + 1);
  out.first = row.integer(at + 2);
  out.last = row.integer(at + 3);
  out.imap = row.unsigned_integer(at + 4);
  out.pop3 = row.unsigned_integer(at + 5);
  out.submission = row.unsigned_integer(at + 6);
  out.names = names_in(row.text(at + 7));
  out.more_names = row.unsigned_integer(at + 8);
  out.foreign_names = row.unsigned_integer(at + 9);
  return out;
}

std::vector<BanRow> read_bans(Database& db) {
  std::vector<BanRow> out;
  auto row = db.query(
      "SELECT network, since, until, lifted, times, by_admin, reason, note, failures, refused, first, last, imap, pop3, "
      "submission, names, more_names, foreign_names FROM ban ORDER BY network");
  while (row.step()) {
    BanRow ban;
    ban.network = row.text(0);
    ban.since = row.integer(1);
    ban.until = row.integer(2);
    ban.lifted = row.integer(3);
    ban.times = row.unsigned_integer(4);
    ban.by_admin = row.integer(5) != 0;
    ban.reason = row.text(6);
    ban.note = row.text(7);
    ban.evidence = evidence_in(row, 8);
    out.push_back(std::move(ban));
  }
  return out;
}

std::vector<TallyRow> read_tallies(Database& db) {
  std::vector<TallyRow> out;
  auto row = db.query(
      "SELECT scope, key, since, count, failures, refused, first, last, imap, pop3, submission, names, more_names, "
      "foreign_names FROM tally ORDER BY since, scope, key");
  while (row.step()) {
    TallyRow tally;
    tally.scope = static_cast<TallyScope>(row.integer(0));
    tally.key = row.text(1);
    tally.since = row.integer(2);
    tally.count = row.unsigned_integer(3);
    tally.evidence = evidence_in(row, 4);
    out.push_back(std::move(tally));
  }
  return out;
}

void write(Database& db, const BanRow& ban) {
  const auto& seen = ban.evidence;
  const auto names = lines_of(seen.names);
  db.run("INSERT OR REPLACE INTO ban VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18)", ban.network,
         ban.since, ban.until, ban.lifted, ban.times, ban.by_admin, ban.reason, ban.note, seen.failures, seen.refused, seen.first,
         seen.last, seen.imap, seen.pop3, seen.submission, names, seen.more_names, seen.foreign_names);
}

void write(Database& db, const TallyRow& tally) {
  const auto& seen = tally.evidence;
  const auto names = lines_of(seen.names);
  db.run("INSERT OR REPLACE INTO tally VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)", tally.scope, tally.key,
         tally.since, tally.count, seen.failures, seen.refused, seen.first, seen.last, seen.imap, seen.pop3, seen.submission,
         names, seen.more_names, seen.foreign_names);
}

void write(Database& db, const GuardChanges& changes) {
  for (const auto& ban : changes.bans) write(db, ban);
  for (const auto& tally : changes.tallies) write(db, tally);
  for (const auto& tally : changes.forgotten) db.run("DELETE FROM tally WHERE scope=?1 AND key=?2", tally.scope, tally.key);
  if (changes.bans_before != 0) {
    db.run("DELETE FROM ban WHERE (lifted<>0 AND lifted<?1) OR (lifted=0 AND until<>0 AND until<?1)", changes.bans_before);
  }
  if (changes.tallies_before == 0) return;
  db.run("DELETE FROM tally WHERE since<?1", changes.tallies_before);
  db.run(
      "DELETE FROM tally WHERE (scope, key) IN (SELECT scope, key FROM tally ORDER BY since DESC, scope, key LIMIT -1 OFFSET ?1)",
      most_tallies);
}

}  // namespace

Result<GuardMemory> SqliteGuardBook::recall() {
  return file_.run_now<GuardMemory>(
      [](Database& db) -> Result<GuardMemory> { return GuardMemory{read_bans(db), read_tallies(db)}; });
}

void SqliteGuardBook::note(GuardChanges changes) {
  file_.post([changes = std::move(changes)](Database& db) { write(db, changes); });
}

async::Task<Result<>> SqliteGuardBook::save(GuardChanges changes) {
  co_return co_await file_.run<void>([changes = std::move(changes)](Database& db) -> Result<> {
    write(db, changes);
    return {};
  });
}

}  // namespace postern::store::sqlite
