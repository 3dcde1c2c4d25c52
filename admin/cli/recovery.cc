// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/recovery.h"

#include <unistd.h>

#include <charconv>
#include <ctime>
#include <iostream>

#include "admin/checks.h"
#include "admin/json.h"
#include "base/ascii.h"

namespace postern::admin::cli {

namespace {

constexpr UnixTime minute = 60;
constexpr UnixTime hour = 60 * minute;
constexpr UnixTime day = 24 * hour;

/// "6h" and its like; nothing when the text is no such thing.
std::optional<UnixTime> parse_ago(std::string_view text) {
  UnixTime count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || count < 0 || end + 1 != text.data() + text.size()) return std::nullopt;
  switch (*end) {
    case 's': return count;
    case 'm': return count * minute;
    case 'h': return count * hour;
    case 'd': return count * day;
    default: return std::nullopt;
  }
}

/// Seconds since 1970 of a date with or without a time.
std::optional<UnixTime> parse_date(std::string text) {
  const bool utc = text.ends_with('Z');
  if (utc) text.pop_back();
  for (const char* format :
       {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y%m%dT%H%M%S", "%Y-%m-%d"}) {
    std::tm parts{};
    const char* end = ::strptime(text.c_str(), format, &parts);
    if (!end || *end != '\0') continue;
    parts.tm_isdst = -1;
    return utc ? ::timegm(&parts) : ::mktime(&parts);
  }
  return std::nullopt;
}

}  // namespace

Result<UnixTime> parse_moment(std::string_view text, UnixTime now) {
  if (const auto ago = parse_ago(text)) return now - *ago;
  if (text.starts_with('@')) {
    UnixTime time = 0;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), time);
    if (error == std::errc() && end == text.data() + text.size()) return time;
  }
  if (const auto date = parse_date(std::string(text))) return *date;
  return fail(ErrorKind::invalid, std::string(text) + " is no moment; write for example \"2026-11-22 09:30\" or 6h");
}

std::string show_moment(UnixTime time) {
  const std::time_t seconds = time;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::array<char, 32> out{};
  return {out.data(), std::strftime(out.data(), out.size(), "%Y-%m-%d %H:%M:%S", &parts)};
}

Result<std::optional<UnixTime>> moment_option(const Invocation& run, const std::string& name) {
  if (!run.has(name)) return std::optional<UnixTime>();
  auto moment = parse_moment(run.text(name), SystemClock().unix_now());
  if (!moment) return std::unexpected(moment.error());
  return std::optional(*moment);
}

ProgressLine::ProgressLine(const Invocation& run) : on_(!run.json && ::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (shown_) std::cerr << "\r\x1b[K" << std::flush;
}

void ProgressLine::show(std::string_view text) {
  if (!on_) return;
  shown_ = true;
  std::cerr << "\r\x1b[K" << text << std::flush;
}

void show_json(const boost::json::object& object) {
  const std::string line = to_line(object);
  std::cout << ascii::trim(line) << "\n";
}

int show_error(const Invocation& run, const Error& error) { return show_failure(run, {code_for_answer(error.kind), error.text}); }

std::expected<config::Config, Failure> configuration_of(const Invocation& run) {
  auto loaded = config::load(run.config_path);
  if (!loaded) return std::unexpected(configuration_failure(run.config_path, loaded.error()));
  return std::move(loaded->config);
}

}  // namespace postern::admin::cli
