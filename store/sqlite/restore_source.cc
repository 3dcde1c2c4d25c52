// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/restore_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "store/sqlite/companions.h"
#include "store/sqlite/database.h"
#include "store/sqlite/lane.h"
#include "store/sqlite/schema.h"

namespace postern::store::sqlite {

namespace fs = std::filesystem;

namespace {

constexpr int cache_kib = 8 * 1024;

Result<Manifest> choose_base(const SourceOrder& order) {
  auto backups = list_backups(order.backups);
  if (!backups) return std::unexpected(backups.error());
  if (!order.at) return backups->back();
  const auto later = [&](const Manifest& one) { return one.time > *order.at; };
  const auto end = std::find_if(backups->begin(), backups->end(), later);
  if (end == backups->begin()) {
    return fail(ErrorKind::not_found, fmt::format("the oldest backup in {} is of {}; there is none at or before {}",
                                                  order.backups.string(), stamp(backups->front().time), stamp(*order.at)));
  }
  return *std::prev(end);
}

/// Puts the run's generations on top, in order, up to the moment; at least as far as the snapshot itself reached.
Result<std::uint64_t> put_log_on_top(const SourceOrder& order, const Manifest& base, const fs::path& database) {
  if (base.wal.run.empty()) return 0;
  const auto run = order.backups / "wal" / base.wal.run;
  const UnixTime until = order.at.value_or(std::numeric_limits<UnixTime>::max());
  std::uint64_t applied = 0;
  for (std::uint64_t seq = base.wal.seq; fs::exists(wal_copy_path(run, seq)); ++seq) {
    auto frames = frames_until(wal_commits_path(run, seq), until);
    if (!frames && frames.error().kind == ErrorKind::not_found) frames = 0;
    if (!frames) return frames;
    const std::uint64_t asked = seq < base.wal.least_seq    ? UINT64_MAX
                                : seq == base.wal.least_seq ? std::max(*frames, base.wal.least_frames)
                                                            : *frames;
    if (asked == 0) break;
    const auto wal = wal_copy_path(run, seq);
    const auto extent = committed_extent(wal);
    if (!extent) return std::unexpected(extent.error());
    const auto done = apply_wal(wal, database, std::min(asked, extent->frames));
    if (!done) return done;
    applied += *done;
    if (asked < extent->frames) break;
  }
  return applied;
}

/// The newest logins, keys and lists that were copied between the base and the moment.
Result<> put_companions_on_top(const SourceOrder& order, const Manifest& base, Log& log) {
  if (base.wal.run.empty()) return {};
  const auto until = order.at.value_or(std::numeric_limits<UnixTime>::max());
  const auto found = companion_copies(order.backups / "wal" / base.wal.run);
  const CompanionCopy* newest = nullptr;
  for (const auto& copy : found.copies) {
    if (copy.manifest.time >= base.time && copy.manifest.time <= until) newest = &copy;
  }
  return newest ? put_on_top(*newest, order.scratch, log) : Result<>();
}

Result<std::unique_ptr<Database>> open_scratch(const fs::path& path, SchemaSteps steps, Log& log) {
  auto db = Database::open({path, Database::Mode::read_write, cache_kib});
  if (!db) return db;
  try {
    auto row = (*db)->query("PRAGMA quick_check(1)");
    if (!row.step() || row.text(0) != "ok") return fail(ErrorKind::corrupt, path.string() + " is damaged: choose another moment");
  } catch (const SqlError& error) {
    return std::unexpected(error.error);
  }
  if (auto migrated = migrate(**db, path, steps, log); !migrated) return std::unexpected(migrated.error());
  return db;
}

Result<> clean_scratch(const fs::path& scratch) {
  std::error_code error;
  for (const char* name : {"mail.db", "auth.db", "logins.db"}) {
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(scratch / (std::string(name) + end), error);
  }
  return make_private_folder(scratch);
}

}  // namespace

Result<RestoreSource> materialise(const SourceOrder& order, Log& log) {
  auto base = choose_base(order);
  if (!base) return std::unexpected(base.error());
  if (auto cleaned = clean_scratch(order.scratch); !cleaned) return std::unexpected(cleaned.error());
  const auto index = order.backups / "index" / base->name;
  for (const auto& file : base->files) {
    if (file.name == "postern.toml") continue;
    if (auto copied = bring(index / file.name, order.scratch / file.name, Transfer::copy); !copied) {
      return std::unexpected(copied.error());
    }
    give_to_owner(order.scratch / file.name, order.scratch.parent_path());
  }
  const auto frames = put_log_on_top(order, *base, order.scratch / "mail.db");
  if (!frames) return std::unexpected(frames.error());
  const bool has_auth = fs::exists(order.scratch / "auth.db");
  for (const auto& [name, steps] : {std::pair("mail.db", mail_schema()), std::pair("auth.db", auth_schema())}) {
    if (std::string_view(name) == "auth.db" && !has_auth) continue;
    auto opened = open_scratch(order.scratch / name, steps, log);
    if (!opened) return std::unexpected(opened.error());
    if (auto moved = (*opened)->checkpoint(true); !moved) return std::unexpected(moved.error());
  }
  if (auto put = put_companions_on_top(order, *base, log); !put) return std::unexpected(put.error());
  for (const auto& entry : fs::directory_iterator(order.scratch)) give_to_owner(entry.path(), order.scratch.parent_path());
  give_to_owner(order.scratch, order.scratch.parent_path());
  const UnixTime reached = base->wal.run.empty() ? base->time : std::max(base->time, order.at.value_or(base->time));
  return RestoreSource{std::move(*base), reached, *frames};
}

namespace {

/// seg, off, len of the bodies that the choice needs, ordered by place.
Query chosen_bodies(Database& db, const BodyChoice& choice) {
  if (choice.scope == RestoreScope::everything) return db.query("SELECT seg, off, len FROM blob ORDER BY seg, off");
  return db.query(
      "SELECT DISTINCT b.seg, b.off, b.len FROM account a JOIN mailbox m ON m.account=a.id JOIN message r ON r.id BETWEEN "
      "(m.id<<32) AND (m.id<<32)+4294967295 JOIN blob b ON b.id=r.blob WHERE a.login=?1 AND (?2='' OR m.name=?2) AND "
      "(?3=0 OR (r.id&4294967295)=?3) ORDER BY b.seg, b.off",
      choice.account, choice.mailbox, choice.uid);
}

/// A file with holes: only the chosen bodies, each at its place.
class SparseCopies {
 public:
  SparseCopies(fs::path from, fs::path to) : from_(std::move(from)), to_(std::move(to)) {}

