// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/sync_thread.h"

namespace postern::store::sqlite {

SyncThread::SyncThread(Disk& disk) : disk_(disk), thread_(&SyncThread::loop, this) {}

SyncThread::~SyncThread() {
  {
    const std::lock_guard lock(mutex_);
    state_ = State::stop;
  }
  changed_.notify_all();
  thread_.join();
}

void SyncThread::start(int fd) {
  {
    const std::lock_guard lock(mutex_);
    fd_ = fd;
    state_ = State::asked;
  }
  changed_.notify_all();
}

Result<> SyncThread::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return state_ != State::asked; });
  state_ = State::idle;
  return outcome_;
}

void SyncThread::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return state_ == State::asked || state_ == State::stop; });
    if (state_ == State::stop) return;
    const int fd = fd_;
    lock.unlock();
    auto outcome = disk_.sync(fd);
    lock.lock();
    outcome_ = std::move(outcome);
    if (state_ == State::asked) state_ = State::done;
    changed_.notify_all();
  }
}

}  // namespace postern::store::sqlite
