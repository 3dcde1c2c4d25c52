// SPDX-License-Identifier: Apache-2.0
// What long transfers show on standard error: on a terminal a bar with rate and rest time that is drawn anew five times a second,
// elsewhere a line every ten seconds. Also takes Ctrl-C: the first one asks to stop after the current message, a second one ends
// the program at once (which loses nothing: everything that is stored was stored in whole batches).
#pragma once

#include <chrono>
#include <string>

#include "transfer/progress.h"

namespace postern::admin::cli {

/// "1 h 02 min", "3 min 20 s", "45 s".
std::string human_duration(std::chrono::seconds duration);

/// Where a transfer stands.
struct ProgressState {
  transfer::Progress::Plan plan;
  std::string folder;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  double rate = 0;       ///< messages a second, lately
  double byte_rate = 0;  ///< octets a second, lately
};
/// "[####      ] 40 %  80,000 of 200,000 messages, 7,312/s, 16 s left, Archive/2020", at most `columns` wide.
std::string progress_line(const ProgressState& state, std::size_t columns);

class ProgressBar final : public transfer::Progress {
 public:
  enum class Show : std::uint8_t { shown, quiet };
  explicit ProgressBar(Show show);
  ~ProgressBar() override;
  void plan(const Plan& plan) override;
  void step(const Step& step) override;
  bool stop() override;
  /// Takes the bar away, before other output.
  void finish();
  double seconds() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  void show(Time now);
  void measure(Time now);

  ProgressState state_;
  Show show_;
  bool terminal_;
  bool drawn_ = false;
  bool stopped_ = false;
  Time begin_;
  Time shown_;
  Time asked_;
  Time measured_;
  std::uint64_t measured_messages_ = 0;
  std::uint64_t measured_bytes_ = 0;
  unsigned steps_ = 0;
};

}  // namespace postern::admin::cli