  Result<> add(SegmentId id, std::uint64_t offset, std::uint64_t length) {
    if (id != id_) {
      if (auto opened = open(id); !opened) return opened;
    }
    return copy_range(source_.get(), target_.get(), offset, length);
  }

 private:
  Result<> open(SegmentId id) {
    id_ = id;
    source_ = UniqueFd(::open(segment_path(from_, id).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!source_) return std::unexpected(errno_error("open " + segment_path(from_, id).string(), errno));
    const auto path = segment_path(to_, id);
    target_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!target_) return std::unexpected(errno_error("create " + path.string(), errno));
    give_to_owner(path, to_.parent_path());
    return {};
  }

  const fs::path from_, to_;
  SegmentId id_ = 0;
  UniqueFd source_, target_;
};

Result<std::vector<std::string>> stage(Database& db, const fs::path& segments, const fs::path& to, const BodyChoice& choice) {
  std::vector<std::string> missing;
  SparseCopies copies(segments, to);
  SegmentId seen = 0;
  bool by_bodies = false;
  auto row = chosen_bodies(db, choice);
  while (row.step()) {
    const SegmentId id = row.unsigned_integer(0);
    if (id != seen) {
      seen = id;
      const auto from = segment_path(segments, id);
      const auto path = segment_path(to, id);
      ::unlink(path.c_str());
      by_bodies = ::link(from.c_str(), path.c_str()) != 0;
      if (by_bodies && !fs::exists(from)) {
        missing.push_back(from.string() + " is missing");
        by_bodies = false;
      }
    }
    if (!by_bodies) continue;
    if (auto copied = copies.add(id, row.unsigned_integer(1), row.unsigned_integer(2)); !copied) {
      if (copied.error().kind == ErrorKind::no_space) return std::unexpected(copied.error());
      missing.push_back(copied.error().text);
    }
  }
  return missing;
}

}  // namespace

Result<std::vector<std::string>> stage_bodies(const fs::path& backups, const fs::path& scratch, const BodyChoice& choice) {
  const auto to = scratch / "seg";
  if (auto made = make_private_folder(to); !made) return std::unexpected(made.error());
  give_to_owner(to, scratch);
  auto db = Database::open({scratch / "mail.db", Database::Mode::read_only, cache_kib});
  if (!db) return std::unexpected(db.error());
  auto work = [&](Database& index) { return stage(index, backups / "segments", to, choice); };
  return Lane::guarded<std::vector<std::string>>(**db, work);
}

namespace {

/// Segments of an earlier life of the folder must not be mixed with those of the backup.
Result<> set_aside(const fs::path& segments, UnixTime now) {
  std::error_code error;
  if (!fs::exists(segments) || fs::is_empty(segments, error)) return {};
  if (fs::exists(segments / "restoring")) return {};  // ours, of a rebuild that was cut short
  fs::rename(segments, segments.string() + ".before-" + stamp(now), error);
  if (error) return std::unexpected(errno_error("rename " + segments.string(), error.value()));
  return {};
}

Result<> bring_segments(const RebuildOrder& order, const fs::path& index, Rebuilt& out,
                        const std::function<void(CollectProgress)>& progress) {
  auto db = Database::open({index, Database::Mode::read_only, cache_kib});
  if (!db) return std::unexpected(db.error());
  auto work = [](Database& source) -> Result<std::vector<SegmentNeed>> { return segments_of(source); };
  const auto needs = Lane::guarded<std::vector<SegmentNeed>>(**db, work);
  if (!needs) return std::unexpected(needs.error());
  CollectProgress far;
  for (const auto& need : *needs) far.total += need.bytes;
  for (const auto& need : *needs) {
    const auto from = segment_path(order.backups / "segments", need.id);
    const auto to = segment_path(order.data_dir / "seg", need.id);
    const auto have = fs::exists(to) ? size_of(to) : Result<std::uint64_t>(0);
    if (!have) return std::unexpected(have.error());
    if (*have < need.bytes) {
      auto brought = bring(from, to, Transfer::copy, need.bytes);
      const bool lost = !brought && (brought.error().kind == ErrorKind::not_found || brought.error().kind == ErrorKind::corrupt);
      if (lost) out.complaints.push_back(brought.error().text);
      if (!brought && !lost) return brought;
      give_to_owner(to, order.data_dir);
    }
    far.done += need.bytes;
    if (progress) progress(far);
  }
  return {};
}

/// What makes the restored store a new one: names of mailboxes' contents, of the store, and no mail that was sent already.
Result<> give_new_identity(const fs::path& index, UnixTime now, Rebuilt& out) {
  auto db = Database::open({index, Database::Mode::read_write, cache_kib});
  if (!db) return std::unexpected(db.error());
  auto work = [&](Database& d) -> Result<> {
    const auto last = d.integer(0, "SELECT v FROM sys WHERE k='uidvalidity'");
    const auto first = std::max<std::int64_t>(last + 1, now);
    d.run("UPDATE mailbox SET uidvalidity=?1+(SELECT count(*) FROM mailbox o WHERE o.id<mailbox.id)", first);
    d.run("UPDATE sys SET v=?1+(SELECT count(*) FROM mailbox) WHERE k='uidvalidity'", first);
    d.run("UPDATE sys SET v=lower(hex(randomblob(16))) WHERE k='store_id'");
    out.held = static_cast<std::uint64_t>(d.run("UPDATE queue_rcpt SET state=1 WHERE state=0"));
    out.accounts = static_cast<std::uint64_t>(d.integer(0, "SELECT count(*) FROM account"));
    out.messages = static_cast<std::uint64_t>(d.integer(0, "SELECT count(*) FROM message"));
    return {};
  };
  if (auto done = Lane::guarded<void>(**db, work); !done) return done;
  return (*db)->checkpoint(true);
}

Result<> move_into_place(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) return std::unexpected(errno_error("rename " + from.string(), error.value()));
  return sync_directory(to.parent_path());
}

}  // namespace

