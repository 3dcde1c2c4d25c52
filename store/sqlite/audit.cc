// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/audit.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

namespace {

/// Bodies whose references are counted in one pass over all messages (four octets each).
constexpr std::int64_t references_span = 1 << 21;
constexpr const char* message_without_body = "message without body";
/// Messages named for one missing body.
constexpr int named_messages = 3;

void add(std::vector<Discrepancy>& out, const char* check, std::string text, Repair repair = Repair::none, std::int64_t id = 0,
         std::array<std::int64_t, 4> by = {}) {
  out.push_back({{check, std::move(text), false}, repair, id, by});
}

/// One finding for each row; the text's {} is the row's number, which is also what the repair needs.
void each(std::vector<Discrepancy>& out, const char* check, fmt::format_string<std::int64_t> text, Query query,
          Repair repair = Repair::none) {
  while (query.step()) {
    const auto id = query.integer(0);
    add(out, check, fmt::format(text, std::int64_t{id}), repair, id);
  }
}

struct Counted {
  std::int64_t messages = 0, unseen = 0, deleted = 0, bytes = 0;
  std::int64_t last = 0, modseq = 0;
  std::uint64_t flags = 0;
};

Counted count_rows(Database& db, std::int64_t mailbox) {
  Counted out;
  auto row = db.query("SELECT id, modseq, flags, size FROM message WHERE id BETWEEN ?1 AND ?2",
                      message_id(static_cast<MailboxId>(mailbox), 0), message_id(static_cast<MailboxId>(mailbox), UINT32_MAX));
  while (row.step()) {
    const auto flags = row.unsigned_integer(2);
    ++out.messages;
    out.unseen += (flags & flag::seen) == 0;
    out.deleted += (flags & flag::deleted) != 0;
    out.bytes += row.integer(3);
    out.last = row.integer(0);
    out.modseq = std::max(out.modseq, row.integer(1));
    out.flags |= flags;
  }
  return out;
}

/// UIDs and mod-sequences of expunged messages count too: neither is ever given again.
void count_history(Database& db, std::int64_t mailbox, Counted& out) {
  const auto lo = message_id(static_cast<MailboxId>(mailbox), 0);
  const auto hi = message_id(static_cast<MailboxId>(mailbox), UINT32_MAX);
  out.last = std::max(out.last, db.integer(0, "SELECT max(id) FROM reap WHERE id BETWEEN ?1 AND ?2", lo, hi));
  auto gone = db.query("SELECT max(hi), max(modseq) FROM vanished WHERE mailbox=?1", mailbox);
  if (!gone.step()) return;
  out.last = std::max(out.last, lo | gone.integer(0));
  out.modseq = std::max(out.modseq, gone.integer(1));
}

}  // namespace

const std::array<RowAudit::Stage, 9> RowAudit::stages{{{"structure of the index", &RowAudit::check_integrity},
                                                       {"counters of mailboxes", &RowAudit::check_mailbox},
                                                       {"quotas of accounts", &RowAudit::check_account},
                                                       {"rows without owner", &RowAudit::check_strays},
                                                       {"cached structures", &RowAudit::check_structures},
                                                       {"accounts behind rows", &RowAudit::check_references},
                                                       {"references to bodies", &RowAudit::check_bodies},
                                                       {"segments", &RowAudit::check_segment},
                                                       {"queue", &RowAudit::check_queue}}};

const char* RowAudit::stage() const { return stage_ < stages.size() ? stages[stage_].name : "done"; }

bool RowAudit::step(std::vector<Discrepancy>& out) {
  if (stage_ == stages.size()) return false;
  if ((this->*stages[stage_].run)(out)) return true;
  ++stage_;
  at_ = 0;
  return stage_ < stages.size();
}

bool RowAudit::check_integrity(Found& out) {
  if (!scope_.integrity) return false;
  auto row = scope_.whole_integrity ? db_.query("PRAGMA integrity_check(100)") : db_.query("PRAGMA quick_check(100)");
  while (row.step()) {
    if (row.text(0) != "ok") add(out, "structure", "mail.db: " + std::string(row.text(0)));
  }
  return false;
}

