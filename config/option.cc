// SPDX-License-Identifier: Apache-2.0
// Readers and writers of single values, and the table as a whole. A message says what is wrong and what to write instead.
#include "config/option.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "base/cursor.h"
#include "mail/domain.h"

namespace postern::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 4> size_units = {{{"KiB", KiB}, {"MiB", MiB}, {"GiB", GiB}, {"TiB", 1024 * GiB}}};
constexpr std::array<Unit, 4> time_units = {{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}}};

/// A whole number directly followed by one of the units; nothing when the text is anything else or too large.
std::optional<std::uint64_t> with_unit(std::string_view text, std::span<const Unit> units) {
  Cursor in(text);
  const auto number = in.take_number();
  if (!number) return std::nullopt;
  for (const auto& unit : units) {
    if (in.rest() != unit.name) continue;
    if (*number > std::numeric_limits<std::int64_t>::max() / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return std::nullopt;
}

/// The value with the largest unit that divides it, or nothing.
std::optional<std::string> in_units(std::uint64_t value, std::span<const Unit> units) {
  std::optional<std::string> best;
  for (const auto& unit : units) {
    if (value != 0 && value % unit.factor == 0) best = fmt::format("{}{}", value / unit.factor, unit.name);
  }
  return best;
}

std::unexpected<Error> wrong_type(const Value& value, std::string_view wanted) {
  const auto* text = std::get_if<std::string>(&value);
  return fail(ErrorKind::invalid, fmt::format("{} is not {}", text == nullptr ? type_of(value) : show_text(*text), wanted));
}

std::unexpected<Error> out_of_range(const std::string& given, const std::string& least, const std::string& most) {
  return fail(ErrorKind::invalid, fmt::format("{} is out of range; write a value from {} to {}", given, least, most));
}

bool is_in(std::uint64_t value, Range range) { return value >= range.least && value <= range.most; }

}  // namespace

std::string type_of(const Value& value) {
  constexpr std::array<std::string_view, 5> names = {"a boolean", "a whole number", "a decimal number", "a string",
                                                     "a list of strings"};
  if (const auto* other = std::get_if<Unusable>(&value)) return other->type;
  return std::string(names[value.index()]);
}

std::string alternatives(std::span<const std::string> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) out += i + 1 == words.size() ? " or " : ", ";
    out += show_text(words[i]);
  }
  return out;
}

Result<std::uint64_t> read_number(const Value& value, Range range) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr) return wrong_type(value, "a whole number; write it without quotes");
  if (*number < 0 || !is_in(static_cast<std::uint64_t>(*number), range)) {
    return out_of_range(std::to_string(*number), std::to_string(range.least), std::to_string(range.most));
  }
  return static_cast<std::uint64_t>(*number);
}

Result<Bytes> read_size(const Value& value, Range range) {
  std::optional<std::uint64_t> bytes;
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number != nullptr && *number >= 0) bytes = static_cast<std::uint64_t>(*number);
  const auto* text = std::get_if<std::string>(&value);
  if (text != nullptr) bytes = with_unit(*text, size_units);
  if (!bytes) return wrong_type(value, "a size; write bytes (4096) or whole units (\"256KiB\", \"50MiB\", \"1GiB\")");
  if (!is_in(*bytes, range)) return out_of_range(show_size(*bytes), show_size(range.least), show_size(range.most));
  return *bytes;
}

Result<Duration> read_duration(const Value& value, Range range) {
  const auto* text = std::get_if<std::string>(&value);
  const auto seconds = text == nullptr ? std::nullopt : with_unit(*text, time_units);
  if (!seconds) return wrong_type(value, "a duration; write a whole number with its unit (\"30s\", \"5m\", \"4h\", \"2d\")");
  const auto show = [](std::uint64_t n) { return show_duration(Duration(n)); };
  if (!is_in(*seconds, range)) return out_of_range(show(*seconds), show(range.least), show(range.most));
  return Duration(*seconds);
}

Result<std::vector<Duration>> read_durations(const Value& value, Range range) {
  const auto texts = read_list(value);
  if (!texts) return std::unexpected(texts.error());
  if (texts->empty()) return fail(ErrorKind::invalid, "an empty list is not possible; write at least one duration");
  std::vector<Duration> out;
  for (const auto& text : *texts) {
    const auto item = read_duration(text, range);
    if (!item) return std::unexpected(item.error());
    out.push_back(*item);
  }
  return out;
}

Result<std::string> read_text(const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return wrong_type(value, "a string; put it in quotes");
  if (std::ranges::any_of(*text, ascii::is_ctl))
    return fail(ErrorKind::invalid, "control characters are not possible; write plain text");
  return *text;
}

Result<bool> read_switch(const Value& value) {
  const auto* flag = std::get_if<bool>(&value);
  if (flag == nullptr) return wrong_type(value, "a boolean; write true or false, without quotes");
  return *flag;
}

Result<double> read_decimal(const Value& value, Range range) {
  double number = 0;
  if (const auto* decimal = std::get_if<double>(&value)) {
    number = *decimal;
  } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    number = static_cast<double>(*whole);
  } else {
    return wrong_type(value, "a number; write it without quotes");
  }
  if (number >= static_cast<double>(range.least) && number <= static_cast<double>(range.most)) return number;
  return out_of_range(fmt::format("{}", number), std::to_string(range.least), std::to_string(range.most));
}

Result<std::vector<std::string>> read_list(const Value& value) {
  const auto* items = std::get_if<std::vector<std::string>>(&value);
  if (items == nullptr) return wrong_type(value, "a list of strings; write [\"…\", \"…\"]");
  for (const auto& item : *items) {
    if (auto text = read_text(item); !text) return std::unexpected(text.error());
  }
  return *items;
}

Result<std::string> host_name(std::string_view text) {
  const auto domain = mail::Domain::parse(text);
  if (!domain) return fail(ErrorKind::invalid, domain.error().text + "; write a host name, for example \"mail.example.org\"");
  return domain->ascii();
}

Result<std::string> host_name_or_empty(std::string_view text) { return text.empty() ? std::string() : host_name(text); }

std::string show_size(Bytes bytes) {
  const auto units = in_units(bytes, size_units);
  return units ? show_text(*units) : std::to_string(bytes);
}

std::string show_duration(Duration duration) {
  const auto seconds = static_cast<std::uint64_t>(duration.count());
  return show_text(in_units(seconds, time_units).value_or(fmt::format("{}s", seconds)));
}

std::string show_durations(const std::vector<Duration>& durations) {
  std::string out = "[";
  for (const auto& duration : durations) out += (out.size() == 1 ? "" : ", ") + show_duration(duration);
  return out + "]";
}

// TOML basic string: what read_text lets through needs only these two escapes.
std::string show_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string show_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() == 1 ? "" : ", ") + show_text(item);
  return out + "]";
}

std::vector<Section> sections() {
  std::vector<Section> all;
  for (auto* part : {server_sections, limit_sections, gate_sections, authentication_sections, trace_sections, delivery_sections,
                     way_out_sections, store_sections}) {
    for (auto& section : part()) all.push_back(std::move(section));
  }
  return all;
}

}  // namespace postern::config
