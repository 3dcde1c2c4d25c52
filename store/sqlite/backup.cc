// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/backup.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "store/sqlite/companions.h"
#include "store/sqlite/database.h"
#include "store/sqlite/lane.h"

namespace postern::store::sqlite {

namespace fs = std::filesystem;

namespace {

constexpr const char* staging_folder = "backup";
constexpr const char* unfinished = ".part";
constexpr int reader_cache_kib = 2 * 1024;

Result<std::unique_ptr<Database>> open_reading(const fs::path& path) {
  return Database::open({path, Database::Mode::read_only, reader_cache_kib});
}

/// One moment of a database, read through a connection of its own.
Result<> snapshot(const fs::path& from, const fs::path& to) {
  auto db = open_reading(from);
  if (!db) return std::unexpected(db.error());
  std::error_code ignored;
  fs::remove(to, ignored);
  auto work = [&to](Database& source) { return source.snapshot_to(to); };
  return Lane::guarded<void>(**db, work);
}

/// Calls the function with an index of a backup; SQL errors become values.
template <class T, class F>
Result<T> with_index(const fs::path& path, F work) {
  auto db = open_reading(path);
  if (!db) return std::unexpected(db.error());
  return Lane::guarded<T>(**db, work);
}

/// Keys and lists lie beside the databases; whoever can read auth.db needs the keys.
Result<> copy_companions(const fs::path& from, const fs::path& to) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(from, error)) {
    if (!is_key(entry.path()) && !is_list(entry.path())) continue;
    if (auto copied = bring(entry.path(), to / entry.path().filename(), Transfer::copy); !copied) return copied;
  }
  if (error) return std::unexpected(errno_error("list " + from.string(), error.value()));
  return {};
}

Result<Manifest> describe(const fs::path& index, UnixTime now) {
  return with_index<Manifest>(index, [now](Database& db) -> Result<Manifest> {
    Manifest out;
    out.time = now;
    out.name = stamp(now);
    out.schema = static_cast<int>(db.integer(0, "PRAGMA user_version"));
    auto id = db.query("SELECT v FROM sys WHERE k='store_id'");
    if (id.step()) out.store_id = id.text(0);
    for (const auto& need : segments_of(db)) out.segments.push_back({need.id, need.bytes, std::nullopt});
    return out;
  });
}

/// Files that are lost or cut stay out; collect tells about them.
Result<> link_segments(const fs::path& data_dir, const fs::path& staged, const Manifest& manifest) {
  if (auto made = make_private_folder(staged / "seg"); !made) return made;
  for (const auto& segment : manifest.segments) {
    const auto from = segment_path(data_dir / "seg", segment.id);
    if (::link(from.c_str(), segment_path(staged / "seg", segment.id).c_str()) != 0 && errno != ENOENT && errno != EEXIST) {
      return std::unexpected(errno_error("link " + from.string(), errno));
    }
  }
  return {};
}

Result<WalLink> link_to_archive(WalArchive* archive, const WalPosition& before) {
  if (!archive || before.run.empty()) return WalLink{};
  const auto after = archive->ship();
  if (!after || after->run != before.run) return WalLink{};
  return WalLink{before.run, std::max<std::uint64_t>(before.seq, 1), after->seq, after->frames};
}

}  // namespace

fs::path segment_path(const fs::path& folder, SegmentId id) { return folder / fmt::format("{:010}.seg", id); }

std::vector<SegmentNeed> segments_of(Database& index) {
  std::vector<SegmentNeed> out;
  auto row = index.query(
      "SELECT s.id, s.state, s.kind, s.bytes, coalesce((SELECT max(off+len) FROM blob WHERE seg=s.id),0) FROM segment s ORDER BY "
      "s.id");
  while (row.step()) {
    const bool sealed = row.integer(1) != 0;
    const std::uint64_t used = row.unsigned_integer(4);
    if (used == 0) continue;
    out.push_back({row.unsigned_integer(0), sealed ? std::max(row.unsigned_integer(3), used) : used, sealed});
  }
  return out;
}

