// SPDX-License-Identifier: Apache-2.0
// Structured log: one line an event, key=value, hostile bytes escaped, secrets never (Secret has no conversion).
//
//   log.info("smtp", "accepted", {{"queue", id}, {"from", sender}, {"size", size}});
//   2026-11-22T05:52:10.123Z info smtp accepted queue=812 from="eve\x1b[2J@example.org" size=10240
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace postern {

enum class LogLevel : unsigned char { debug, info, warning, error, off };

/// One key and its value. Keys are ours (a–z, 0–9, _); values may be anything and are escaped when written. A field only
/// refers to its text, which must live as long as the call to Log (a temporary in the same expression does), so that a
/// line below the level costs no allocation.
class LogField {
 public:
  LogField(std::string_view k, std::string_view v) : key_(k), text_(v) {}
  LogField(std::string_view k, const std::string& v) : key_(k), text_(v) {}
  LogField(std::string_view k, const char* v) : key_(k), text_(v) {}
  LogField(std::string_view k, bool v) : key_(k), text_(v ? "yes" : "no") {}
  template <std::integral T>
    requires(!std::same_as<T, bool> && !std::same_as<T, char>)
  LogField(std::string_view k, T v) : key_(k), number_(magnitude(v)), kind_(v < T{} ? Kind::negative : Kind::number) {}

  std::string_view key() const { return key_; }
  /// The value as it is written: escaped text or a decimal number.
  std::string written() const;

 private:
  enum class Kind : unsigned char { text, number, negative };
  template <std::integral T>
  static constexpr std::uint64_t magnitude(T v) {
    return v < T{} ? std::uint64_t{0} - static_cast<std::uint64_t>(v) : static_cast<std::uint64_t>(v);
  }
  std::string_view key_;
  std::string_view text_;
  std::uint64_t number_ = 0;
  Kind kind_ = Kind::text;
};

/// Thread-safe. Made once by the daemon and passed by reference; there is no global logger.
class Log {
 public:
  /// Writes finished lines (without newline) somewhere: tests collect them, the daemon gives them to spdlog. Called by one
  /// thread at a time.
  using Sink = std::function<void(LogLevel, std::string_view line)>;
  Log(LogLevel level, Sink sink);
  ~Log();
  Log(const Log&) = delete;

  using Fields = std::initializer_list<LogField>;
  void debug(std::string_view area, std::string_view event, Fields fields = {}) { write(LogLevel::debug, area, event, fields); }
  void info(std::string_view area, std::string_view event, Fields fields = {}) { write(LogLevel::info, area, event, fields); }
  void warning(std::string_view area, std::string_view event, Fields fields = {}) {
    write(LogLevel::warning, area, event, fields);
  }
  void error(std::string_view area, std::string_view event, Fields fields = {}) { write(LogLevel::error, area, event, fields); }

  bool enabled(LogLevel level) const;
  void set_level(LogLevel level);

 private:
  void write(LogLevel level, std::string_view area, std::string_view event, Fields fields);
  struct State;
  std::unique_ptr<State> state_;
};

/// Sink that writes to standard error through an asynchronous spdlog logger; loses nothing on a normal exit.
Log::Sink stderr_sink();
/// Sink that drops everything, for tests and tools.
Log::Sink null_sink();

/// As a log value: plain when it is only letters, digits and -_.:@/+, quoted otherwise, with control octets, quotes,
/// backslashes, invalid UTF-8 and bidirectional controls as \xNN (security.md D98). At most 1,024 octets are shown.
std::string log_escape(std::string_view value);

}  // namespace postern
