// SPDX-License-Identifier: Apache-2.0
// ReportBook: what was seen of other domains' mail, counted until the day's reports about it are sent (DMARC, RFC 7489 §7.2; TLS,
// RFC 8460). Facts are texts made by the rooms that report; the store reads nothing into them.
//
// Invariants: noting never waits. Facts stay until settle() says that their report is safe elsewhere: when the process dies in
// between, the same report is made again rather than lost. Rows are bounded, of one topic and altogether; what comes beyond
// is not counted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"

namespace postern::store {

enum class ReportKind : std::uint8_t { dmarc = 1, tls = 2 };

/// What one report is about.
struct ReportTopic {
  ReportKind kind = ReportKind::dmarc;
  std::int64_t day = 0;  ///< UTC, since 1970-01-01
  std::string domain;    ///< whose policy it was
  auto operator<=>(const ReportTopic&) const = default;
};

/// Something that happened so many times in the same way.
struct ReportCount {
  std::string facts;
  std::uint64_t count = 0;
  bool operator==(const ReportCount&) const = default;
};

/// Different facts of one topic, and of all together, that are kept.
inline constexpr std::size_t report_facts_max = 10'000;
inline constexpr std::size_t report_facts_total_max = 200'000;

class ReportBook {
 public:
  virtual ~ReportBook() = default;
  /// Once more. May be dropped, which is logged.
  virtual void note(ReportTopic topic, std::string facts) = 0;
  /// Topics of days before this one that have facts, the oldest first, at most so many.
  virtual async::Task<Result<std::vector<ReportTopic>>> due(ReportKind kind, std::int64_t before_day, std::size_t most) = 0;
  /// The facts in their order; nothing when the topic was settled before.
  virtual async::Task<Result<std::vector<ReportCount>>> read(ReportTopic topic) = 0;
  /// The report is on its way, or nobody wants it: the facts go, and so do those that come later. Errors: unavailable, those of
  /// the file; the facts are still there then.
  virtual async::Task<Result<>> settle(ReportTopic topic) = 0;
  /// Days before this one go, with what is remembered of them.
  virtual void forget(std::int64_t before_day) = 0;
};

}  // namespace postern::store