Result<StagedBackup> stage_backup(const StageParts& parts) {
  WalPosition before;
  if (parts.archive) {
    if (auto shipped = parts.archive->ship()) before = *shipped;
  }
  const auto root = parts.data_dir / staging_folder;
  const auto folder = root / fmt::format("{}-{}", stamp(parts.clock.unix_now()), ::getpid());
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  if (auto made = make_private_folder(folder); !made) return std::unexpected(made.error());
  for (const char* name : {"mail.db", "auth.db"}) {
    if (auto copied = snapshot(parts.data_dir / name, folder / name); !copied) return std::unexpected(copied.error());
  }
  auto manifest = describe(folder / "mail.db", parts.clock.unix_now());
  if (!manifest) return std::unexpected(manifest.error());
  auto wal = link_to_archive(parts.archive, before);
  if (!wal) return std::unexpected(wal.error());
  manifest->wal = std::move(*wal);
  manifest->time = parts.clock.unix_now();
  manifest->name = stamp(manifest->time);
  if (auto linked = link_segments(parts.data_dir, folder, *manifest); !linked) return std::unexpected(linked.error());
  if (auto keys = copy_companions(parts.data_dir, folder); !keys) return std::unexpected(keys.error());
  if (auto written = write_manifest(folder, *manifest); !written) return std::unexpected(written.error());
  return StagedBackup{folder, manifest->time};
}

void remove_staged(const fs::path& data_dir, const std::string& name) {
  std::error_code ignored;  // what stays goes at the next start
  fs::remove_all(name.empty() ? data_dir / staging_folder : data_dir / staging_folder / name, ignored);
}

namespace {

/// A sealed file is whole when it has the octets that were needed when it was taken; a growing one may lack its end.
Result<std::uint64_t> take_segment(const fs::path& from, const fs::path& to, const SegmentNeed& need, Transfer transfer) {
  const auto have = fs::exists(to) ? size_of(to) : Result<std::uint64_t>(0);
  if (!have) return have;
  if (*have >= need.bytes) return 0;
  if (*have > 0) {
    auto grown = bring_tail(from, to, need.bytes);
    if (grown) return need.bytes - *have;
    if (grown.error().kind != ErrorKind::conflict) return std::unexpected(grown.error());
    // Its end was cut at a recovery and written anew: take it whole.
  }
  // The active file is never shared: it goes on growing.
  if (auto brought = bring(from, to, need.sealed ? transfer : Transfer::copy, need.bytes); !brought) {
    return std::unexpected(brought.error());
  }
  return need.bytes;
}

/// The work of one collect_backup().
class Collector {
 public:
  Collector(const CollectOrder& order, const std::function<void(CollectProgress)>& progress)
      : order_(order), progress_(progress) {}

  Result<Collected> run() {
    if (auto ready = open_folder(); !ready) return std::unexpected(ready.error());
    auto index = open_reading(order_.staged / "mail.db");
    if (!index) return std::unexpected(index.error());
    auto work = [this](Database& db) { return take_segments(segments_of(db)); };
    if (auto taken = Lane::guarded<void>(**index, work); !taken) return std::unexpected(taken.error());
    if (auto written = write_index(); !written) return std::unexpected(written.error());
    out_.manifest = std::move(manifest_);
    return std::move(out_);
  }

 private:
  Result<> open_folder() {
    if (auto made = make_private_folder(order_.folder); !made) return made;
    auto held = hold_folder(order_.folder);
    if (!held) return std::unexpected(held.error());
    held_ = std::move(*held);
    auto manifest = read_manifest(order_.staged);
    if (!manifest) return std::unexpected(manifest.error());
    manifest_ = std::move(*manifest);
    const auto id_path = order_.folder / "store.id";
    const auto id = read_file(id_path);
    if (id && *id != manifest_.store_id + "\n") {
      return fail(ErrorKind::conflict, order_.folder.string() +
                                           " holds the backups of another store (or of this one before it was restored); choose "
                                           "an empty folder");
    }
    if (!id) {
      if (auto written = write_file_durably(id_path, manifest_.store_id + "\n"); !written) return written;
    }
    for (const char* name : {"segments", "index"}) {
      if (auto made = make_private_folder(order_.folder / name); !made) return made;
    }
    remember_checksums();
    return {};
  }

