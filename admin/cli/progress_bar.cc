// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/progress_bar.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

namespace postern::admin::cli {

namespace {

using std::chrono::duration;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds redraw{200};
constexpr std::chrono::seconds log_every{10};
constexpr std::chrono::milliseconds signal_check{50};
constexpr std::chrono::seconds rate_window{2};
constexpr double rate_weight = 0.3;  ///< of the newest window
constexpr std::size_t bar_width = 24;
constexpr std::size_t usual_columns = 80;
constexpr std::size_t columns_least = 40;
constexpr unsigned steps_between_looks = 16;

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::size_t columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= columns_least;
  return known ? size.ws_col : usual_columns;
}

/// Part that is done, 0 to 1; negative when nothing is known of the whole.
double share(const ProgressState& state) {
  if (state.plan.messages > 0)
    return std::min(1.0, static_cast<double>(state.messages) / static_cast<double>(state.plan.messages));
  if (state.plan.bytes > 0) return std::min(1.0, static_cast<double>(state.bytes) / static_cast<double>(state.plan.bytes));
  return -1;
}

/// Seconds that are left; negative when unknown.
double left(const ProgressState& state) {
  if (state.plan.messages > 0 && state.rate > 0)
    return static_cast<double>(state.plan.messages - std::min(state.messages, state.plan.messages)) / state.rate;
  if (state.plan.bytes > 0 && state.byte_rate > 0)
    return static_cast<double>(state.plan.bytes - std::min(state.bytes, state.plan.bytes)) / state.byte_rate;
  return -1;
}

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  return set;
}

/// True when one of them waits (main() has blocked them). Afterwards they act at once again.
bool take_stop_signal() {
  const auto set = stop_signals();
  const timespec at_once{};
  if (::sigtimedwait(&set, nullptr, &at_once) < 0) return false;
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return true;
}

}  // namespace

std::string human_duration(std::chrono::seconds duration) {
  const auto total = duration.count();
  if (total >= 3600) return fmt::format("{} h {:02} min", total / 3600, total % 3600 / 60);
  if (total >= 60) return fmt::format("{} min {:02} s", total / 60, total % 60);
  return fmt::format("{} s", total);
}

std::string progress_line(const ProgressState& state, std::size_t columns) {
  std::string line;
  const double part = share(state);
  if (part >= 0) {
    const auto full = static_cast<std::size_t>(part * bar_width);
    line = fmt::format("[{}{}] {:3.0f} %  ", std::string(full, '#'), std::string(bar_width - full, ' '), part * 100);
  }
  line += grouped(state.messages);
  if (state.plan.messages > 0) line += " of " + grouped(state.plan.messages);
  line += fmt::format(" messages, {}/s", grouped(static_cast<std::uint64_t>(state.rate)));
  if (const double rest = left(state); rest >= 0)
    line += fmt::format(", {} left", human_duration(std::chrono::seconds(static_cast<std::int64_t>(rest + 0.5))));
  if (!state.folder.empty()) line += ", " + state.folder;
  if (line.size() > columns) {
    line.resize(columns);
    while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xc0) == 0x80) line.pop_back();
    if (!line.empty() && (static_cast<unsigned char>(line.back()) & 0x80) != 0) line.pop_back();
  }
  return line;
}

ProgressBar::ProgressBar(Show show)
    : show_(show),
      terminal_(::isatty(STDERR_FILENO) == 1),
      begin_(steady_clock::now()),
      shown_(begin_),
      asked_(begin_),
      measured_(begin_) {}

ProgressBar::~ProgressBar() { finish(); }

double ProgressBar::seconds() const { return duration<double>(steady_clock::now() - begin_).count(); }

void ProgressBar::plan(const Plan& plan) {
  state_.plan = plan;
  measured_ = steady_clock::now();
}

void ProgressBar::measure(Time now) {
  const double seconds = duration<double>(now - measured_).count();
  if (now - measured_ < rate_window && state_.rate > 0) return;
  if (seconds <= 0) return;
  const double rate = static_cast<double>(state_.messages - measured_messages_) / seconds;
  const double byte_rate = static_cast<double>(state_.bytes - measured_bytes_) / seconds;
  const bool first = state_.rate == 0;
  state_.rate = first ? rate : (1 - rate_weight) * state_.rate + rate_weight * rate;
  state_.byte_rate = first ? byte_rate : (1 - rate_weight) * state_.byte_rate + rate_weight * byte_rate;
  measured_ = now;
  measured_messages_ = state_.messages;
  measured_bytes_ = state_.bytes;
}

void ProgressBar::step(const Step& step) {
  state_.messages += step.messages;
  state_.bytes += step.bytes;
  // The clock costs little, but not nothing.
  if (++steps_ % steps_between_looks != 0) return;
  if (state_.folder != step.folder) state_.folder = step.folder;
  const auto now = steady_clock::now();
  if (now - shown_ < (terminal_ ? std::chrono::milliseconds(redraw) : std::chrono::milliseconds(log_every))) return;
  show(now);
}

void ProgressBar::show(Time now) {
  shown_ = now;
  measure(now);
  if (show_ == Show::quiet) return;
  if (terminal_) {
    std::cerr << "\r" << progress_line(state_, columns() - 1) << "\x1b[K" << std::flush;
    drawn_ = true;
  } else {
    std::cerr << progress_line(state_, std::string::npos) << std::endl;
  }
}

void ProgressBar::finish() {
  if (drawn_) std::cerr << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

bool ProgressBar::stop() {
  if (stopped_) return true;
  const auto now = steady_clock::now();
  if (now - asked_ < signal_check) return false;
  asked_ = now;
  stopped_ = take_stop_signal();
  return stopped_;
}

}  // namespace postern::admin::cli
