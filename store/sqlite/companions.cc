// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/companions.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "store/sqlite/backup_files.h"
#include "store/sqlite/lane.h"
#include "store/sqlite/row_copy.h"
#include "store/sqlite/schema.h"

namespace postern::store::sqlite {

namespace fs = std::filesystem;

namespace {

constexpr int cache_kib = 2 * 1024;
constexpr const char* beside = "beside";
constexpr const char* unfinished = ".part";
constexpr const char* logins_name = "logins.db";
constexpr std::array login_tables{"credential", "old_password", "policy", "known_network", "weak_password"};

/// Keys and lists by their names, so that the order is always the same.
std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_key(entry.path()) || is_list(entry.path())) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

void add_number(Checksum& sum, std::int64_t value) { sum.add({reinterpret_cast<const char*>(&value), sizeof value}); }

/// Every column of every row, each with its length.
void add_rows(Checksum& sum, Query row) {
  while (row.step()) {
    for (int column = 0; column < row.columns(); ++column) {
      const auto text = row.text(column);
      add_number(sum, static_cast<std::int64_t>(text.size()));
      sum.add(text);
    }
  }
}

/// Lists are replaced, never written in place: another file is another inode.
Result<> add_file(Checksum& sum, const fs::path& path) {
  struct stat state{};
  if (::stat(path.c_str(), &state) != 0) return std::unexpected(errno_error("stat " + path.string(), errno));
  sum.add(path.filename().string());
  for (const std::int64_t value :
       {static_cast<std::int64_t>(state.st_ino), static_cast<std::int64_t>(state.st_size),
        static_cast<std::int64_t>(state.st_mtim.tv_sec), static_cast<std::int64_t>(state.st_mtim.tv_nsec)}) {
    add_number(sum, value);
  }
  return {};
}

Result<std::uint64_t> fingerprint_of(const fs::path& data_dir) {
  auto logins = Database::open({data_dir / "auth.db", Database::Mode::read_only, cache_kib});
  if (!logins) return std::unexpected(logins.error());
  Checksum sum;
  auto work = [&sum](Database& db) -> Result<> {
    add_rows(sum, db.query("SELECT id, account, kind, label, sealed, created, protocols, networks, expires FROM credential "
                           "ORDER BY id"));
    add_rows(sum, db.query("SELECT id, account, sealed FROM old_password ORDER BY id"));
    add_rows(sum, db.query("SELECT account, app_passwords_only FROM policy ORDER BY account"));
    add_rows(sum, db.query("SELECT account, credential, reason, since FROM weak_password ORDER BY account"));
    return {};
  };
  if (auto read = Lane::guarded<void>(**logins, work); !read) return std::unexpected(read.error());
  for (const auto& path : files_in(data_dir)) {
    if (auto added = add_file(sum, path); !added) return std::unexpected(added.error());
  }
  return sum.value();
}

/// All rows of the tables of logins, in the place of those that are there. Throws SqlError.
void replace_rows(Database& from, Database& to) {
  TransactionGuard guard(to);
  for (const char* table : login_tables) {
    to.assembled(std::string("DELETE FROM ") + table).run();
    copy_all_rows(from, to, table);
  }
  guard.commit();
}

Result<> copy_logins(const fs::path& auth, const fs::path& to, Log& log) {
  auto from = Database::open({auth, Database::Mode::read_only, cache_kib});
  if (!from) return std::unexpected(from.error());
  auto small = Database::open({":memory:", Database::Mode::read_write, cache_kib});
  if (!small) return std::unexpected(small.error());
  if (auto made = migrate(**small, to, auth_schema(), log); !made) return made;
  auto work = [&small](Database& db) -> Result<> {
    replace_rows(db, **small);
    return {};
  };
  if (auto copied = Lane::guarded<void>(**from, work); !copied) return copied;
  return (*small)->snapshot_to(to);
}

Result<> sync_file(const fs::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file || ::fsync(file.get()) != 0) return std::unexpected(errno_error("sync " + path.string(), errno));
  return {};
}

Result<> describe(const fs::path& part, const std::string& name, Manifest& manifest) {
  const auto bytes = size_of(part / name);
  if (!bytes) return std::unexpected(bytes.error());
  const auto sum = checksum_of_file(part / name, *bytes);
  if (!sum) return std::unexpected(sum.error());
  manifest.files.push_back({name, *bytes, *sum});
  return {};
}

}  // namespace