bool RowAudit::check_mailbox(Found& out) {
  // The copies of a COPY under way lie behind UIDNEXT and are counted when it ends (big_copy.h).
  const auto next = db_.integer(0, "SELECT min(id) FROM mailbox WHERE id>?1 AND id NOT IN (SELECT target FROM copying)", at_);
  if (next == 0) return false;
  at_ = next;
  check_counters(out, next);
  return true;
}

void RowAudit::check_counters(Found& out, std::int64_t mailbox) {
  auto row = db_.query("SELECT messages, unseen, deleted, bytes, uidnext, highest FROM mailbox WHERE id=?1", mailbox);
  if (!row.step()) return;
  Counted is = count_rows(db_, mailbox);
  const std::array<std::int64_t, 4> by{is.messages - row.integer(0), is.unseen - row.integer(1), is.deleted - row.integer(2),
                                       is.bytes - row.integer(3)};
  if (std::any_of(by.begin(), by.end(), [](auto n) { return n != 0; })) {
    add(out, "mailbox counters",
        fmt::format("counters differ in mailbox {}: {} messages, {} unseen, {} deleted, {} octets; counted {}, {}, {}, {}",
                    mailbox, row.integer(0), row.integer(1), row.integer(2), row.integer(3), is.messages, is.unseen, is.deleted,
                    is.bytes),
        Repair::mailbox_counters, mailbox, by);
  }
  count_history(db_, mailbox, is);
  const std::int64_t last = is.last == 0 ? 0 : uid_of(is.last);
  if (row.integer(4) <= last || row.integer(5) < is.modseq) {
    add(out, "mailbox bounds",
        fmt::format("UIDs or mod-sequences beyond the counters in mailbox {}: UIDNEXT {}, last UID {}", mailbox, row.integer(4),
                    last),
        Repair::mailbox_bounds, mailbox, {last + 1, is.modseq, 0, 0});
  }
  std::uint64_t named = flag::system_mask;
  auto keyword = db_.query("SELECT bit FROM keyword WHERE mailbox=?1", mailbox);
  while (keyword.step()) named |= std::uint64_t{1} << static_cast<unsigned>(keyword.integer(0));
  if ((is.flags & ~named) != 0) {
    add(out, "keywords",
        fmt::format("messages of mailbox {} carry keywords without a name: bits {:#x}", mailbox, is.flags & ~named));
  }
}

bool RowAudit::check_account(Found& out) {
  auto row = db_.query(
      "SELECT id, used_bytes, used_messages, (SELECT total(bytes) FROM mailbox b WHERE b.account=account.id), "
      "(SELECT total(messages) FROM mailbox b WHERE b.account=account.id), domain, login "
      "FROM account WHERE id>?1 ORDER BY id LIMIT 1",
      at_);
  if (!row.step()) return false;
  at_ = row.integer(0);
  if (row.integer(1) != row.integer(3) || row.integer(2) != row.integer(4)) {
    add(out, "quota",
        fmt::format("quota counters differ for account {}: {} octets in {} messages; counted {} in {}", at_, row.integer(1),
                    row.integer(2), row.integer(3), row.integer(4)),
        Repair::account_used, at_, {row.integer(3) - row.integer(1), row.integer(4) - row.integer(2), 0, 0});
  }
  const std::string_view login = row.text(6);
  if (row.text(5) != login.substr(login.find('@') + 1)) {
    add(out, "domain of account", fmt::format("account {} does not carry the domain of its login", at_));
  }
  return true;
}

