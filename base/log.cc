// SPDX-License-Identifier: Apache-2.0
// The log's lines are finished here, before any sink sees them; spdlog only carries them to standard error.
#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <atomic>
#include <chrono>
#include <ctime>
#include <mutex>

#include "base/ascii.h"
#include "base/encoding.h"

namespace postern {
namespace {

constexpr std::size_t max_value_octets = 1024;
constexpr std::size_t async_queue_lines = 8192;

std::string_view level_name(LogLevel level) {
  constexpr std::array<std::string_view, 5> names = {"debug", "info", "warning", "error", "off"};
  return names[static_cast<std::size_t>(level)];
}

/// RFC 3339 §5.6, UTC with milliseconds.
std::string timestamp() {
  using namespace std::chrono;
  const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(now / 1000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                     utc.tm_min, utc.tm_sec, now % 1000);
}

bool is_plain(char c) { return ascii::is_alnum(c) || std::string_view("-_.:@/+").find(c) != std::string_view::npos; }

/// Sequences that are well-formed but deceive a terminal or a reader: C1 controls (U+0080–9F), line separators
/// (U+2028/9) and bidirectional controls (U+061C, U+200E/F, U+202A–E, U+2066–9).
bool is_deceptive(std::string_view sequence) {
  if (sequence.size() == 2) return sequence == "\xd8\x9c" || (sequence[0] == '\xc2' && sequence[1] < '\xa0');
  if (sequence.size() != 3 || sequence[0] != '\xe2') return false;
  const auto last = static_cast<unsigned char>(sequence[2]);
  if (sequence[1] == '\x80') return last == 0x8e || last == 0x8f || (last >= 0xa8 && last <= 0xae);
  return sequence[1] == '\x81' && last >= 0xa6 && last <= 0xa9;
}

bool may_show(std::string_view sequence) {
  if (sequence.size() != 1) return !is_deceptive(sequence);
  return !ascii::is_ctl(sequence[0]) && sequence[0] != '"' && sequence[0] != '\\';
}

void append_quoted(std::string& out, std::string_view value) {
  out += '"';
  while (!value.empty()) {
    const std::size_t length = utf8_sequence(value);
    const auto sequence = value.substr(0, length == 0 ? 1 : length);
    if (length != 0 && may_show(sequence)) {
      out += sequence;
    } else {
      for (const char c : sequence) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    value.remove_prefix(sequence.size());
  }
  out += '"';
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::off: return spdlog::level::off;
  }
  return spdlog::level::off;
}

/// The worker thread and its logger. The pool's destructor writes what is queued, then joins.
struct AsyncWriter {
  std::shared_ptr<spdlog::details::thread_pool> pool = std::make_shared<spdlog::details::thread_pool>(async_queue_lines, 1);
  std::shared_ptr<spdlog::async_logger> logger = std::make_shared<spdlog::async_logger>(
      "postern", std::make_shared<spdlog::sinks::stderr_sink_mt>(), pool, spdlog::async_overflow_policy::block);
  AsyncWriter() {
    logger->set_level(spdlog::level::trace);
    logger->set_pattern("%v");
  }
};

}  // namespace

struct Log::State {
  std::atomic<LogLevel> level;
  std::mutex mutex;  ///< held while the sink runs
  Sink sink;
};

Log::Log(LogLevel level, Sink sink) : state_(std::make_unique<State>()) {
  state_->level = level;
  state_->sink = std::move(sink);
}

Log::~Log() = default;

bool Log::enabled(LogLevel level) const {
  return level != LogLevel::off && level >= state_->level.load(std::memory_order_relaxed);
}

void Log::set_level(LogLevel level) { state_->level = level; }

void Log::write(LogLevel level, std::string_view area, std::string_view event, Fields fields) {
  if (!enabled(level)) return;
  std::string line = fmt::format("{} {} {} {}", timestamp(), level_name(level), area, event);
  for (const auto& field : fields) {
    line += ' ';
    line += field.key();
    line += '=';
    line += field.written();
  }
  const std::lock_guard lock(state_->mutex);
  state_->sink(level, line);
}

std::string LogField::written() const {
  if (kind_ == Kind::text) return log_escape(text_);
  return fmt::format("{}{}", kind_ == Kind::negative ? "-" : "", number_);
}

Log::Sink stderr_sink() {
  return [writer = std::make_shared<AsyncWriter>()](LogLevel level, std::string_view line) {
    writer->logger->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
  };
}

Log::Sink null_sink() {
  return [](LogLevel, std::string_view) {};
}

std::string log_escape(std::string_view value) {
  const bool cut = value.size() > max_value_octets;
  if (cut) value = value.substr(0, max_value_octets);
  if (!cut && !value.empty() && std::ranges::all_of(value, is_plain)) return std::string(value);
  std::string out;
  append_quoted(out, value);
  if (cut) out += "...";
  return out;
}

}  // namespace postern
