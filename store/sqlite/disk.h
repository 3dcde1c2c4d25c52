// SPDX-License-Identifier: Apache-2.0
// Disk: the writes and syncs that durability hangs on, as a seam. Tests and benches put delays, errors and power cuts in;
// everyone else uses RealDisk. SQLite writes its own files, but asks here first (store/sqlite/vfs.h).
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <filesystem>
#include <span>

#include "base/result.h"

namespace postern::store::sqlite {

/// A file that SQLite writes: the database, its write-ahead log, or something else.
enum class DatabaseFile : std::uint8_t { main, log, other };

/// Called from several threads. Errors: no_space, io.
class Disk {
 public:
  virtual ~Disk() = default;
  /// All bytes of all pieces at the offset; never a short write. May change the array.
  virtual Result<> write(int fd, std::span<iovec> pieces, std::uint64_t offset) = 0;
  /// Reserves room so that later writes need no metadata commit.
  virtual Result<> allocate(int fd, std::uint64_t offset, std::uint64_t bytes) = 0;
  virtual Result<> truncate(int fd, std::uint64_t size) = 0;
  virtual Result<> sync(int fd) = 0;
  virtual Result<> sync_folder(const std::filesystem::path& folder) = 0;
  /// Before SQLite writes to one of its files, or syncs it. An error is handed to SQLite as that of the operation.
  virtual Result<> before_database_write(DatabaseFile file, std::size_t bytes) = 0;
  virtual Result<> before_database_sync(DatabaseFile file) = 0;
  /// Octets that we may still write on the disk of this folder.
  virtual Result<std::uint64_t> free_bytes(const std::filesystem::path& folder);
};

class RealDisk : public Disk {
 public:
  Result<> write(int fd, std::span<iovec> pieces, std::uint64_t offset) override;
  Result<> allocate(int fd, std::uint64_t offset, std::uint64_t bytes) override;
  Result<> truncate(int fd, std::uint64_t size) override;
  Result<> sync(int fd) override;
  Result<> sync_folder(const std::filesystem::path& folder) override;
  Result<> before_database_write(DatabaseFile, std::size_t) override { return {}; }
  Result<> before_database_sync(DatabaseFile) override { return {}; }
};

}  // namespace postern::store::sqlite
