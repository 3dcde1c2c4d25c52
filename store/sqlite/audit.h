// SPDX-License-Identifier: Apache-2.0
// RowAudit: what foreign keys would check if the writer could afford them: counters, quotas, references, rows that belong
// together, files behind the rows. A walk of many small steps, each in a reading transaction of the caller's: no step is long
// unless one mailbox or one segment is.
// Differences are told as differences, not as new values: both sides of a comparison were seen in one transaction, so the
// difference is right whenever it is added, and the writer need not count again while clients wait.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "store/sqlite/database.h"
#include "store/sqlite/segments.h"
#include "store/upkeep.h"

namespace postern::store::sqlite {

/// How a finding is mended; `id` and `by` of the Discrepancy say where and by how much.
enum class Repair : std::uint8_t {
  none,              ///< cannot be derived
  mailbox_counters,  ///< by: messages, unseen, deleted, bytes to add
  mailbox_bounds,    ///< by: least uidnext, least highest mod-sequence
  account_used,      ///< by: bytes, messages to add
  blob_refs,         ///< by: references to add, references counted; a body without any goes
  segment_dead,      ///< by: octets to add
  segment_bytes,     ///< by: octets of the file
  segment_empty,     ///< a sealed segment without bodies goes
  segment_alive,     ///< a retired segment with bodies is sealed again
  stray_file,        ///< a segment file without a row goes
  stray_meta,        ///< id: of the msgmeta row
  stray_vanished,    ///< id: of a mailbox that is gone
  stray_keywords,
  stray_subscriptions,  ///< id: of an account that is gone
  stray_rights,         ///< the same: groups, rights to send as another, journal of imports
  stray_recipients,     ///< id: of a queue entry that is gone
};
struct Discrepancy {
  Finding finding;
  Repair repair = Repair::none;
  std::int64_t id = 0;
  std::array<std::int64_t, 4> by{};
};

struct AuditScope {
  SegmentFolder* folder = nullptr;  ///< null: rows alone, no files
  UnixTime now = 0;
  bool whole_integrity = false;  ///< PRAGMA integrity_check instead of quick_check
  bool integrity = true;
  /// Cached structures are compared for the mailboxes with id % of == share only.
  std::int64_t share = 0;
  std::int64_t of = 1;
};

class RowAudit {
 public:
  RowAudit(Database& db, AuditScope scope) : db_(db), scope_(scope) {}
  /// One step, inside a transaction. False when everything was seen.
  bool step(std::vector<Discrepancy>& out);
  /// What the next step looks at.
  const char* stage() const;

 private:
  using Found = std::vector<Discrepancy>;
  /// One step of one stage: true while the stage has more.
  struct Stage {
    const char* name;
    bool (RowAudit::*run)(Found& out);
  };
  static const std::array<Stage, 9> stages;

  bool check_integrity(Found& out);
  bool check_mailbox(Found& out);
  bool check_account(Found& out);
  bool check_strays(Found& out);
  bool check_structures(Found& out);
  bool check_references(Found& out);
  bool check_bodies(Found& out);
  bool check_segment(Found& out);
  bool check_queue(Found& out);

  void check_counters(Found& out, std::int64_t mailbox);
  void check_structures_of(Found& out, std::int64_t mailbox);
  void count_references(std::int64_t lo, std::int64_t hi);
  void check_beyond(Found& out);
  void check_space_of(Found& out, std::int64_t segment);
  void check_files(Found& out);

  Database& db_;
  const AuditScope scope_;
  std::size_t stage_ = 0;
  std::int64_t at_ = 0;  ///< where the stage is; 0 at its beginning
  std::vector<std::uint32_t> references_;
};

/// A body is what this message lacks: bodies that nobody seems to need may be its own.
bool is_missing_body(const Discrepancy& one);
/// True for a repair that ends a body.
bool ends_body(const Discrepancy& one);

/// All steps in the caller's transaction; one line a finding. For tests and for `Store` users that want a plain answer.
std::vector<std::string> audit(Database& db);

}  // namespace postern::store::sqlite
