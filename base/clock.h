// SPDX-License-Identifier: Apache-2.0
// Clock: wall time for what people and protocols see, steady time for timeouts and retries. Injected everywhere, so
// that tests can move it; FakeClock lives here too.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace postern {

/// Seconds since 1970-01-01T00:00:00Z, as stored and as IMAP and mail dates use it.
using UnixTime = std::int64_t;

class Clock {
 public:
  using Wall = std::chrono::system_clock::time_point;
  using Steady = std::chrono::steady_clock::time_point;
  virtual ~Clock() = default;
  virtual Wall wall() const = 0;
  virtual Steady steady() const = 0;
  UnixTime unix_now() const { return std::chrono::duration_cast<std::chrono::seconds>(wall().time_since_epoch()).count(); }
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  Wall wall() const override { return std::chrono::system_clock::now(); }
  Steady steady() const override { return std::chrono::steady_clock::now(); }
};

/// Stands still until a test moves it. Safe to read from other threads.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(UnixTime start = 1'800'000'000) : wall_(std::chrono::seconds(start)) {}
  Wall wall() const override { return Wall(std::chrono::duration_cast<Wall::duration>(std::chrono::nanoseconds(wall_.load()))); }
  Steady steady() const override {
    return Steady(std::chrono::duration_cast<Steady::duration>(std::chrono::nanoseconds(steady_.load())));
  }
  /// Moves both clocks.
  void advance(std::chrono::nanoseconds by) {
    wall_ = wall_.load() + by;
    steady_ = steady_.load() + by;
  }
  /// Moves the wall clock alone, forward or back, as a badly set clock would.
  void jump_wall(std::chrono::nanoseconds by) { wall_ = wall_.load() + by; }

 private:
  std::atomic<std::chrono::nanoseconds> wall_;
  std::atomic<std::chrono::nanoseconds> steady_{std::chrono::hours(1)};
};

}  // namespace postern
