// SPDX-License-Identifier: Apache-2.0
// FaultyDisk: a RealDisk that fails when a test says so.
#pragma once

#include <atomic>

#include "store/sqlite/disk.h"

namespace postern::store::test {

class FaultyDisk final : public sqlite::RealDisk {
 public:
  enum class Step : std::uint8_t { none, write, allocate, sync, sync_folder, commit };

  /// From now on the step fails with this kind; `none` heals the disk.
  void fail_at(Step step, ErrorKind kind) {
    kind_ = kind;
    step_ = step;
  }
  Result<> write(int fd, std::span<iovec> pieces, std::uint64_t offset) override {
    if (auto broken = check(Step::write); !broken) return broken;
    return RealDisk::write(fd, pieces, offset);
  }
  Result<> allocate(int fd, std::uint64_t offset, std::uint64_t bytes) override {
    if (auto broken = check(Step::allocate); !broken) return broken;
    return RealDisk::allocate(fd, offset, bytes);
  }
  Result<> sync(int fd) override {
    if (auto broken = check(Step::sync); !broken) return broken;
    return RealDisk::sync(fd);
  }
  Result<> sync_folder(const std::filesystem::path& folder) override {
    if (auto broken = check(Step::sync_folder); !broken) return broken;
    return RealDisk::sync_folder(folder);
  }
  Result<> before_commit() override { return check(Step::commit); }

 private:
  Result<> check(Step step) const {
    if (step_ == step) return fail(kind_, "injected");
    return {};
  }
  std::atomic<Step> step_ = Step::none;
  std::atomic<ErrorKind> kind_ = ErrorKind::io;
};

}  // namespace postern::store::test
