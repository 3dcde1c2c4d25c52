// SPDX-License-Identifier: Apache-2.0
// The methods that SQLite calls, https://www.sqlite.org/c3ref/io_methods.html. All but a few hand on to the file of the layer
// below, which lies in memory directly behind ours.
#include "store/sqlite/vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "store/sqlite/page_windows.h"

namespace postern::store::sqlite {

namespace {

/// More than this of a commit goes out in several pieces.
constexpr std::size_t held_limit = 1 << 20;
/// SQLite's own layer takes no more than 128 KiB less one octet at once: of 128 KiB it writes nothing and says FULL.
constexpr std::size_t write_step = 64 << 10;

/// The log grows by this much zeroed room at once.
constexpr std::size_t cleared_step = 1 << 20;

/// Octets for consecutive offsets of the log that are not written yet.
struct Held {
  std::string bytes;
  sqlite3_int64 at = 0;
  sqlite3_int64 end() const { return at + static_cast<sqlite3_int64>(bytes.size()); }
};

/// The database below, for its windows.
class Below final : public PageWindows::Source {
 public:
  explicit Below(sqlite3_file* file) : file_(file) {}
  std::size_t read(char* out, std::size_t size, std::int64_t at) noexcept override {
    sqlite3_int64 end = 0;
    if (file_->pMethods->xFileSize(file_, &end) != SQLITE_OK || end <= at) return 0;
    const auto octets = static_cast<std::size_t>(std::min<sqlite3_int64>(end - at, static_cast<sqlite3_int64>(size)));
    return file_->pMethods->xRead(file_, out, static_cast<int>(octets), at) == SQLITE_OK ? octets : 0;
  }

