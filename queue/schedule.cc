// SPDX-License-Identifier: Apache-2.0
// Backoff of the queue; the defaults are those of security.md §1.6: 5, 15, 30, 60 minutes, then doubled up to 4 hours.
#include "queue/schedule.h"

namespace postern::queue {

using std::chrono::seconds;

namespace {

constexpr std::uint32_t roll_range = 1000;
/// More attempts than any schedule needs: keeps sums of absurd counts bounded.
constexpr std::uint32_t most_attempts = 100'000;

}  // namespace

seconds Schedule::pause(std::uint32_t attempts) const {
  const auto& steps = options_.backoff;
  const std::uint32_t n = std::max<std::uint32_t>(attempts, 1);
  if (n <= steps.size()) return std::min(steps[n - 1], options_.backoff_max);
  seconds pause = steps.empty() ? options_.backoff_max : steps.back();
  for (std::size_t i = steps.size(); i < n && pause < options_.backoff_max; ++i) pause *= 2;
  return std::clamp(pause, seconds(1), std::max(options_.backoff_max, seconds(1)));
}

seconds Schedule::waited(std::uint32_t attempts) const {
  seconds sum{0};
  std::uint32_t n = 1;
  const std::uint32_t end = std::min(attempts, most_attempts);
  for (; n < end && (n <= options_.backoff.size() || pause(n) < options_.backoff_max); ++n) sum += pause(n);
  if (n < end) sum += pause(n) * static_cast<int>(end - n);
  return sum;
}

UnixTime Schedule::next_at(const store::QueueEntry& entry, std::uint32_t attempts, UnixTime now, std::uint32_t roll) const {
  const auto pause_seconds = pause(attempts).count();
  const auto spread = pause_seconds * static_cast<std::int64_t>(options_.jitter_percent) / 100;
  const auto jitter = spread * 2 * static_cast<std::int64_t>(roll % roll_range) / (roll_range - 1) - spread;
  const UnixTime next = now + std::max<std::int64_t>(pause_seconds + jitter, 1);
  return entry.expires > now ? std::min(next, entry.expires) : next;
}

bool Schedule::expired(const store::QueueEntry& entry, std::uint32_t attempts, UnixTime now) const {
  const auto lifetime = std::max<std::int64_t>(entry.expires - entry.created, 0);
  const auto tried = waited(attempts).count();
  if (now >= entry.expires && tried >= lifetime / 2) return true;
  return tried >= 2 * lifetime;
}

bool Schedule::notice_due(std::uint32_t attempts) const {
  if (options_.delay_notice <= seconds(0)) return false;
  return waited(attempts) + pause(attempts) > options_.delay_notice;
}

seconds ClockWatch::offset() const {
  return std::chrono::duration_cast<seconds>(clock_.wall().time_since_epoch() - clock_.steady().time_since_epoch());
}

std::optional<seconds> ClockWatch::look() {
  const seconds now = offset();
  const seconds jump = now - offset_;
  offset_ = now;  // slow slewing never adds up to a jump
  if (jump < tolerance && jump > -tolerance) return std::nullopt;
  return jump;
}

}  // namespace postern::queue
