// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/time.h"

#include <chrono>
#include <optional>

#include "base/cursor.h"

namespace postern::admin::cli {
namespace {

constexpr std::int64_t day_seconds = 86'400;
constexpr std::uint64_t most_units = 100'000;

std::optional<std::int64_t> duration(std::string_view text) {
  Cursor in(text);
  const auto count = in.take_number(most_units);
  if (!count || in.rest().size() != 1) return std::nullopt;
  const auto number = static_cast<std::int64_t>(*count);
  switch (*in.next()) {
    case 's': return number;
    case 'm': return number * 60;
    case 'h': return number * 3600;
    case 'd': return number * day_seconds;
    case 'w': return number * 7 * day_seconds;
    default: return std::nullopt;
  }
}

/// The beginning of a day, "2027-01-31".
std::optional<std::int64_t> day(std::string_view text) {
  Cursor in(text);
  const auto year = in.take_number(9999);
  const bool first = in.take('-');
  const auto month = in.take_number(12);
  const bool second = in.take('-');
  const auto day = in.take_number(31);
  if (!year || !first || !month || !second || !day || !in.at_end()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * day_seconds;
}

Error no_time(std::string_view text) {
  return {ErrorKind::invalid,
          fmt::format("{} is no time; write a duration such as 90d or 12h, or a day such as 2027-01-31", text)};
}

}  // namespace

Result<std::int64_t> time_ahead(std::string_view text, std::int64_t now) {
  if (const auto seconds = duration(text)) return now + *seconds;
  if (const auto begin = day(text)) return *begin + day_seconds;
  return std::unexpected(no_time(text));
}

Result<std::int64_t> time_ago(std::string_view text, std::int64_t now) {
  if (const auto seconds = duration(text)) return now - *seconds;
  if (const auto begin = day(text)) return *begin;
  return std::unexpected(no_time(text));
}

std::string utc_text(std::int64_t at) {
  const std::chrono::sys_seconds time{std::chrono::seconds(at)};
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{midnight};
  const std::chrono::hh_mm_ss clock{time - midnight};
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace postern::admin::cli