Result<Rebuilt> rebuild(const RebuildOrder& order, const Clock& clock, Log& log,
                        const std::function<void(CollectProgress)>& progress) {
  const fs::path& data = order.data_dir;
  if (fs::exists(data / "mail.db")) {
    return fail(ErrorKind::conflict, data.string() + " has a mail.db: a rebuild wants a folder without one; move it away first");
  }
  if (auto made = make_private_folder(data); !made) return std::unexpected(made.error());
  auto held = hold_folder(data);
  if (!held) return std::unexpected(held.error());
  if (auto aside = set_aside(data / "seg", clock.unix_now()); !aside) return std::unexpected(aside.error());
  if (auto made = make_private_folder(data / "seg"); !made) return std::unexpected(made.error());
  give_to_owner(data / "seg", data);
  if (auto marked = write_file_durably(data / "seg" / "restoring", "\n"); !marked) return std::unexpected(marked.error());
  const auto scratch = data / "rebuild";
  auto source = materialise({order.backups, order.at, scratch}, log);
  if (!source) return std::unexpected(source.error());
  Rebuilt out{std::move(*source)};
  if (auto brought = bring_segments(order, scratch / "mail.db", out, progress); !brought) return std::unexpected(brought.error());
  if (auto renewed = give_new_identity(scratch / "mail.db", clock.unix_now(), out); !renewed) {
    return std::unexpected(renewed.error());
  }
  for (const auto& entry : fs::directory_iterator(scratch)) {
    const auto name = entry.path().filename();
    if (name != "auth.db" && !is_key(name) && !is_list(name)) continue;
    if (auto moved = move_into_place(entry.path(), data / name); !moved) return std::unexpected(moved.error());
  }
  std::error_code ignored;
  fs::remove_all(data / "text", ignored);  // of another life; it is made anew
  fs::remove(data / "seg" / "restoring", ignored);
  if (auto moved = move_into_place(scratch / "mail.db", data / "mail.db"); !moved) return std::unexpected(moved.error());
  fs::remove_all(scratch, ignored);
  return out;
}