 private:
  sqlite3_file* file_;
};

struct Reading {
  explicit Reading(sqlite3_file* file) : below(file), windows(below) {}
  Below below;
  PageWindows windows;
};

/// What SQLite sees as its file.
struct File {
  sqlite3_file base;
  Disk* disk;
  DatabaseFile kind;
  Held* held;             ///< of the log
  bool synced;            ///< nothing was written since the last sync
  bool clears;            ///< room is zeroed ahead of the log's end (Disk::clear)
  sqlite3_int64 cleared;  ///< the log has blocks up to here
  Reading* reading;       ///< of a database that is only read
  sqlite3_file* below;
};

File& file_of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* below(sqlite3_file* file) { return file_of(file).below; }

int code_of(const Error& error, int io_code) { return error.kind == ErrorKind::no_space ? SQLITE_FULL : io_code; }

int write_below(File& file, const void* bytes, int size, sqlite3_int64 at) {
  file.synced = false;
  if (auto ready = file.disk->before_database_write(file.kind, static_cast<std::size_t>(size)); !ready) {
    return code_of(ready.error(), SQLITE_IOERR_WRITE);
  }
  return file.below->pMethods->xWrite(file.below, bytes, size, at);
}

/// The next commits overwrite, and their syncs need no commit of the file system's. Frames of zeros have the wrong salt: for
/// SQLite the log ends before them. A full disk costs time only, until the next frames find it.
int clear_room_ahead(File& file, sqlite3_int64 end) {
  if (!file.clears || end <= file.cleared) return SQLITE_OK;
  static constexpr std::array<char, write_step> zeros{};
  file.cleared = end + static_cast<sqlite3_int64>(cleared_step);
  for (sqlite3_int64 at = end; at < file.cleared; at += static_cast<sqlite3_int64>(zeros.size())) {
    const int code = write_below(file, zeros.data(), static_cast<int>(zeros.size()), at);
    if (code != SQLITE_OK) return code == SQLITE_FULL ? SQLITE_OK : code;
  }
  return SQLITE_OK;
}

/// After an error nothing is held any more: SQLite rolls the transaction back.
int write_held(File& file) {
  if (!file.held || file.held->bytes.empty()) return SQLITE_OK;
  const std::string& bytes = file.held->bytes;
  int code = SQLITE_OK;
  for (std::size_t done = 0; code == SQLITE_OK && done < bytes.size(); done += write_step) {
    const auto size = static_cast<int>(std::min(write_step, bytes.size() - done));
    code = write_below(file, bytes.data() + done, size, file.held->at + static_cast<sqlite3_int64>(done));
  }
  if (code == SQLITE_OK) code = clear_room_ahead(file, file.held->end());
  file.held->bytes.clear();
  return code;
}

int hold(File& file, const void* bytes, int size, sqlite3_int64 at) noexcept {
  try {
    Held& held = *file.held;
    if (!held.bytes.empty() && (at != held.end() || held.bytes.size() >= held_limit)) {
      if (const int code = write_held(file); code != SQLITE_OK) return code;
    }
    if (held.bytes.empty()) held.at = at;
    held.bytes.append(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
    return SQLITE_OK;
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
}

int x_close(sqlite3_file* f) {
  File& file = file_of(f);
  const int written = write_held(file);
  const int closed = file.below->pMethods->xClose(file.below);
  delete file.held;
  delete file.reading;
  return written != SQLITE_OK ? written : closed;
}

int x_read(sqlite3_file* f, void* out, int size, sqlite3_int64 at) {
  if (const int code = write_held(file_of(f)); code != SQLITE_OK) return code;
  return below(f)->pMethods->xRead(below(f), out, size, at);
}

int x_write(sqlite3_file* f, const void* bytes, int size, sqlite3_int64 at) {
  File& file = file_of(f);
  return file.held ? hold(file, bytes, size, at) : write_below(file, bytes, size, at);
}

int x_truncate(sqlite3_file* f, sqlite3_int64 size) {
  if (const int code = write_held(file_of(f)); code != SQLITE_OK) return code;
  file_of(f).synced = false;
  file_of(f).cleared = std::min(file_of(f).cleared, size);
  return below(f)->pMethods->xTruncate(below(f), size);
}

int x_sync(sqlite3_file* f, int flags) {
  File& file = file_of(f);
  if (const int code = write_held(file); code != SQLITE_OK) return code;
  // A checkpoint begins with a sync of the log, whose frames were all synced with their commits. One connection writes it, so
  // this handle knows. A failed sync leaves the file unsynced.
  if (file.kind == DatabaseFile::log && file.synced) return SQLITE_OK;
  if (auto ready = file.disk->before_database_sync(file.kind); !ready) return code_of(ready.error(), SQLITE_IOERR_FSYNC);
  const int code = file.below->pMethods->xSync(file.below, flags);
  file.synced = code == SQLITE_OK;
  return code;
}

int x_file_size(sqlite3_file* f, sqlite3_int64* size) {
  if (const int code = write_held(file_of(f)); code != SQLITE_OK) return code;
  return below(f)->pMethods->xFileSize(below(f), size);
}

void drop_windows(sqlite3_file* f) {
  if (file_of(f).reading) file_of(f).reading->windows.drop();
}
int x_lock(sqlite3_file* f, int level) {
  drop_windows(f);
  return below(f)->pMethods->xLock(below(f), level);
}
int x_unlock(sqlite3_file* f, int level) {
  drop_windows(f);
  return below(f)->pMethods->xUnlock(below(f), level);
}
int x_check_lock(sqlite3_file* f, int* out) { return below(f)->pMethods->xCheckReservedLock(below(f), out); }
/// "PRAGMA mmap_size" makes SQLite ask x_fetch(); the layer below must map nothing.
int x_file_control(sqlite3_file* f, int op, void* arg) {
  if (op == SQLITE_FCNTL_MMAP_SIZE) return SQLITE_OK;
  return below(f)->pMethods->xFileControl(below(f), op, arg);
}
int x_sector_size(sqlite3_file* f) { return below(f)->pMethods->xSectorSize(below(f)); }
int x_traits(sqlite3_file* f) { return below(f)->pMethods->xDeviceCharacteristics(below(f)); }
int x_shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
  return below(f)->pMethods->xShmMap(below(f), page, size, extend, out);
}
/// Every read transaction of a database with a log begins and ends with such a lock.
int x_shm_lock(sqlite3_file* f, int offset, int n, int flags) {
  drop_windows(f);
  return below(f)->pMethods->xShmLock(below(f), offset, n, flags);
}
void x_shm_barrier(sqlite3_file* f) { below(f)->pMethods->xShmBarrier(below(f)); }
int x_shm_unmap(sqlite3_file* f, int remove) { return below(f)->pMethods->xShmUnmap(below(f), remove); }
int x_fetch(sqlite3_file* f, sqlite3_int64 at, int size, void** out) {
  Reading* reading = file_of(f).reading;
  *out = reading && size > 0 ? reading->windows.fetch(at, static_cast<std::size_t>(size)) : nullptr;
  return SQLITE_OK;
}
/// Without a page: the file changed since the last transaction.
int x_unfetch(sqlite3_file* f, sqlite3_int64 /*at*/, void* page) {
  if (!page) drop_windows(f);
  if (page && file_of(f).reading) file_of(f).reading->windows.unfetch(static_cast<const char*>(page));
  return SQLITE_OK;
}

constexpr sqlite3_io_methods methods{3,           x_close,   x_read,     x_write,       x_truncate,     x_sync,
                                     x_file_size, x_lock,    x_unlock,   x_check_lock,  x_file_control, x_sector_size,
                                     x_traits,    x_shm_map, x_shm_lock, x_shm_barrier, x_shm_unmap,    x_fetch,
                                     x_unfetch};

DatabaseFile kind_of(int flags) {
  if ((flags & SQLITE_OPEN_WAL) != 0) return DatabaseFile::log;
  return (flags & SQLITE_OPEN_MAIN_DB) != 0 ? DatabaseFile::main : DatabaseFile::other;
}

}  // namespace

/// SQLite's own layer with our way to open files.
struct Vfs::Registration {
  sqlite3_vfs vfs{};
  sqlite3_vfs* below = nullptr;
  Disk* disk = nullptr;

