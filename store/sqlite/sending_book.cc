// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/sending_book.h"

namespace postern::store::sqlite {

namespace {

/// A hash has 64 bits, a column 63 and a sign.
std::int64_t column(std::uint64_t hash) { return static_cast<std::int64_t>(hash); }

std::vector<SentRow> read_sent(Database& db, UnixTime since) {
  std::vector<SentRow> out;
  auto row = db.query("SELECT account, slot, messages, recipients, fresh FROM sent WHERE slot>=?1 ORDER BY account, slot", since);
  while (row.step()) {
    out.push_back({static_cast<AccountId>(row.integer(0)), row.integer(1), static_cast<std::uint32_t>(row.integer(2)),
                   static_cast<std::uint32_t>(row.integer(3)), static_cast<std::uint32_t>(row.integer(4))});
  }
  return out;
}

std::vector<CorrespondentRow> read_correspondents(Database& db, const SendingBook::Since& since) {
  std::vector<CorrespondentRow> out;
  auto row = db.query("SELECT account, hash, last FROM correspondent WHERE last>=?1 ORDER BY last DESC LIMIT ?2",
                      since.correspondents, static_cast<std::int64_t>(since.most));
  while (row.step()) {
    out.push_back({static_cast<AccountId>(row.integer(0)), static_cast<std::uint64_t>(row.integer(1)), row.integer(2)});
  }
  return out;
}

std::vector<SuspensionRow> read_suspensions(Database& db) {
  std::vector<SuspensionRow> out;
  auto row = db.query("SELECT account, since, until, reason FROM suspension ORDER BY account");
  while (row.step()) {
    out.push_back({static_cast<AccountId>(row.integer(0)), row.integer(1), row.integer(2), std::string(row.text(3))});
  }
  return out;
}

}  // namespace

Result<SendingBook::Recalled> SqliteSendingBook::recall(Since since) {
  return file_.run_now<Recalled>([since](Database& db) -> Result<Recalled> {
    return Recalled{read_sent(db, since.sent), read_correspondents(db, since), read_suspensions(db)};
  });
}

void SqliteSendingBook::note(SentRow more, std::vector<CorrespondentRow> correspondents, Since since) {
  file_.post([more, correspondents = std::move(correspondents), since](Database& db) {
    db.run(
        "INSERT INTO sent VALUES (?1,?2,?3,?4,?5) ON CONFLICT (account, slot) DO UPDATE SET messages=messages+?3, "
        "recipients=recipients+?4, fresh=fresh+?5",
        more.account, more.slot, more.messages, more.recipients, more.fresh);
    for (const auto& one : correspondents)
      db.run("INSERT OR REPLACE INTO correspondent VALUES (?1,?2,?3)", one.account, column(one.hash), one.last);
    db.run("DELETE FROM sent WHERE slot<?1", since.sent);
    db.run("DELETE FROM correspondent WHERE last<?1", since.correspondents);
  });
}

void SqliteSendingBook::suspend(SuspensionRow row) {
  file_.post([row = std::move(row)](Database& db) {
    db.run("INSERT OR REPLACE INTO suspension VALUES (?1,?2,?3,?4)", row.account, row.since, row.until, row.reason);
  });
}

void SqliteSendingBook::lift(AccountId account) {
  file_.post([account](Database& db) { db.run("DELETE FROM suspension WHERE account=?1", account); });
}

void SqliteSendingBook::forgive(AccountId account) {
  file_.post([account](Database& db) { db.run("DELETE FROM sent WHERE account=?1", account); });
}

}  // namespace postern::store::sqlite
