// SPDX-License-Identifier: Apache-2.0
#include "auth/hours.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

#include "base/ascii.h"
#include "base/cursor.h"

namespace postern::auth {
namespace {

constexpr unsigned days_in_week = 7;
constexpr unsigned minutes_in_hour = 60;
constexpr unsigned minutes_in_day = 1440;
constexpr std::size_t least_letters = 3;
constexpr std::array<std::string_view, days_in_week> days{"monday", "tuesday",  "wednesday", "thursday",
                                                          "friday", "saturday", "sunday"};

std::unexpected<Error> wrong(std::string_view text) {
  return fail(ErrorKind::invalid, fmt::format("\"{}\" is no time of the week; write for example \"mon-fri 07:00-19:00\" or "
                                              "\"mon-fri 07:00-19:00, sat 09:00-12:00\"",
                                              text));
}

std::optional<unsigned> take_day(Cursor& in) {
  const auto word = ascii::lower(in.take_while(ascii::is_alpha));
  if (word.size() < least_letters) return std::nullopt;
  for (unsigned day = 0; day < days_in_week; ++day) {
    if (days.at(day).starts_with(word)) return day;
  }
  return std::nullopt;
}

/// One or two digits below `limit`.
std::optional<unsigned> take_number(Cursor& in, unsigned limit) {
  const auto digits = in.take_while(ascii::is_digit);
  if (digits.empty() || digits.size() > 2) return std::nullopt;
  unsigned value = 0;
  for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
  return value < limit ? std::optional(value) : std::nullopt;
}

std::optional<unsigned> take_time(Cursor& in) {
  const auto hour = take_number(in, 25);
  if (!hour) return std::nullopt;
  unsigned minute = 0;
  if (in.take(':')) {
    const auto given = take_number(in, minutes_in_hour);
    if (!given) return std::nullopt;
    minute = *given;
  }
  const auto value = *hour * minutes_in_hour + minute;
  return value <= minutes_in_day ? std::optional(value) : std::nullopt;
}

std::string time_text(unsigned minutes) {
  return fmt::format("{:02}:{:02}", minutes / minutes_in_hour, minutes % minutes_in_hour);
}

std::string_view day_text(unsigned day) { return days.at(day).substr(0, least_letters); }

}  // namespace

std::string WallTime::to_string() const { return fmt::format("{} {}", day_text(weekday % days_in_week), time_text(minute)); }

WallTime wall_time(UnixTime now) {
  const std::time_t seconds = now;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  // tm_wday counts from Sunday.
  const auto weekday = (static_cast<unsigned>(local.tm_wday) + days_in_week - 1) % days_in_week;
  return {weekday, static_cast<unsigned>(local.tm_hour) * minutes_in_hour + static_cast<unsigned>(local.tm_min)};
}

bool Hours::Span::has_day(unsigned day) const {
  return first <= last ? day >= first && day <= last : day >= first || day <= last;
}

Result<Hours::Span> Hours::parse_span(std::string_view text) {
  Cursor in(text);
  Span span;
  if (!in.at_end() && ascii::is_alpha(text.front())) {
    const auto first = take_day(in);
    if (!first) return wrong(text);
    span.first = span.last = *first;
    if (in.take('-')) {
      const auto last = take_day(in);
      if (!last) return wrong(text);
      span.last = *last;
    }
    if (in.at_end()) return span;
    if (in.take_while([](char c) { return c == ' '; }).empty()) return wrong(text);
  }
  const auto from = take_time(in);
  if (!from || !in.take('-')) return wrong(text);
  const auto to = take_time(in);
  if (!to || !in.at_end() || *from == minutes_in_day || *from == *to) return wrong(text);
  span.from = *from;
  span.to = *to;
  return span;
}

Result<Hours> Hours::parse(std::string_view text) {
  Hours out;
  if (ascii::trim(text).empty()) return out;
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    auto span = parse_span(ascii::trim(text.substr(at, comma - at)));
    if (!span) return std::unexpected(span.error());
    out.spans_.push_back(*span);
    if (out.spans_.size() > max_spans) return fail(ErrorKind::limit, fmt::format("at most {} spans of time", max_spans));
    at = comma + 1;
  }
  return out;
}

bool Hours::contains(WallTime moment) const {
  if (spans_.empty()) return true;
  const auto before = (moment.weekday + days_in_week - 1) % days_in_week;
  return std::ranges::any_of(spans_, [&](const Span& span) {
    if (span.from < span.to) return span.has_day(moment.weekday) && moment.minute >= span.from && moment.minute < span.to;
    return (span.has_day(moment.weekday) && moment.minute >= span.from) || (span.has_day(before) && moment.minute < span.to);
  });
}

std::string Hours::to_string() const {
  std::string out;
  for (const auto& span : spans_) {
    if (!out.empty()) out += ", ";
    const bool all_week = span.first == 0 && span.last == days_in_week - 1;
    if (!all_week) {
      out += day_text(span.first);
      if (span.last != span.first) out += fmt::format("-{}", day_text(span.last));
      out += ' ';
    }
    out += time_text(span.from) + "-" + time_text(span.to);
  }
  return out;
}

}  // namespace postern::auth