  static int open(sqlite3_vfs* self, const char* path, sqlite3_file* f, int flags, int* out_flags) {
    const auto& mine = *static_cast<Registration*>(self->pAppData);
    auto* file = new (f) File{};
    file->disk = mine.disk;
    file->kind = kind_of(flags);
    file->below = reinterpret_cast<sqlite3_file*>(file + 1);
    const int code = mine.below->xOpen(mine.below, path, file->below, flags, out_flags);
    if (code != SQLITE_OK) return code;  // without methods SQLite does not close it
    if (file->below->pMethods->iVersion < methods.iVersion) {
      file->below->pMethods->xClose(file->below);
      return SQLITE_CANTOPEN;
    }
    if (file->kind == DatabaseFile::log) {
      file->held = new (std::nothrow) Held;
      file->clears = file->disk->overwrites_in_place(path);
      if (file->below->pMethods->xFileSize(file->below, &file->cleared) != SQLITE_OK) file->clears = false;
    }
    if (file->kind == DatabaseFile::main && (flags & SQLITE_OPEN_READONLY) != 0) {
      file->reading = new (std::nothrow) Reading(file->below);
    }
    file->base.pMethods = &methods;
    return SQLITE_OK;
  }
};

Vfs::Vfs(Disk& disk)
    : name_("postern-" + std::to_string(reinterpret_cast<std::uintptr_t>(this))),
      registration_(std::make_unique<Registration>()) {
  sqlite3_vfs* below = sqlite3_vfs_find(nullptr);
  registration_->vfs = *below;
  registration_->below = below;
  registration_->disk = &disk;
  sqlite3_vfs& vfs = registration_->vfs;
  vfs.pNext = nullptr;
  vfs.zName = name_.c_str();
  vfs.szOsFile = static_cast<int>(sizeof(File)) + below->szOsFile;
  vfs.pAppData = registration_.get();
  vfs.xOpen = Registration::open;
  // The other methods get the structure they are called with, and SQLite's Unix layer keeps its own data in pAppData.
  vfs.xDelete = [](sqlite3_vfs* self, const char* path, int sync) {
    sqlite3_vfs* real = static_cast<Registration*>(self->pAppData)->below;
    return real->xDelete(real, path, sync);
  };
  vfs.xAccess = [](sqlite3_vfs* self, const char* path, int flags, int* out) {
    sqlite3_vfs* real = static_cast<Registration*>(self->pAppData)->below;
    return real->xAccess(real, path, flags, out);
  };
  vfs.xFullPathname = [](sqlite3_vfs* self, const char* path, int size, char* out) {
    sqlite3_vfs* real = static_cast<Registration*>(self->pAppData)->below;
    return real->xFullPathname(real, path, size, out);
  };
  if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK) throw std::bad_alloc();
}

Vfs::~Vfs() { sqlite3_vfs_unregister(&registration_->vfs); }

}  // namespace postern::store::sqlite
