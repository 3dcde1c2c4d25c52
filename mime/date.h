// SPDX-License-Identifier: Apache-2.0
// Dates of mail: RFC 5322 date-time with its obsolete forms, and civil time helpers for other notations (IMAP).
// Pure functions, no locale, no tz database; every input is bounded before arithmetic (security.md D37).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace postern::mime {

/// Years that a date may have; outside they are refused, so that no sum can overflow.
inline constexpr int min_year = 1;
inline constexpr int max_year = 9999;

/// A calendar time in the proleptic Gregorian calendar, at an offset from UTC.
struct CivilTime {
  int year = 1970;       ///< min_year–max_year
  int month = 1;         ///< 1–12
  int day = 1;           ///< 1–31
  int hour = 0;          ///< 0–23
  int minute = 0;        ///< 0–59
  int second = 0;        ///< 0–60, a leap second counts as the next second
  int zone_minutes = 0;  ///< east of UTC, -5999–5999
  bool operator==(const CivilTime&) const = default;
};

/// An instant, and the offset in which its sender wrote it.
struct Date {
  UnixTime at = 0;
  int zone_minutes = 0;  ///< east of UTC
  bool operator==(const Date&) const = default;
};

/// True when the day exists and all values are in their ranges.
bool is_valid(const CivilTime& time);
/// Needs is_valid(time).
UnixTime to_unix(const CivilTime& time);
/// The calendar time at this offset; instants outside of the years above are moved to the nearest inside.
CivilTime to_civil(UnixTime at, int zone_minutes = 0);
/// 0 = Sunday.
int weekday(const CivilTime& time);
/// "Jan"; month 1–12.
std::string_view month_name(int month);
/// 1–12 for "jan" in any case.
std::optional<int> month_number(std::string_view name);
/// "+0130".
std::string format_zone(int zone_minutes);

/// RFC 5322 §3.3 and §4.3: comments, folding, two- and three-digit years and named zones included. Error: invalid.
Result<Date> parse_date(std::string_view text);
/// "Mon, 02 Jan 2006 15:04:05 -0700" (RFC 5322 §3.3).
std::string format_date(const Date& date);

}  // namespace postern::mime