Result<std::uint64_t> CompanionCopies::fingerprint() const {
  try {
    return fingerprint_of(data_dir_);
  } catch (const fs::filesystem_error& error) {
    return std::unexpected(errno_error("list " + data_dir_.string(), error.code().value()));
  }
}

Result<bool> CompanionCopies::ship(const CompanionRun& run, UnixTime now) {
  // What changes while the copy is made is another fingerprint the next time.
  const auto found = fingerprint();
  if (!found) return std::unexpected(found.error());
  if (*found == shipped_) return false;
  try {
    if (auto copied = copy(run, now); !copied) return std::unexpected(copied.error());
  } catch (const fs::filesystem_error& error) {
    return std::unexpected(errno_error("copy logins and lists to " + run.folder.string(), error.code().value()));
  }
  shipped_ = *found;
  return true;
}

/// Under a name of its own first; with its last name it is complete.
Result<> CompanionCopies::copy(const CompanionRun& run, UnixTime now) const {
  const fs::path last = run.folder / beside / stamp(now);
  const fs::path part = last.string() + unfinished;
  fs::remove_all(part);
  if (auto made = make_private_folder(part); !made) return made;
  if (auto copied = copy_logins(data_dir_ / "auth.db", part / logins_name, log_); !copied) return copied;
  if (auto synced = sync_file(part / logins_name); !synced) return synced;
  Manifest manifest;
  manifest.name = last.filename().string();
  manifest.time = now;
  manifest.store_id = run.store_id;
  if (auto noted = describe(part, logins_name, manifest); !noted) return noted;
  for (const auto& path : files_in(data_dir_)) {
    const auto name = path.filename().string();
    if (auto brought = bring(path, part / name, Transfer::copy); !brought) return brought;
    if (auto noted = describe(part, name, manifest); !noted) return noted;
  }
  if (auto written = write_manifest(part, manifest); !written) return written;
  fs::remove_all(last);  // of the same second
  fs::rename(part, last);
  return sync_directory(last.parent_path());
}

CompanionCopyList companion_copies(const fs::path& run_folder) {
  CompanionCopyList out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(run_folder / beside, error)) {
    if (entry.path().extension() == unfinished) continue;
    auto manifest = read_manifest(entry.path());
    if (manifest) {
      out.copies.push_back({entry.path(), std::move(*manifest)});
    } else {
      out.complaints.push_back(manifest.error().text);
    }
  }
  std::sort(out.copies.begin(), out.copies.end(),
            [](const CompanionCopy& a, const CompanionCopy& b) { return a.manifest.time < b.manifest.time; });
  return out;
}

namespace {

Result<> bring_checked(const fs::path& from, const fs::path& to, const ManifestFile& file) {
  if (auto brought = bring(from, to, Transfer::copy); !brought) return brought;
  const auto sum = checksum_of_file(to, file.bytes);
  if (!sum) return std::unexpected(sum.error());
  if (*sum == file.checksum) return {};
  return fail(ErrorKind::corrupt, from.string() + " fails its checksum: choose a moment before it was copied");
}

}  // namespace

Result<> put_on_top(const CompanionCopy& copy, const fs::path& scratch, Log& log) {
  for (const auto& old : files_in(scratch)) fs::remove(old);
  for (const auto& file : copy.manifest.files) {
    if (auto brought = bring_checked(copy.folder / file.name, scratch / file.name, file); !brought) return brought;
  }
  const auto logins = scratch / logins_name;
  if (fs::exists(scratch / "auth.db")) {
    auto from = Database::open({logins, Database::Mode::read_write, cache_kib});
    if (!from) return std::unexpected(from.error());
    if (auto migrated = migrate(**from, logins, auth_schema(), log); !migrated) return migrated;
    auto to = Database::open({scratch / "auth.db", Database::Mode::read_write, cache_kib});
    if (!to) return std::unexpected(to.error());
    try {
      replace_rows(**from, **to);
    } catch (const SqlError& error) {
      return std::unexpected(error.error);
    }
    if (auto moved = (*to)->checkpoint(true); !moved) return moved;
  }
  for (const char* end : {"", "-wal", "-shm"}) fs::remove(logins.string() + end);
  return {};
}

void prune_companions(const fs::path& run_folder, UnixTime before) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(run_folder / beside, error)) {
    const auto manifest = read_manifest(entry.path());
    const bool whole = manifest && entry.path().extension() != unfinished;
    if (!whole || manifest->time < before) fs::remove_all(entry.path());
  }
}

}  // namespace postern::store::sqlite
