// SPDX-License-Identifier: Apache-2.0
// Upkeep: what an admin does with the real store: look inside, check, compact. Housekeeping does the same by itself at night
// and every minute (store/sqlite/housekeeper.h). Stores that keep nothing (store/memory) have none.
// Contract: jobs run one after the other on a thread of their own, at a limited rate; start() comes back at once, job() tells how
// far a job is. Nothing here is ever secret: credentials are not in the store's index.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/ids.h"

namespace postern::store {

/// Something that is not as it must be.
struct Finding {
  std::string check;      ///< which rule, in a few words: "mailbox counters"
  std::string text;       ///< what is wrong with what: "mailbox 7 counts 12 messages and has 11"
  bool repaired = false;  ///< it could be derived from other rows, and was
  bool operator==(const Finding&) const = default;
};

struct JobOrder {
  enum class Kind : std::uint8_t { audit, compact };
  Kind kind = Kind::audit;
  bool repair = true;         ///< audit: write what can be derived
  bool bodies = false;        ///< audit: read every body, not only tonight's share
  bool nightly = false;       ///< audit: the quick form, with a share of bodies and of cached structures
  std::uint64_t segment = 0;  ///< compact: this one; 0: all above the threshold
  bool all = false;           ///< compact: every sealed segment with dead bytes
};

struct JobState {
  enum class Phase : std::uint8_t { waiting, running, done, failed, stopped };
  std::uint64_t id = 0;
  JobOrder order;
  Phase phase = Phase::waiting;
  std::string stage;        ///< what it does now, for people
  std::uint64_t done = 0;   ///< of `total`, in the stage's own measure (octets, mailboxes)
  std::uint64_t total = 0;  ///< 0: not known
  UnixTime started = 0;
  UnixTime ended = 0;
  std::string error;              ///< of a failed job
  std::vector<Finding> findings;  ///< at most max_findings
  std::uint64_t more_findings = 0;
  std::uint64_t repaired = 0;
  std::uint64_t bodies_read = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t segments_done = 0;
  std::uint64_t bytes_reclaimed = 0;
  bool ended_now() const { return phase != Phase::waiting && phase != Phase::running; }
};
inline constexpr std::size_t max_findings = 1000;

struct SegmentInfo {
  enum class State : std::uint8_t { active = 0, sealed = 1, retired = 2 };
  std::uint64_t id = 0;
  bool single = false;  ///< one large body
  State state = State::active;
  std::uint64_t bytes = 0;   ///< of the file
  std::uint64_t dead = 0;    ///< of bodies nobody refers to
  std::uint64_t bodies = 0;  ///< living
  UnixTime verified = 0;     ///< all bodies were read last; 0: never
  UnixTime pinned_until = 0;
};

struct StoreInfo {
  std::string folder;
  std::uint64_t schema = 0;
  std::uint64_t accounts = 0, mailboxes = 0, messages = 0, message_bytes = 0;
  std::uint64_t queue = 0;
  std::uint64_t undelete_messages = 0, undelete_bytes = 0;
  std::uint64_t index_bytes = 0, log_bytes = 0, credentials_bytes = 0;  ///< mail.db, its write-ahead log, auth.db
  std::uint64_t segment_files = 0, segment_bytes = 0, dead_bytes = 0;
  bool text_kept = false;  ///< text of messages is kept for searching
  std::uint64_t text_messages = 0, text_waiting = 0, text_bytes = 0;
  std::uint64_t free_bytes = 0, ballast_bytes = 0;
  bool refusing = false;  ///< new mail is refused for lack of space
  UnixTime last_audit = 0, next_audit = 0;
  std::uint64_t last_audit_findings = 0;
  std::vector<SegmentInfo> segments;  ///< shared ones first, most dead bytes first
};

/// What to show of the index.
struct DumpOrder {
  std::string account;  ///< login
  MailboxId mailbox = 0;
  Uid uid = 0;                ///< of the mailbox; 0: the mailbox itself
  std::uint64_t segment = 0;  ///< a record of this file instead
  std::uint64_t offset = 0;   ///< where its body begins
  std::size_t most = 1000;    ///< rows of each table
};
using DumpValue = std::variant<std::int64_t, std::string>;
struct DumpRow {
  std::string table;
  std::vector<std::pair<std::string, DumpValue>> columns;
};

class Upkeep {
 public:
  virtual ~Upkeep() = default;
  virtual async::Task<Result<StoreInfo>> look() = 0;
  /// Errors: unavailable when the store closes or 16 jobs wait already.
  virtual Result<std::uint64_t> start(JobOrder order) = 0;
  /// Nothing for an id that is unknown or forgotten (the last 16 jobs are kept).
  virtual std::optional<JobState> job(std::uint64_t id) = 0;
  /// Errors: not_found, invalid, corrupt (the record).
  virtual async::Task<Result<std::vector<DumpRow>>> dump(DumpOrder order) = 0;
};

}  // namespace postern::store