namespace {

std::vector<SourceEntry> list_accounts(Database& db) {
  std::vector<SourceEntry> out;
  auto row = db.query("SELECT login, used_messages, used_bytes FROM account ORDER BY login");
  while (row.step()) out.push_back({std::string(row.text(0)), {}, 0, row.unsigned_integer(1), row.unsigned_integer(2)});
  return out;
}

std::vector<SourceEntry> list_mailboxes(Database& db, const std::string& login) {
  std::vector<SourceEntry> out;
  auto row = db.query(
      "SELECT m.name, m.messages, m.bytes FROM account a JOIN mailbox m ON m.account=a.id WHERE a.login=?1 ORDER BY m.name",
      login);
  while (row.step()) out.push_back({login, std::string(row.text(0)), 0, row.unsigned_integer(1), row.unsigned_integer(2)});
  return out;
}

std::vector<SourceEntry> list_messages(Database& db, const std::string& login, const std::string& mailbox) {
  std::vector<SourceEntry> out;
  auto row = db.query(
      "SELECT r.id, r.size, r.idate, x.envelope FROM account a JOIN mailbox m ON m.account=a.id JOIN message r ON r.id BETWEEN "
      "(m.id<<32) AND (m.id<<32)+4294967295 LEFT JOIN msgmeta x ON x.id=r.id WHERE a.login=?1 AND m.name=?2 AND "
      "(r.id&4294967295)<m.uidnext ORDER BY r.id",
      login, mailbox);
  while (row.step()) {
    SourceEntry one{login, mailbox, static_cast<Uid>(row.integer(0)), 0, row.unsigned_integer(1), row.integer(2)};
    one.envelope = row.text(3);
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

Result<std::vector<SourceEntry>> list_source(const fs::path& scratch, const std::string& login, const std::string& mailbox) {
  auto db = Database::open({scratch / "mail.db", Database::Mode::read_only, cache_kib});
  if (!db) return std::unexpected(db.error());
  auto work = [&](Database& index) -> Result<std::vector<SourceEntry>> {
    if (login.empty()) return list_accounts(index);
    if (mailbox.empty()) return list_mailboxes(index, login);
    return list_messages(index, login, mailbox);
  };
  auto out = Lane::guarded<std::vector<SourceEntry>>(**db, work);
  if (out && out->empty() && !login.empty()) return fail(ErrorKind::not_found, "the backup has none at that time");
  return out;
}

}  // namespace postern::store::sqlite