  /// Sealed files do not change: their checksums are those of earlier backups.
  void remember_checksums() {
    const auto earlier = list_backups(order_.folder);
    if (!earlier) return;
    for (const auto& backup : *earlier) {
      for (const auto& segment : backup.segments) {
        if (segment.checksum) known_[segment.id] = segment;
      }
    }
  }

  Result<> take_segments(const std::vector<SegmentNeed>& needs) {
    CollectProgress progress;
    for (const auto& need : needs) progress.total += need.bytes;
    for (std::size_t i = 0; i < needs.size(); ++i) {
      const auto from = segment_path(order_.staged / "seg", needs[i].id);
      const auto to = segment_path(order_.folder / "segments", needs[i].id);
      const auto taken = take_segment(from, to, needs[i], order_.transfer);
      if (!taken) {
        const auto kind = taken.error().kind;
        if (kind != ErrorKind::not_found && kind != ErrorKind::corrupt) return std::unexpected(taken.error());
        out_.complaints.push_back(taken.error().text);
      } else {
        out_.new_bytes += *taken;
        if (auto noted = note_checksum(needs[i], to); !noted) return noted;
      }
      progress.done += needs[i].bytes;
      if (progress_) progress_(progress);
    }
    return {};
  }

  Result<> note_checksum(const SegmentNeed& need, const fs::path& path) {
    if (!need.sealed) return {};
    const auto row = std::find_if(manifest_.segments.begin(), manifest_.segments.end(),
                                  [&](const ManifestSegment& one) { return one.id == need.id; });
    if (row == manifest_.segments.end()) return {};
    if (const auto known = known_.find(need.id); known != known_.end() && known->second.bytes == need.bytes) {
      row->checksum = known->second.checksum;
      return {};
    }
    const auto sum = checksum_of_file(path, need.bytes);
    if (!sum) return std::unexpected(sum.error());
    row->checksum = *sum;
    return {};
  }

  Result<> add_file(const fs::path& from, const fs::path& part, const std::string& name) {
    if (auto brought = bring(from, part / name, Transfer::copy); !brought) return brought;
    const auto bytes = size_of(part / name);
    if (!bytes) return std::unexpected(bytes.error());
    const auto sum = checksum_of_file(part / name, *bytes);
    if (!sum) return std::unexpected(sum.error());
    manifest_.files.push_back({name, *bytes, *sum});
    return {};
  }

  /// Below a name of its own first; with its last name it is complete.
  Result<> write_index() {
    const auto last = free_name();
    const auto part = order_.folder / "index" / (last.filename().string() + unfinished);
    std::error_code error;
    fs::remove_all(part, error);
    if (auto made = make_private_folder(part); !made) return made;
    if (auto added = add_file(order_.staged / "mail.db", part, "mail.db"); !added) return added;
    if (auto added = add_files(part, is_list); !added) return added;
    if (order_.secrets == CollectOrder::Secrets::with) {
      if (auto added = add_secrets(part); !added) return added;
    }
    manifest_.name = last.filename().string();
    if (auto written = write_manifest(part, manifest_); !written) return written;
    fs::rename(part, last, error);
    if (error) return std::unexpected(errno_error("rename " + part.string(), error.value()));
    return sync_directory(order_.folder / "index");
  }

  Result<> add_secrets(const fs::path& part) {
    if (auto added = add_file(order_.staged / "auth.db", part, "auth.db"); !added) return added;
    if (auto added = add_files(part, is_key); !added) return added;
    if (order_.config.empty()) return {};
    return add_file(order_.config, part, "postern.toml");
  }

  Result<> add_files(const fs::path& part, bool (*wanted)(const fs::path&)) {
    for (const auto& entry : fs::directory_iterator(order_.staged)) {
      if (!wanted(entry.path())) continue;
      if (auto added = add_file(entry.path(), part, entry.path().filename().string()); !added) return added;
    }
    return {};
  }

  /// Two backups of one second get different names.
  fs::path free_name() const {
    auto path = order_.folder / "index" / manifest_.name;
    for (int n = 2; fs::exists(path); ++n) path = order_.folder / "index" / fmt::format("{}-{}", manifest_.name, n);
    return path;
  }