/// Messages of mailboxes that do not exist; jumps from mailbox to mailbox.
bool RowAudit::check_strays(Found& out) {
  const auto next = db_.integer(0, "SELECT id FROM message WHERE id>?1 ORDER BY id LIMIT 1", at_);
  if (next == 0) return false;
  const auto mailbox = static_cast<MailboxId>(next >> 32);
  at_ = message_id(mailbox, UINT32_MAX);
  if (db_.integer(0, "SELECT 1 FROM mailbox WHERE id=?1", mailbox) == 0) {
    add(out, "message without mailbox", fmt::format("there are messages of mailbox {}, which does not exist", mailbox));
  }
  return true;
}

bool RowAudit::check_structures(Found& out) {
  const auto below = at_ == 0 ? 0 : message_id(static_cast<MailboxId>(at_), UINT32_MAX);
  const auto message = db_.integer(0, "SELECT id FROM message WHERE id>?1 ORDER BY id LIMIT 1", below) >> 32;
  const auto meta = db_.integer(0, "SELECT id FROM msgmeta WHERE id>?1 ORDER BY id LIMIT 1", below) >> 32;
  if (message == 0 && meta == 0) return false;
  at_ = message == 0 ? meta : meta == 0 ? message : std::min(message, meta);
  if (at_ % scope_.of == scope_.share) check_structures_of(out, at_);
  return true;
}

void RowAudit::check_structures_of(Found& out, std::int64_t mailbox) {
  const auto lo = message_id(static_cast<MailboxId>(mailbox), 0);
  const auto hi = message_id(static_cast<MailboxId>(mailbox), UINT32_MAX);
  const auto name = [](std::int64_t id) { return fmt::format("message {} of mailbox {}", uid_of(id), id >> 32); };
  auto bare = db_.query(
      "SELECT id FROM message m WHERE id BETWEEN ?1 AND ?2 AND NOT EXISTS (SELECT 1 FROM msgmeta x WHERE x.id=m.id)", lo, hi);
  while (bare.step()) add(out, "message without cached structure", name(bare.integer(0)) + " has no cached structure");
  auto stray = db_.query(
      "SELECT id FROM msgmeta x WHERE id BETWEEN ?1 AND ?2 AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id=x.id) "
      "AND NOT EXISTS (SELECT 1 FROM reap r WHERE r.id=x.id)",
      lo, hi);
  while (stray.step()) {
    add(out, "cached structure without message", name(stray.integer(0)) + " is gone, its cached structure is not",
        Repair::stray_meta, stray.integer(0));
  }
  auto size = db_.query(
      "SELECT m.id FROM message m JOIN blob b ON b.id=m.blob JOIN msgmeta x ON x.id=m.id "
      "WHERE m.id BETWEEN ?1 AND ?2 AND (m.size!=m.psize+b.osize OR m.psize!=length(CAST(x.prefix AS BLOB)))",
      lo, hi);
  while (size.step()) add(out, "size of message", name(size.integer(0)) + " has another size than its prefix and body together");
}

bool RowAudit::check_references(Found& out) {
  each(out, "mailbox without account", "mailbox {} belongs to no account",
       db_.query(
           "SELECT id FROM mailbox WHERE account NOT IN (SELECT id FROM account) AND id NOT IN (SELECT mailbox FROM restoring)"));
  each(out, "address without account", "an address leads to account {}, which does not exist",
       db_.query("SELECT DISTINCT account FROM address WHERE account!=0 AND account NOT IN (SELECT id FROM account)"));
  each(out, "keywords without mailbox", "there are keywords of mailbox {}, which does not exist",
       db_.query("SELECT DISTINCT mailbox FROM keyword WHERE mailbox NOT IN (SELECT id FROM mailbox) "
                 "AND mailbox NOT IN (SELECT id FROM removed_mailbox)"),
       Repair::stray_keywords);
  each(out, "vanished without mailbox", "there is history of mailbox {}, which does not exist",
       db_.query("SELECT DISTINCT mailbox FROM vanished WHERE mailbox NOT IN (SELECT id FROM mailbox)"), Repair::stray_vanished);
  each(out, "subscription without account", "there are subscriptions of account {}, which does not exist",
       db_.query("SELECT DISTINCT account FROM subscription WHERE account NOT IN (SELECT id FROM account)"),
       Repair::stray_subscriptions);
  each(out, "rights without account", "there are rights of account {}, which does not exist",
       db_.query("SELECT account FROM group_member WHERE account NOT IN (SELECT id FROM account) UNION "
                 "SELECT account FROM send_as WHERE account NOT IN (SELECT id FROM account) UNION "
                 "SELECT account FROM imported WHERE account NOT IN (SELECT id FROM account)"),
       Repair::stray_rights);
  return false;
}

