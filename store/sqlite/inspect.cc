// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/inspect.h"

#include <sys/stat.h>

#include <algorithm>

#include "store/sqlite/segment_walk.h"
#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

namespace {

constexpr std::int64_t most_segments_told = 10'000;
/// Longer columns (cached structures, prefixes) are shown as their length.
constexpr std::size_t most_shown = 4096;

std::uint64_t file_bytes(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

std::uint64_t count(Database& db, Sql sql) { return static_cast<std::uint64_t>(db.integer(0, sql)); }

/// Text stays text when people can read it.
DumpValue shown(std::string_view text) {
  const bool plain = text.size() <= most_shown && std::all_of(text.begin(), text.end(), [](char c) {
                       const auto u = static_cast<unsigned char>(c);
                       return (u >= ' ' && u != 0x7f) || u == '\r' || u == '\n' || u == '\t';
                     });
  return plain ? std::string(text) : fmt::format("({} octets)", text.size());
}

void rows_of(std::vector<DumpRow>& out, const char* table, std::size_t most, Query query) {
  for (std::size_t n = 0; n < most && query.step(); ++n) {
    DumpRow row{table, {}};
    for (int i = 0; i < query.columns(); ++i) {
      row.columns.emplace_back(query.name(i), query.is_integer(i) ? DumpValue(query.integer(i)) : shown(query.text(i)));
    }
    out.push_back(std::move(row));
  }
}

void dump_account(std::vector<DumpRow>& out, Database& db, std::int64_t account, std::size_t most) {
  rows_of(out, "account", 1, db.query("SELECT * FROM account WHERE id=?1", account));
  rows_of(out, "address", most, db.query("SELECT * FROM address WHERE account=?1", account));
  rows_of(out, "mailbox", most, db.query("SELECT * FROM mailbox WHERE account=?1 ORDER BY id", account));
  rows_of(out, "removed_mailbox", most, db.query("SELECT * FROM removed_mailbox WHERE account=?1 ORDER BY id", account));
  rows_of(out, "subscription", most, db.query("SELECT * FROM subscription WHERE account=?1", account));
}

void dump_mailbox(std::vector<DumpRow>& out, Database& db, MailboxId mailbox, std::size_t most) {
  const auto lo = message_id(mailbox, 0);
  const auto hi = message_id(mailbox, UINT32_MAX);
  rows_of(out, "mailbox", 1, db.query("SELECT * FROM mailbox WHERE id=?1", mailbox));
  rows_of(out, "keyword", most, db.query("SELECT * FROM keyword WHERE mailbox=?1 ORDER BY bit", mailbox));
  rows_of(out, "message", most,
          db.query("SELECT id&4294967295 AS uid, * FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id", lo, hi));
  rows_of(out, "reap", most, db.query("SELECT id&4294967295 AS uid, * FROM reap WHERE id BETWEEN ?1 AND ?2 ORDER BY id", lo, hi));
  rows_of(out, "vanished", most, db.query("SELECT * FROM vanished WHERE mailbox=?1 ORDER BY modseq, lo", mailbox));
}

void dump_message(std::vector<DumpRow>& out, Database& db, std::int64_t id) {
  rows_of(out, "message", 1, db.query("SELECT id>>32 AS mailbox, id&4294967295 AS uid, * FROM message WHERE id=?1", id));
  rows_of(out, "reap", 1, db.query("SELECT id>>32 AS mailbox, id&4294967295 AS uid, * FROM reap WHERE id=?1", id));
  rows_of(out, "msgmeta", 1, db.query("SELECT * FROM msgmeta WHERE id=?1", id));
  rows_of(
      out, "blob", 1,
      db.query("SELECT * FROM blob WHERE id=(SELECT blob FROM message WHERE id=?1 UNION SELECT blob FROM reap WHERE id=?1)", id));
  rows_of(out, "segment", 1,
          db.query("SELECT * FROM segment WHERE id=(SELECT seg FROM blob WHERE id=(SELECT blob FROM message WHERE id=?1 UNION "
                   "SELECT blob FROM reap WHERE id=?1))",
                   id));
}

Result<std::optional<WalkedRecord>> find_record(SegmentReader& reader, const DumpOrder& order, bool single) {
  if (!single) {
    // Whoever knows only the file wants its first record.
    RecordWalk walk(reader);
    return order.offset == 0 ? walk.next() : walk.find(order.offset);
  }
  if (reader.size() < RecordHeader::size) return std::nullopt;
  const auto bytes = reader.at(reader.size() - RecordHeader::size, RecordHeader::size);
  if (!bytes) return std::unexpected(bytes.error());
  const auto header = decode(*bytes);
  if (!header) return std::nullopt;
  return WalkedRecord{header->stored_length, 0, *header};  // arrival text and header follow the body
}

Result<bool> is_whole(SegmentReader& reader, const WalkedRecord& record) {
  Checksum sum;
  for (std::uint64_t at = 0; at < record.header.stored_length;) {
    const auto n = std::min<std::uint64_t>(SegmentReader::window_bytes, record.header.stored_length - at);
    const auto piece = reader.at(record.body + at, static_cast<std::size_t>(n));
    if (!piece) return std::unexpected(piece.error());
    sum.add(*piece);
    at += n;
  }
  return sum.value() == record.header.checksum;
}

Result<DumpRow> describe(SegmentReader& reader, const WalkedRecord& record, bool single) {
  const auto whole = is_whole(reader, record);
  if (!whole) return std::unexpected(whole.error());
  const std::uint64_t arrival_at = single ? record.header.stored_length : record.start + RecordHeader::size;
  const auto arrival = reader.at(arrival_at, record.header.arrival_length);
  if (!arrival) return std::unexpected(arrival.error());
  const auto number = [](std::uint64_t n) { return DumpValue(static_cast<std::int64_t>(n)); };
  return DumpRow{"record",
                 {{"header_at", number(single ? arrival_at + record.header.arrival_length : record.start)},
                  {"body_at", number(record.body)},
                  {"codec", number(static_cast<std::uint64_t>(record.header.codec))},
                  {"kind", number(static_cast<std::uint64_t>(record.header.kind))},
                  {"stored_length", number(record.header.stored_length)},
                  {"original_length", number(record.header.original_length)},
                  {"checksum", fmt::format("{:016x}", record.header.checksum)},
                  {"checksum_fits", std::string(*whole ? "yes" : "no")},
                  {"next_at", number(single ? reader.size() : record.end())},
                  {"arrival", shown(*arrival)}}};
}

}  // namespace

Result<StoreInfo> read_store_info(Database& db, const std::filesystem::path& folder) {
  StoreInfo out;
  out.folder = folder.string();
  out.schema = count(db, "PRAGMA user_version");
  out.accounts = count(db, "SELECT count(*) FROM account");
  out.mailboxes = count(db, "SELECT count(*) FROM mailbox");
  out.messages = count(db, "SELECT total(messages) FROM mailbox");
  out.message_bytes = count(db, "SELECT total(bytes) FROM mailbox");
  out.queue = count(db, "SELECT count(*) FROM queue");
  out.undelete_messages = count(db, "SELECT count(*) FROM reap");
  out.undelete_bytes = count(db, "SELECT total(size) FROM reap");
  out.last_audit = db.integer(0, "SELECT v FROM sys WHERE k='last_audit'");
  out.last_audit_findings = count(db, "SELECT v FROM sys WHERE k='last_audit_findings'");
  out.index_bytes = file_bytes(folder / "mail.db");
  out.log_bytes = file_bytes(folder / "mail.db-wal");
  out.credentials_bytes = file_bytes(folder / "auth.db");
  out.segment_files = count(db, "SELECT count(*) FROM segment");
  out.segment_bytes =
      count(db, "SELECT total(iif(state=0, (SELECT max(off+len) FROM blob WHERE seg=segment.id), bytes)) FROM segment");
  out.dead_bytes = count(db, "SELECT total(iif(state=2, bytes, dead)) FROM segment");
  auto row = db.query(
      "SELECT id, kind, state, iif(state=0, (SELECT coalesce(max(off+len),0) FROM blob WHERE seg=segment.id), bytes), dead, "
      "(SELECT count(*) FROM blob WHERE seg=segment.id), verified, (SELECT max(until) FROM pin WHERE segment=segment.id) "
      "FROM segment ORDER BY kind, dead DESC, id LIMIT ?1",
      most_segments_told);
  while (row.step()) {
    out.segments.push_back({row.unsigned_integer(0), row.integer(1) != 0, static_cast<SegmentInfo::State>(row.integer(2)),
                            row.unsigned_integer(3), row.unsigned_integer(4), row.unsigned_integer(5), row.integer(6),
                            row.integer(7)});
  }
  return out;
}

Result<std::vector<DumpRow>> dump_rows(Database& db, const DumpOrder& order) {
  std::vector<DumpRow> out;
  if (order.mailbox != 0 && order.uid != 0) {
    dump_message(out, db, message_id(order.mailbox, order.uid));
    if (out.empty()) return fail(ErrorKind::not_found, fmt::format("mailbox {} has no message {}", order.mailbox, order.uid));
    return out;
  }
  if (order.mailbox != 0) {
    dump_mailbox(out, db, order.mailbox, order.most);
    if (out.empty()) return fail(ErrorKind::not_found, fmt::format("there is no mailbox {}", order.mailbox));
    return out;
  }
  if (order.account.empty()) return fail(ErrorKind::invalid, "say what to show: an account, a mailbox, a message or a segment");
  const auto account = db.integer(0, "SELECT id FROM account WHERE login=?1", order.account);
  if (account == 0) return fail(ErrorKind::not_found, "there is no account " + order.account);
  dump_account(out, db, account, order.most);
  return out;
}

Result<std::vector<DumpRow>> dump_record(Database& db, SegmentFolder& folder, const DumpOrder& order) {
  const auto file = folder.open(order.segment);
  if (!file) return fail(ErrorKind::not_found, file.error().text);
  struct stat status{};
  if (::fstat((*file)->get(), &status) != 0) return std::unexpected(errno_error("look at a segment", errno));
  SegmentReader reader((*file)->get(), static_cast<std::uint64_t>(status.st_size), nullptr);
  const bool single = db.integer(0, "SELECT kind FROM segment WHERE id=?1", order.segment) == 1;
  const auto record = find_record(reader, order, single);
  if (!record || !record->has_value()) {
    return fail(ErrorKind::not_found, fmt::format("no record of segment {} has its body at {}", order.segment, order.offset));
  }
  std::vector<DumpRow> out;
  rows_of(out, "segment", 1, db.query("SELECT * FROM segment WHERE id=?1", order.segment));
  auto row = describe(reader, **record, single);
  if (!row) return std::unexpected(row.error());
  out.push_back(std::move(*row));
  const auto blob = db.integer(0, "SELECT id FROM blob WHERE seg=?1 AND off=?2", order.segment, (*record)->body);
  rows_of(out, "blob", 1, db.query("SELECT * FROM blob WHERE id=?1", blob));
  rows_of(out, "message", order.most,
          db.query("SELECT id>>32 AS mailbox, id&4294967295 AS uid, * FROM message WHERE blob=?1", blob));
  return out;
}

}  // namespace postern::store::sqlite