  const CollectOrder& order_;
  const std::function<void(CollectProgress)>& progress_;
  UniqueFd held_;
  Manifest manifest_;
  Collected out_;
  std::map<SegmentId, ManifestSegment> known_;
};

}  // namespace

Result<Collected> collect_backup(const CollectOrder& order, const std::function<void(CollectProgress)>& progress) {
  try {
    return Collector(order, progress).run();
  } catch (const fs::filesystem_error& error) {
    return std::unexpected(errno_error("backup into " + order.folder.string(), error.code().value()));
  }
}

Result<> ship_segments(const fs::path& data_dir, const fs::path& folder, Database& index, Transfer transfer) {
  auto held = hold_folder(folder);
  if (!held) return std::unexpected(held.error());
  if (auto made = make_private_folder(folder / "segments"); !made) return made;
  for (const auto& need : segments_of(index)) {
    const auto taken =
        take_segment(segment_path(data_dir / "seg", need.id), segment_path(folder / "segments", need.id), need, transfer);
    if (taken || taken.error().kind == ErrorKind::not_found || taken.error().kind == ErrorKind::corrupt) continue;
    return std::unexpected(taken.error());
  }
  return {};
}

namespace {

/// Segments that no kept backup mentions and that are older than all of them.
Result<std::size_t> prune_segments(const fs::path& folder, const std::vector<Manifest>& kept) {
  std::set<SegmentId> wanted;
  SegmentId newest_of_oldest = 0;
  for (const auto& backup : kept) {
    for (const auto& segment : backup.segments) wanted.insert(segment.id);
  }
  for (const auto& segment : kept.front().segments) newest_of_oldest = std::max(newest_of_oldest, segment.id);
  std::size_t removed = 0;
  for (const auto& entry : fs::directory_iterator(folder / "segments")) {
    if (entry.path().extension() == ".new") {
      fs::remove(entry.path());
      continue;
    }
    const auto id = std::strtoull(entry.path().stem().c_str(), nullptr, 10);
    if (entry.path().extension() != ".seg" || id > newest_of_oldest || wanted.contains(id)) continue;
    fs::remove(entry.path());
    ++removed;
  }
  return removed;
}

/// Runs that ended before the oldest backup's own, and generations before the one it goes on from.
void prune_log_copies(const fs::path& folder, const Manifest& oldest) {
  std::error_code error;
  for (const auto& run : fs::directory_iterator(folder / "wal", error)) {
    const auto name = run.path().filename().string();
    if (oldest.wal.run.empty() ? name < oldest.name : name < oldest.wal.run) {
      fs::remove_all(run.path());
      continue;
    }
    if (name != oldest.wal.run) continue;
    prune_companions(run.path(), oldest.time);
    for (const auto& file : fs::directory_iterator(run.path())) {
      const bool number = file.is_regular_file();
      if (number && std::strtoull(file.path().stem().c_str(), nullptr, 10) < oldest.wal.seq) fs::remove(file.path());
    }
  }
}

}  // namespace

Result<Pruned> prune_backups(const fs::path& folder, std::size_t keep) {
  auto held = hold_folder(folder);
  if (!held) return std::unexpected(held.error());
  auto backups = list_backups(folder);
  if (!backups) return std::unexpected(backups.error());
  Pruned out;
  try {
    keep = std::max<std::size_t>(keep, 1);
    while (backups->size() > keep) {
      // Without its manifest it is no backup any more, whatever happens next.
      const auto path = folder / "index" / backups->front().name;
      fs::remove(path / manifest_name);
      fs::remove_all(path);
      backups->erase(backups->begin());
      ++out.backups;
    }
    for (const auto& entry : fs::directory_iterator(folder / "index")) {
      if (!fs::exists(entry.path() / manifest_name) || entry.path().extension() == unfinished) fs::remove_all(entry.path());
    }
    const auto removed = prune_segments(folder, *backups);
    if (!removed) return std::unexpected(removed.error());
    out.segments = *removed;
    prune_log_copies(folder, backups->front());
  } catch (const fs::filesystem_error& error) {
    return std::unexpected(errno_error("prune " + folder.string(), error.code().value()));
  }
  return out;
}

}  // namespace postern::store::sqlite