void RowAudit::count_references(std::int64_t lo, std::int64_t hi) {
  references_.assign(references_span, 0);
  const auto count = [&](Query query) {
    while (query.step()) ++references_[static_cast<std::size_t>(query.integer(0) - lo)];
  };
  count(db_.query("SELECT blob FROM message WHERE blob>=?1 AND blob<?2", lo, hi));
  count(db_.query("SELECT blob FROM reap WHERE blob>=?1 AND blob<?2", lo, hi));
  count(db_.query("SELECT blob FROM queue WHERE blob>=?1 AND blob<?2", lo, hi));
}

bool is_missing_body(const Discrepancy& one) { return one.finding.check == message_without_body; }
bool ends_body(const Discrepancy& one) { return one.repair == Repair::blob_refs && one.by[1] == 0; }

/// References to bodies that never were.
void RowAudit::check_beyond(Found& out) {
  const auto last = db_.integer(0, "SELECT max(id) FROM blob");
  each(out, message_without_body, "queued message {} has no body",
       db_.query("SELECT id FROM queue WHERE blob NOT IN (SELECT id FROM blob)"));
  auto row = db_.query("SELECT id FROM message WHERE blob>?1 OR blob<1 LIMIT 100", last);
  while (row.step()) {
    add(out, message_without_body,
        fmt::format("message {} of mailbox {} has no body", uid_of(row.integer(0)), row.integer(0) >> 32));
  }
}

bool RowAudit::check_bodies(Found& out) {
  if (at_ == 0) check_beyond(out);
  const auto lo = db_.integer(0, "SELECT min(id) FROM blob WHERE id>=?1", at_);
  if (lo == 0) return false;
  const auto hi = lo + references_span;
  count_references(lo, hi);
  auto row = db_.query("SELECT id, refs FROM blob WHERE id>=?1 AND id<?2", lo, hi);
  while (row.step()) {
    std::uint32_t& counted = references_[static_cast<std::size_t>(row.integer(0) - lo)];
    if (row.integer(1) != counted) {
      add(out, "references",
          fmt::format("reference count differs for body {}: {}; counted {}", row.integer(0), row.integer(1), counted),
          Repair::blob_refs, row.integer(0), {counted - row.integer(1), counted, 0, 0});
    }
    counted = 0;
  }
  for (std::size_t i = 0; i < references_.size(); ++i) {
    if (references_[i] == 0) continue;
    std::string where;
    auto owner = db_.query("SELECT id FROM message WHERE blob=?1 LIMIT ?2", lo + static_cast<std::int64_t>(i), named_messages);
    while (owner.step()) where += fmt::format("; message {} of mailbox {}", uid_of(owner.integer(0)), owner.integer(0) >> 32);
    add(out, message_without_body, fmt::format("body {} is missing{}", lo + static_cast<std::int64_t>(i), where));
  }
  references_ = {};
  at_ = hi;
  return true;
}

bool RowAudit::check_segment(Found& out) {
  if (at_ == 0) {
    if (scope_.folder) check_files(out);
    for (std::int64_t seg = 0; (seg = db_.integer(0, "SELECT min(seg) FROM blob WHERE seg>?1", seg)) != 0;) {
      if (db_.integer(0, "SELECT 1 FROM segment WHERE id=?1", seg) == 0)
        add(out, "body without segment", fmt::format("there are bodies in segment {}, which does not exist", seg));
    }
  }
  const auto next = db_.integer(0, "SELECT min(id) FROM segment WHERE id>?1", at_);
  if (next == 0) return false;
  at_ = next;
  check_space_of(out, next);
  return true;
}

