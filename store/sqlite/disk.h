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
  /// Reserves room, in one piece where the file system can.
  virtual Result<> allocate(int fd, std::uint64_t offset, std::uint64_t bytes) = 0;
  /// Fills room with zeros, so that the sync of a later write to it waits for the data alone.
  virtual Result<> clear(int fd, std::uint64_t offset, std::uint64_t bytes) = 0;
  /// Hands overwritten octets to the device, whose cache may keep them: durable after the next sync of any file of the device.
  virtual Result<> write_out(int fd, std::uint64_t offset, std::uint64_t bytes) = 0;
  /// Begins with that and does not wait. Errors that come later are those of write_out().
  virtual Result<> begin_write_out(int fd, std::uint64_t offset, std::uint64_t bytes) = 0;
  virtual Result<> truncate(int fd, std::uint64_t size) = 0;
  virtual Result<> sync(int fd) = 0;
  virtual Result<> sync_folder(const std::filesystem::path& folder) = 0;
  /// Before SQLite writes to one of its files, or syncs it. An error is handed to SQLite as that of the operation.
  virtual Result<> before_database_write(DatabaseFile file, std::size_t bytes) = 0;
  virtual Result<> before_database_sync(DatabaseFile file) = 0;
  /// Octets that we may still write on the disk of this folder.
  virtual Result<std::uint64_t> free_bytes(const std::filesystem::path& folder);
  /// True on ext4 and XFS. They note the first write to a block, reserved or not, in their journal, and a sync waits for that
  /// commit (1.1 ms where the data alone takes 0.3 ms), so clear() pays. An overwritten block changes nothing but itself, so
  /// write_out() and then a sync of another file of the device, which ends with a flush of the device's cache, make it durable.
  virtual bool overwrites_in_place(const std::filesystem::path& path);
};

/// False also when one of them cannot be looked at.
bool on_one_device(const std::filesystem::path& a, const std::filesystem::path& b);

class RealDisk : public Disk {
 public:
  Result<> write(int fd, std::span<iovec> pieces, std::uint64_t offset) override;
  Result<> allocate(int fd, std::uint64_t offset, std::uint64_t bytes) override;
  Result<> clear(int fd, std::uint64_t offset, std::uint64_t bytes) override;
  Result<> write_out(int fd, std::uint64_t offset, std::uint64_t bytes) override;
  Result<> begin_write_out(int fd, std::uint64_t offset, std::uint64_t bytes) override;
  Result<> truncate(int fd, std::uint64_t size) override;
  Result<> sync(int fd) override;
  Result<> sync_folder(const std::filesystem::path& folder) override;
  Result<> before_database_write(DatabaseFile, std::size_t) override { return {}; }
  Result<> before_database_sync(DatabaseFile) override { return {}; }
};

}  // namespace postern::store::sqlite
