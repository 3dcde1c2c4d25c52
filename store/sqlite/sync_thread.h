// SPDX-License-Identifier: Apache-2.0
// SyncThread: syncs the active segment while the writer thread commits in SQLite, so that a batch costs one sync of time
// and not two (storage.md §2.2). One request at a time, from one thread.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/result.h"
#include "store/sqlite/disk.h"

namespace postern::store::sqlite {

class SyncThread {
 public:
  explicit SyncThread(Disk& disk);
  ~SyncThread();
  SyncThread(const SyncThread&) = delete;

  /// Begins to sync the descriptor, which must stay open until wait() returns.
  void start(int fd);
  /// The outcome of the last start().
  Result<> wait();

 private:
  enum class State : std::uint8_t { idle, asked, done, stop };
  void loop();

  Disk& disk_;
  std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::idle;
  int fd_ = -1;
  Result<> outcome_;
  std::thread thread_;
};

}  // namespace postern::store::sqlite
