// SPDX-License-Identifier: Apache-2.0
// FaultyDisk: a RealDisk that fails when a test says so.
#pragma once

#include <atomic>

#include "store/sqlite/disk.h"

namespace postern::store::test {

class FaultyDisk final : public sqlite::RealDisk {
 public:
  /// sync: of a segment, or its blocks handed to the device; commit: the sync of SQLite's log; log: a write to it; database: a
  /// write to mail.db, by a checkpoint.
  enum class Step : std::uint8_t { none, write, allocate, clear, sync, sync_folder, commit, log, database };

  /// From now on the step fails with this kind; `none` heals the disk.
  void fail_at(Step step, ErrorKind kind) {
    kind_ = kind;
    once_ = false;
    step_ = step;
  }
  /// The next such step fails; the disk is well afterwards.
  void fail_once(Step step, ErrorKind kind) {
    fail_at(step, kind);
    once_ = true;
  }
  Result<> write(int fd, std::span<iovec> pieces, std::uint64_t offset) override {
    if (auto broken = check(Step::write); !broken) return broken;
    return RealDisk::write(fd, pieces, offset);
  }
  Result<> allocate(int fd, std::uint64_t offset, std::uint64_t bytes) override {
    if (auto broken = check(Step::allocate); !broken) return broken;
    return RealDisk::allocate(fd, offset, bytes);
  }
  Result<> clear(int fd, std::uint64_t offset, std::uint64_t bytes) override {
    if (auto broken = check(Step::clear); !broken) return broken;
    return RealDisk::clear(fd, offset, bytes);
  }
  Result<> write_out(int fd, std::uint64_t offset, std::uint64_t bytes) override {
    if (auto broken = check(Step::sync); !broken) return broken;
    return RealDisk::write_out(fd, offset, bytes);
  }
  Result<> sync(int fd) override {
    if (auto broken = check(Step::sync); !broken) return broken;
    return RealDisk::sync(fd);
  }
  Result<> sync_folder(const std::filesystem::path& folder) override {
    if (auto broken = check(Step::sync_folder); !broken) return broken;
    return RealDisk::sync_folder(folder);
  }
  Result<> before_database_write(sqlite::DatabaseFile file, std::size_t) override {
    return check(file == sqlite::DatabaseFile::log ? Step::log : Step::database);
  }
  Result<> before_database_sync(sqlite::DatabaseFile file) override {
    return file == sqlite::DatabaseFile::log ? check(Step::commit) : Result<>();
  }

 private:
  Result<> check(Step step) {
    Step expected = step;
    const bool hit = once_ ? step_.compare_exchange_strong(expected, Step::none) : step_ == step;
    if (hit && step != Step::none) return fail(kind_, "injected");
    return {};
  }
  std::atomic<bool> once_ = false;
  std::atomic<Step> step_ = Step::none;
  std::atomic<ErrorKind> kind_ = ErrorKind::io;
};

}  // namespace postern::store::test