/// Files that no row knows; a file that was made just now waits for its row.
void RowAudit::check_files(Found& out) {
  constexpr auto fresh = std::chrono::minutes(10);
  const auto files = scope_.folder->on_disk();
  if (!files) {
    add(out, "files", files.error().text);
    return;
  }
  for (const SegmentId id : *files) {
    if (db_.integer(0, "SELECT 1 FROM segment WHERE id=?1", id) != 0) continue;
    const auto age = scope_.folder->age_of(id);
    if (!age || *age < fresh) continue;
    add(out, "file without row", fmt::format("no row knows the file {}", scope_.folder->path_of(id).string()), Repair::stray_file,
        static_cast<std::int64_t>(id));
  }
}

void RowAudit::check_space_of(Found& out, std::int64_t segment) {
  auto row = db_.query("SELECT kind, state, bytes, dead FROM segment WHERE id=?1", segment);
  auto living = db_.query("SELECT count(*), total(len), max(off+len) FROM blob WHERE seg=?1", segment);
  if (!row.step() || !living.step()) return;
  const auto state = row.integer(1);
  const auto count = living.integer(0);
  const auto end = living.integer(2);
  std::int64_t file = 0;
  if (scope_.folder) {
    std::error_code error;
    file = static_cast<std::int64_t>(std::filesystem::file_size(scope_.folder->path_of(static_cast<SegmentId>(segment)), error));
    if (error) return add(out, "missing file", fmt::format("the file of segment {} with {} bodies is missing", segment, count));
    if (file < end) {
      return add(out, "short file", fmt::format("segment {} has {} octets, its bodies end at {}", segment, file, end));
    }
  }
  if (state == 0) return;  // it grows
  if (count == 0 && state == 1) {
    return add(out, "segments", fmt::format("segment {} is sealed and has no bodies", segment), Repair::segment_empty, segment);
  }
  if (count > 0 && state == 2) {
    add(out, "segments", fmt::format("segment {} is retired and has bodies", segment), Repair::segment_alive, segment);
  }
  auto bytes = row.integer(2);
  if (scope_.folder && (bytes < end || bytes > file)) {
    add(out, "segments", fmt::format("segment {} should have {} octets and has {}", segment, bytes, file), Repair::segment_bytes,
        segment, {file, 0, 0, 0});
    bytes = file;
  }
  const auto most = bytes - living.integer(1) - count * static_cast<std::int64_t>(RecordHeader::size);
  if (row.integer(0) == 0 && (row.integer(3) < 0 || row.integer(3) > most)) {
    add(out, "dead octets", fmt::format("segment {} counts {} dead octets, at most {} can be", segment, row.integer(3), most),
        Repair::segment_dead, segment,
        {std::clamp<std::int64_t>(row.integer(3), 0, std::max<std::int64_t>(most, 0)) - row.integer(3)});
  }
}

bool RowAudit::check_queue(Found& out) {
  each(out, "queued message without open recipient", "queued message {} has no open recipient",
       db_.query("SELECT id FROM queue WHERE id NOT IN (SELECT queue FROM queue_rcpt WHERE state!=2)"));
  each(out, "recipient without queued message", "there are recipients of queued message {}, which does not exist",
       db_.query("SELECT DISTINCT queue FROM queue_rcpt WHERE queue NOT IN (SELECT id FROM queue)"), Repair::stray_recipients);
  return false;
}

std::vector<std::string> audit(Database& db) {
  std::vector<Discrepancy> found;
  RowAudit rows(db, {.integrity = false});
  while (rows.step(found)) {
  }
  std::vector<std::string> out;
  for (auto& one : found) out.push_back(std::move(one.finding.text));
  return out;
}

}  // namespace postern::store::sqlite
