// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/queue_writes.h"

#include <algorithm>
#include <unordered_set>

#include "base/ascii.h"
#include "store/queue_match.h"

namespace postern::store::sqlite {

namespace {

using RecipientState = QueueRecipient::State;

/// Addresses in the queue were written by us; one that does not parse means damage.
mail::Address parse_address(std::string_view text) {
  auto address = mail::Address::parse(text);
  if (!address) throw SqlError{{ErrorKind::corrupt, "a queue row holds a broken address"}};
  return std::move(*address);
}

/// Columns: queue, address, notify, orcpt, domain, state, attempts, next_at, delay_told, reply, id.
QueueRecipient read_recipient(Query& row) {
  QueueRecipient out{
      .recipient = {parse_address(row.text(1)), static_cast<unsigned char>(row.integer(2)), std::string(row.text(3))}};
  out.id = row.unsigned_integer(10);
  out.domain = row.text(4);
  out.state = static_cast<RecipientState>(row.integer(5));
  out.attempts = static_cast<std::uint32_t>(row.integer(6));
  out.next_at = row.integer(7);
  out.delay_told = row.integer(8) != 0;
  out.last_reply = row.text(9);
  return out;
}

std::optional<QueueEntry> read_entry(Database& db, QueueId id) {
  auto row = db.query(
      "SELECT sender, account, bounce, created, expires, body_type, smtputf8, require_tls, ret, envid, prefix, size "
      "FROM queue WHERE id=?1",
      id);
  if (!row.step()) return std::nullopt;
  QueueEntry out;
  out.id = id;
  if (row.text(0) != "<>") out.sender = parse_address(row.text(0));
  out.account = static_cast<AccountId>(row.integer(1));
  out.bounce = static_cast<BounceRight>(row.integer(2));
  out.created = row.integer(3);
  out.expires = row.integer(4);
  out.body_type = static_cast<mail::BodyType>(row.integer(5));
  out.smtputf8 = row.integer(6) != 0;
  out.require_tls = row.integer(7) != 0;
  out.ret = static_cast<mail::Return>(row.integer(8));
  out.envid = row.text(9);
  out.prefix = row.text(10);
  out.size = row.unsigned_integer(11);
  return out;
}

std::vector<QueueRecipient> read_recipients(Database& db, QueueId id) {
  std::vector<QueueRecipient> out;
  auto row = db.query(
      "SELECT queue, address, notify, orcpt, domain, state, attempts, next_at, delay_told, reply, id "
      "FROM queue_rcpt WHERE queue=?1 ORDER BY id",
      id);
  while (row.step()) out.push_back(read_recipient(row));
  return out;
}

/// Writes what an order changed. A lease stays, so that an attempt that is under way is not made twice.
void write_order(Transaction& tx, const QueueRecipient& r) {
  tx.db().run("UPDATE queue_rcpt SET state=?2, due_at=iif(due_at=next_at, ?3, due_at), next_at=?3, reply=?4 WHERE id=?1", r.id,
              r.state, r.next_at, r.last_reply);
}

/// Writes what an attempt changed, and ends its lease.
void write_attempt(Transaction& tx, const QueueRecipient& r) {
  tx.db().run("UPDATE queue_rcpt SET state=?2, attempts=?3, next_at=?4, due_at=?4, delay_told=?5, reply=?6 WHERE id=?1", r.id,
              r.state, r.attempts, r.next_at, r.delay_told, r.last_reply);
}

/// The entry goes with its last recipient, and with it the body reference.
void drop_when_done(Transaction& tx, QueueId id) {
  if (tx.db().integer(0, "SELECT count(*) FROM queue_rcpt WHERE queue=?1 AND state!=2", id) > 0) return;
  const auto blob = tx.db().integer(0, "SELECT blob FROM queue WHERE id=?1", id);
  tx.db().run("DELETE FROM queue_rcpt WHERE queue=?1", id);
  tx.db().run("DELETE FROM queue WHERE id=?1", id);
  tx.release_blob(blob, 1);
}

std::vector<QueueRecipientId> due_recipients(Transaction& tx, const ClaimOrder& order) {
  const std::unordered_set<std::string_view> busy(order.busy.begin(), order.busy.end());
  std::vector<QueueRecipientId> out;
  auto row = tx.db().query("SELECT id, domain FROM queue_rcpt WHERE state=0 AND due_at<=?1 ORDER BY due_at",
                           std::min(tx.now(), order.trusted));
  while (out.size() < order.most && row.step()) {
    if (!busy.contains(row.text(1))) out.push_back(row.unsigned_integer(0));
  }
  return out;
}

}  // namespace

QueueId enqueue(Transaction& tx, const QueueEntry& entry, std::int64_t blob, std::uint64_t body_size) {
  Database& db = tx.db();
  db.run(
      "INSERT INTO queue(blob, sender, account, bounce, created, expires, body_type, smtputf8, require_tls, ret, envid, prefix, "
      "size) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
      blob, sender_text(entry.sender), entry.account, entry.bounce, entry.created, entry.expires, entry.body_type, entry.smtputf8,
      entry.require_tls, entry.ret, entry.envid, Blob{entry.prefix}, entry.prefix.size() + body_size);
  const auto id = static_cast<QueueId>(db.last_id());
  for (const auto& r : entry.recipients) {
    db.run(
        "INSERT INTO queue_rcpt(queue, address, notify, orcpt, domain, state, attempts, next_at, due_at, delay_told, reply) "
        "VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?8,?9,?10)",
        id, r.recipient.address.to_string(), r.recipient.notify, r.recipient.orcpt, r.domain, r.state, r.attempts, r.next_at,
        r.delay_told, r.last_reply);
  }
  tx.queue_changed(static_cast<std::int64_t>(entry.recipients.size()), true);
  return id;
}

Result<std::vector<Claim>> claim(Transaction& tx, const ClaimOrder& order) {
  std::vector<Claim> out;
  for (const QueueRecipientId id : due_recipients(tx, order)) {
    tx.db().run("UPDATE queue_rcpt SET due_at=?2 WHERE id=?1", id, tx.now() + order.lease.count());
    auto row = tx.db().query(
        "SELECT queue, address, notify, orcpt, domain, state, attempts, next_at, delay_told, reply, id "
        "FROM queue_rcpt WHERE id=?1",
        id);
    if (!row.step()) continue;
    const QueueId queue = row.unsigned_integer(0);
    QueueRecipient recipient = read_recipient(row);
    const auto same = [&](const Claim& c) {
      return c.entry.id == queue && c.entry.recipients.front().domain == recipient.domain;
    };
    auto claim = std::find_if(out.begin(), out.end(), same);
    if (claim == out.end()) {
      auto entry = read_entry(tx.db(), queue);
      if (!entry) throw SqlError{{ErrorKind::corrupt, "a queued recipient without message"}};
      claim = out.insert(out.end(), Claim{std::move(*entry)});
    }
    claim->entry.recipients.push_back(std::move(recipient));
  }
  return out;
}

Result<> report(Transaction& tx, const std::vector<Attempt>& attempts) {
  for (const auto& attempt : attempts) {
    std::optional<QueueRecipient> recipient;
    QueueId queue = 0;
    {
      auto row = tx.db().query(
          "SELECT queue, address, notify, orcpt, domain, state, attempts, next_at, delay_told, reply, id "
          "FROM queue_rcpt WHERE id=?1",
          attempt.recipient);
      if (!row.step()) continue;
      queue = row.unsigned_integer(0);
      recipient = read_recipient(row);
    }
    if (recipient->state == RecipientState::done) continue;
    apply_attempt(attempt, *recipient);
    write_attempt(tx, *recipient);
    if (recipient->state != RecipientState::done) continue;
    tx.queue_changed(-1, false);
    drop_when_done(tx, queue);
  }
  return {};
}

namespace {

struct Target {
  QueueRecipientId id;
  QueueId queue;
};

std::vector<Target> targets(Database& db, const QueueFilter& filter) {
  std::vector<Target> out;
  // The statement reads its texts as long as it runs.
  const std::string recipient = ascii::lower(filter.recipient);
  const std::string reply = ascii::lower(filter.reply);
  auto row = db.query(
      "SELECT r.id, r.queue FROM queue_rcpt r JOIN queue q ON q.id=r.queue WHERE (?1=0 OR q.id=?1) AND (?2='' OR r.domain=?2) "
      "AND (?3='' OR q.sender=?3) AND (?4='' OR lower(r.address)=?4) AND (?5='' OR instr(lower(r.reply), ?5)>0) "
      "AND r.state!=2 ORDER BY q.id, r.id",
      filter.id.value_or(0), filter.domain, filter.sender, recipient, reply);
  while (row.step()) out.push_back({row.unsigned_integer(0), row.unsigned_integer(1)});
  return out;
}

}  // namespace

Result<std::size_t> order(Transaction& tx, const QueueFilter& filter, QueueOrder order) {
  std::size_t touched = 0;
  for (const Target& target : targets(tx.db(), filter)) {
    if (touched == filter.most) break;
    std::optional<QueueRecipient> recipient;
    for (auto& one : read_recipients(tx.db(), target.queue)) {
      if (one.id == target.id) recipient = std::move(one);
    }
    if (!recipient || !apply_order(order, tx.now(), *recipient)) continue;
    ++touched;
    write_order(tx, *recipient);
    if (recipient->state != RecipientState::done) continue;
    tx.queue_changed(-1, false);
    drop_when_done(tx, target.queue);
  }
  if (touched > 0) tx.queue_changed(0, true);
  return touched;
}

Result<std::size_t> follow_clock(Transaction& tx, const ClockJump& jump) {
  Database& db = tx.db();
  std::vector<std::pair<QueueId, QueueRecipient>> rows;
  {
    // At a start only what waits can be wrong, and the index finds it: a long queue must not make a start slow.
    const bool at_start = jump.by.count() == 0;
    auto row = at_start ? db.query(
                              "SELECT queue, address, notify, orcpt, domain, state, attempts, next_at, delay_told, reply, id "
                              "FROM queue_rcpt WHERE state=0 AND due_at>?1 AND attempts=0 AND reply!=''",
                              jump.now)
                        : db.query(
                              "SELECT queue, address, notify, orcpt, domain, state, attempts, next_at, delay_told, reply, id "
                              "FROM queue_rcpt WHERE state=1 OR (state=0 AND attempts=0 AND reply!='')");
    while (row.step()) rows.emplace_back(row.unsigned_integer(0), read_recipient(row));
  }
  std::size_t moved = 0;
  for (auto& [queue, recipient] : rows) {
    const UnixTime old = recipient.next_at;
    const auto by = follow_jump(jump, recipient);
    if (by == 0) continue;
    ++moved;
    write_order(tx, recipient);
    // The lifetime of mail with a chosen time begins at that time; its first recipient takes it along.
    db.run("UPDATE queue SET created=created+?2, expires=expires+?2 WHERE id=?1 AND created=?3", queue, by, old);
  }
  if (moved > 0) tx.queue_changed(0, true);
  return moved;
}

std::vector<QueueEntry> list_queue(Database& db, const QueueFilter& filter) {
  std::vector<QueueId> ids;
  {
    const std::string recipient = ascii::lower(filter.recipient);
    const std::string reply = ascii::lower(filter.reply);
    auto row = db.query(
        "SELECT q.id FROM queue q WHERE (?1=0 OR q.id=?1) AND (?3='' OR q.sender=?3) AND (?2='' OR EXISTS (SELECT 1 FROM "
        "queue_rcpt r WHERE r.queue=q.id AND r.domain=?2)) AND ((?5='' AND ?6='') OR EXISTS (SELECT 1 FROM queue_rcpt r WHERE "
        "r.queue=q.id AND (?5='' OR lower(r.address)=?5) AND (?6='' OR instr(lower(r.reply), ?6)>0))) ORDER BY q.id LIMIT ?4",
        filter.id.value_or(0), filter.domain, filter.sender, filter.most, recipient, reply);
    while (row.step()) ids.push_back(row.unsigned_integer(0));
  }
  std::vector<QueueEntry> out;
  for (const QueueId id : ids) {
    auto entry = read_entry(db, id);
    if (!entry) continue;
    entry->recipients = read_recipients(db, id);
    std::erase_if(entry->recipients, [&](const auto& r) { return !matches(filter, r); });
    if (entry->recipients.empty()) continue;
    out.push_back(std::move(*entry));
  }
  return out;
}

std::optional<UnixTime> next_due(Database& db) {
  auto row = db.query("SELECT due_at FROM queue_rcpt WHERE state=0 ORDER BY due_at LIMIT 1");
  if (!row.step()) return std::nullopt;
  return row.integer(0);
}

std::size_t queue_depth(Database& db) {
  return static_cast<std::size_t>(db.integer(0, "SELECT count(*) FROM queue_rcpt WHERE state!=2"));
}

}  // namespace postern::store::sqlite
