// SPDX-License-Identifier: Apache-2.0
// Pace: how fast housekeeping may go, so that no client notices it. A budget of octets for each second, rests between visits to
// the writer, and the one way to end it all.
// Thread-safe: one thread works and rests, any other may stop it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace postern::store::sqlite {

class Pace {
 public:
  using Duration = std::chrono::steady_clock::duration;
  /// After a visit to the writer that took so long, at least this many times as long a rest: 5 % of the writer's time.
  static constexpr int rest_factor = 19;
  /// A visit to the writer should take about this long; slices adapt to it.
  static constexpr std::chrono::microseconds slice_time{1500};

  explicit Pace(std::uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

  /// Rests as long as these octets must take; false when it was stopped. 0 bytes per second: without limit.
  bool spend(std::uint64_t bytes) {
    if (bytes_per_second_ == 0) return !stopped();
    const auto now = std::chrono::steady_clock::now();
    if (free_at_ < now) free_at_ = now;
    using Seconds = std::chrono::duration<double>;
    free_at_ +=
        std::chrono::duration_cast<Duration>(Seconds(static_cast<double>(bytes) / static_cast<double>(bytes_per_second_)));
    return free_at_ - now < shortest_rest || rest(free_at_ - now);
  }
  /// The rest after a visit to the writer.
  bool rest_after(Duration visit) { return bytes_per_second_ == 0 ? !stopped() : rest(visit * rest_factor); }
  /// False when it was stopped.
  bool rest(Duration duration) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, duration, [this] { return stopped_; });
  }
  bool stopped() {
    const std::lock_guard lock(mutex_);
    return stopped_;
  }
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
  }

 private:
  /// Shorter rests are saved up: a timer does not wake us sooner.
  static constexpr std::chrono::milliseconds shortest_rest{2};
  const std::uint64_t bytes_per_second_;
  std::chrono::steady_clock::time_point free_at_{};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
};

/// How many rows one visit to the writer takes, learnt from how long the last ones took.
class SliceSize {
 public:
  explicit SliceSize(std::size_t first = 64) : rows_(first) {}
  std::size_t rows() const { return rows_; }
  void learn(Pace::Duration took) {
    if (took > Pace::slice_time)
      rows_ = rows_ > 2 * least ? rows_ / 2 : least;
    else if (took < Pace::slice_time / 2)
      rows_ = rows_ < most / 2 ? rows_ * 2 : most;
  }

 private:
  static constexpr std::size_t least = 8;
  static constexpr std::size_t most = 2048;
  std::size_t rows_;
};

}  // namespace postern::store::sqlite
