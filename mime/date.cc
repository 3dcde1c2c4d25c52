// SPDX-License-Identifier: Apache-2.0
// RFC 5322 dates: see date.h. Calendar arithmetic is std::chrono's; the grammar is read with the Cursor.
#include "mime/date.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "base/ascii.h"
#include "base/cursor.h"
#include "mime/lexical.h"

namespace postern::mime {
namespace {

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> weekdays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr int max_zone_minutes = 99 * 60 + 59;
constexpr UnixTime seconds_per_day = 86'400;
constexpr UnixTime earliest = -62'135'596'800 + 7 * seconds_per_day;  ///< a week after 0001-01-01, so that any zone fits
constexpr UnixTime latest = 253'402'300'799 - 7 * seconds_per_day;    ///< a week before the end of 9999
constexpr std::size_t max_date_text = 512;                            ///< octets read of one date

/// RFC 5322 §4.3: the zones with a meaning; all others count as -0000.
struct NamedZone {
  std::string_view name;
  int hours;
};
constexpr std::array<NamedZone, 10> named_zones = {{{"EDT", -4},
                                                    {"EST", -5},
                                                    {"CDT", -5},
                                                    {"CST", -6},
                                                    {"MDT", -6},
                                                    {"MST", -7},
                                                    {"PDT", -7},
                                                    {"PST", -8},
                                                    {"GMT", 0},
                                                    {"UT", 0}}};

/// A number of at most `digits` digits; nothing when there are none or more.
std::optional<int> take_digits(Cursor& in, std::size_t digits, std::size_t* count = nullptr) {
  skip_cfws(in);
  const auto text = in.take_while(ascii::is_digit);
  if (text.empty() || text.size() > digits) return std::nullopt;
  int value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  if (count != nullptr) *count = text.size();
  return value;
}

/// RFC 5322 §4.3: two digits below 50 are 20xx, from 50 on 19xx; three digits count from 1900.
std::optional<int> take_year(Cursor& in) {
  std::size_t digits = 0;
  const auto value = take_digits(in, 4, &digits);
  if (!value) return std::nullopt;
  if (digits == 3) return *value + 1900;
  if (digits == 2) return *value < 50 ? *value + 2000 : *value + 1900;
  return value;
}

// time-of-day = hour ":" minute [ ":" second ]
bool take_time(Cursor& in, CivilTime& time) {
  const auto hour = take_digits(in, 2);
  skip_cfws(in);
  if (!hour || !(in.take(':') || in.take('.'))) return false;
  const auto minute = take_digits(in, 2);
  if (!minute) return false;
  time.hour = *hour;
  time.minute = *minute;
  skip_cfws(in);
  if (!in.take(':') && !in.take('.')) return true;
  const auto second = take_digits(in, 2);
  if (!second) return false;
  time.second = *second;
  return true;
}

// zone = ("+" / "-") 4DIGIT / obs-zone
bool take_zone(Cursor& in, CivilTime& time) {
  skip_cfws(in);
  if (in.is('+') || in.is('-')) {
    const int sign = *in.next() == '-' ? -1 : 1;
    const auto value = take_digits(in, 4);
    if (!value || *value % 100 > 59) return false;
    time.zone_minutes = sign * (*value / 100 * 60 + *value % 100);
    return true;
  }
  const auto name = in.take_while(ascii::is_alpha);
  for (const NamedZone& zone : named_zones) {
    if (ascii::iequals(zone.name, name)) time.zone_minutes = zone.hours * 60;
  }
  return true;
}

}  // namespace

bool is_valid(const CivilTime& time) {
  if (time.year < min_year || time.year > max_year || time.month < 1 || time.month > 12 || time.day < 1) return false;
  const std::chrono::year_month_day day{std::chrono::year(time.year), std::chrono::month(static_cast<unsigned>(time.month)),
                                        std::chrono::day(static_cast<unsigned>(time.day))};
  return day.ok() && time.hour >= 0 && time.hour <= 23 && time.minute >= 0 && time.minute <= 59 && time.second >= 0 &&
         time.second <= 60 && time.zone_minutes >= -max_zone_minutes && time.zone_minutes <= max_zone_minutes;
}

UnixTime to_unix(const CivilTime& time) {
  const std::chrono::year_month_day day{std::chrono::year(time.year), std::chrono::month(static_cast<unsigned>(time.month)),
                                        std::chrono::day(static_cast<unsigned>(time.day))};
  const UnixTime days = std::chrono::sys_days(day).time_since_epoch().count();
  return days * seconds_per_day + time.hour * 3'600 + time.minute * 60 + time.second - time.zone_minutes * 60;
}

CivilTime to_civil(UnixTime at, int zone_minutes) {
  const int zone = std::clamp(zone_minutes, -max_zone_minutes, max_zone_minutes);
  const UnixTime local = std::clamp(at, earliest, latest) + zone * 60;
  const auto instant = std::chrono::sys_seconds(std::chrono::seconds(local));
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date(day);
  const auto seconds = static_cast<int>((instant - day).count());
  return {int(date.year()),
          static_cast<int>(unsigned(date.month())),
          static_cast<int>(unsigned(date.day())),
          seconds / 3'600,
          seconds / 60 % 60,
          seconds % 60,
          zone};
}

int weekday(const CivilTime& time) {
  const std::chrono::year_month_day day{std::chrono::year(time.year), std::chrono::month(static_cast<unsigned>(time.month)),
                                        std::chrono::day(static_cast<unsigned>(time.day))};
  return static_cast<int>(std::chrono::weekday(std::chrono::sys_days(day)).c_encoding());
}

std::string_view month_name(int month) { return months.at(static_cast<std::size_t>(month - 1)); }

std::optional<int> month_number(std::string_view name) {
  for (std::size_t i = 0; i < months.size(); ++i) {
    if (ascii::iequals(months[i], name)) return static_cast<int>(i) + 1;
  }
  return std::nullopt;
}

std::string format_zone(int zone_minutes) {
  const int minutes = std::abs(zone_minutes);
  return fmt::format("{}{:02}{:02}", zone_minutes < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

// date-time = [ day-of-week "," ] date time [CFWS]; date = day month year
Result<Date> parse_date(std::string_view text) {
  // RFC 5322 §3.3, §4.3
  Cursor in(text.substr(0, max_date_text));
  skip_cfws(in);
  if (ascii::is_alpha(in.peek())) {
    in.take_while(ascii::is_alpha);
    skip_cfws(in);
    in.take(',');
  }
  CivilTime time;
  const auto day = take_digits(in, 2);
  skip_cfws(in);
  in.take('-');
  const auto month = month_number(in.take_while(ascii::is_alpha).substr(0, 3));
  in.take('-');
  const auto year = take_year(in);
  if (!day || !month || !year) return fail(ErrorKind::invalid, "no date of the form 2 Jan 2006");
  time.day = *day;
  time.month = *month;
  time.year = *year;
  if (!take_time(in, time)) return fail(ErrorKind::invalid, "no time of day");
  if (!take_zone(in, time)) return fail(ErrorKind::invalid, "zone out of range");
  if (!is_valid(time)) return fail(ErrorKind::invalid, "no such day or time");
  return Date{to_unix(time), time.zone_minutes};
}

std::string format_date(const Date& date) {
  const CivilTime time = to_civil(date.at, date.zone_minutes);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} {}", weekdays.at(static_cast<std::size_t>(weekday(time))), time.day,
                     month_name(time.month), time.year, time.hour, time.minute, time.second, format_zone(time.zone_minutes));
}

}  // namespace postern::mime
