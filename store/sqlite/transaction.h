// SPDX-License-Identifier: Apache-2.0
// Transaction: what the commands of one batch see. It keeps the counters of accounts and mailboxes in memory, so that a
// batch writes each row once, and collects what must be published after the batch is durable.
// Invariant: the cached states are the truth for the writer thread; nothing else writes these rows. A command that fails leaves
// states, changes and signals as it found them (begin_command … undo_command).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "store/sqlite/database.h"
#include "store/sqlite/segments.h"
#include "store/store.h"

namespace postern::store::sqlite {

using Keywords = std::vector<std::string>;

/// What a Transaction notes about each state it changes.
struct Touched {
  bool dirty = false;           ///< by the batch
  std::uint64_t saved_for = 0;  ///< the command that can take its change back
};

/// All accounts of a domain together; also for domains that have no row (yet).
struct DomainState {
  std::string name;
  Quota quota;
  Touched touched = {};
};

struct AccountState {
  AccountId id = 0;
  std::string login;
  Quota quota;
  DomainState* domain = nullptr;
  bool gone = false;
  Touched touched = {};
};

struct MailboxState {
  MailboxId id = 0;
  AccountId account = 0;
  std::uint32_t uidvalidity = 0;
  Uid uidnext = 1;
  ModSeq highest = 1;
  Uid recent_uid = 0;
  ModSeq vanished_floor = 0;
  std::uint64_t messages = 0;
  std::uint64_t unseen = 0;
  std::uint64_t deleted = 0;
  std::uint64_t bytes = 0;
  std::shared_ptr<const Keywords> keywords;
  bool gone = false;
  bool frozen = false;  ///< by a COPY in slices; what would change the mailbox waits
  Touched touched = {};
};

/// Thrown by what would change a frozen mailbox: the command is taken back and waits until the copy has ended.
struct Frozen {};

/// One step of a mailbox's history, for snapshots. Either a row as it is now, or a range of UIDs that went.
struct RowChange {
  MailboxId mailbox = 0;
  bool gone = false;
  Row row;
  UidRange uids;
};

constexpr std::int64_t message_id(MailboxId mailbox, Uid uid) {
  return static_cast<std::int64_t>(std::uint64_t{mailbox} << 32 | uid);
}
constexpr Uid uid_of(std::int64_t message_id) { return static_cast<Uid>(message_id); }

/// Names by index; empty where a bit is free.
Keywords read_keywords(Database& db, MailboxId mailbox);

class Transaction {
 public:
  Transaction(Database& db, const Clock& clock) : db_(db), clock_(clock) {}

  Database& db() { return db_; }
  UnixTime now() const { return clock_.unix_now(); }

  /// Null when there is none.
  AccountState* account(AccountId id);
  /// With no limits when there is no such domain.
  DomainState& domain(const std::string& name);
  MailboxState* mailbox(MailboxId id);
  /// The account's own mailbox, or null (security.md D91).
  MailboxState* mailbox(AccountId account, MailboxId id);
  MailboxState* find(AccountId account, std::string_view name);
  /// Inserts the row; the name must be canonical and free, parents are the caller's matter.
  MailboxState& make_mailbox(AccountId account, std::string_view name, SpecialUse use);

  /// Freezes a mailbox or thaws it; big_copy.h keeps the journal that says so.
  void freeze(MailboxState& mailbox, bool frozen);
  /// Lets the running command change this mailbox although it is frozen.
  void permit(const MailboxState& mailbox) { permitted_.push_back(mailbox.id); }
  /// Throws Frozen.
  void require_thawed(const MailboxState& mailbox) const;

  /// Call before changing a state. Throws Frozen.
  void touch(AccountState& account);
  void touch(DomainState& domain);
  /// Counts bytes and messages into (or, negative, out of) the account and its domain. Touches both.
  void charge(AccountState& account, std::int64_t bytes, std::int64_t messages);
  void touch(MailboxState& mailbox);
  /// A new mod-sequence for this mailbox. Touches.
  ModSeq next_modseq(MailboxState& mailbox);
  void set_keywords(MailboxState& mailbox, Keywords names);
  /// Names changed in ways the cache does not follow.
  void forget_names() {
    names_.clear();
    renamed_ = true;
  }

  void row_changed(const MailboxState& mailbox, const Row& row) { changes_.push_back({mailbox.id, false, row, {}}); }
  void rows_gone(const MailboxState& mailbox, UidRange uids) { changes_.push_back({mailbox.id, true, {}, uids}); }
  void mailbox_gone(MailboxState& mailbox);
  void account_gone(AccountState& account);
  /// What guests see of a mailbox changed (store/guests.h); 0: perhaps of every one.
  void guests_changed(MailboxId mailbox) { guests_of_.push_back(mailbox); }
  /// Names, subscriptions, annotations or rights of the account changed; 0: of everybody. Mailboxes that are touched need no
  /// word.
  void announce(AccountId account) { announced_.push_back(account); }
  void queue_changed(std::int64_t depth_by, bool signal);
  /// Expunged messages of this account went for good.
  void text_left(AccountId account) { text_left_.push_back(account); }

  /// Inserts a blob row with that many references.
  std::int64_t add_blob(const NewBody& body, std::int64_t refs);
  /// Drops references; with the last one the row goes and its bytes are dead.
  void release_blob(std::int64_t blob, std::int64_t refs);
  /// A segment that is not active and has no bodies goes, with its file; while a pin holds it (pins.h) it is retired instead.
  void drop_if_empty(SegmentId segment);
  /// The same for all retired segments that no pin holds any more, and for those that a compaction left empty when it was
  /// interrupted.
  void drop_retired();
  /// A file without a row; it goes when the batch is durable.
  void drop_file(SegmentId segment) { dead_segments_.push_back(segment); }
  /// Bytes in a shared segment that nobody refers to.
  void add_dead(SegmentId segment, std::uint64_t bytes);

  // -- for the writer --
  void begin_command();
  void undo_command();
  /// Writes all touched counters.
  void flush();
  /// Forgets what the batch collected; with `keep_states` false also the cached states (the batch was rolled back).
  void end_batch(bool keep_states);
  std::span<const RowChange> changes() const { return changes_; }
  std::span<MailboxState* const> touched_mailboxes() const { return dirty_mailboxes_; }
  std::span<AccountState* const> touched_accounts() const { return dirty_accounts_; }
  std::span<DomainState* const> touched_domains() const { return dirty_domains_; }
  std::span<const MailboxId> changed_for_guests() const { return guests_of_; }
  std::span<const AccountId> announced() const { return announced_; }
  /// What was known of names and rights of mailboxes may be wrong now.
  bool names_changed() const { return renamed_ || !announced_.empty(); }
  std::span<const AccountId> gone_accounts() const { return gone_accounts_; }
  std::span<const AccountId> accounts_that_lost_text() const { return text_left_; }
  std::span<const SegmentId> dead_segments() const { return dead_segments_; }
  std::int64_t depth_change() const { return depth_change_; }
  bool queue_signal() const { return queue_signal_; }

 private:
  template <class State>
  using Undo = std::vector<std::pair<State*, State>>;
  template <class State>
  void note(State& state, Undo<State>& undo, std::vector<State*>& dirty);
  std::uint32_t next_uidvalidity();
  std::int64_t next_blob();

  struct Mark {
    std::size_t changes = 0, gone_accounts = 0, dead_segments = 0;
    std::int64_t depth = 0;
    bool signal = false;
  };

  Database& db_;
  const Clock& clock_;
  std::unordered_map<AccountId, std::unique_ptr<AccountState>> accounts_;
  std::unordered_map<MailboxId, std::unique_ptr<MailboxState>> mailboxes_;
  std::unordered_map<std::string, std::unique_ptr<DomainState>> domains_;
  std::unordered_map<std::string, MailboxId> names_;  ///< "account/name"
  std::string name_key_;

  std::vector<RowChange> changes_;
  std::vector<MailboxState*> dirty_mailboxes_;
  std::vector<AccountState*> dirty_accounts_;
  std::vector<DomainState*> dirty_domains_;
  std::vector<AccountId> gone_accounts_;
  std::vector<AccountId> text_left_;
  std::vector<MailboxId> guests_of_;
  std::vector<AccountId> announced_;
  bool renamed_ = false;
  std::vector<SegmentId> dead_segments_;
  std::int64_t depth_change_ = 0;
  bool queue_signal_ = false;
  std::int64_t next_blob_ = 0;     ///< id of the next blob; 0 until it was read
  std::int64_t written_blob_ = 0;  ///< what `sys` says about it

  Mark mark_;
  std::uint64_t command_ = 0;  ///< counts commands
  std::vector<MailboxId> permitted_;
  Undo<MailboxState> undo_mailboxes_;
  Undo<AccountState> undo_accounts_;
  Undo<DomainState> undo_domains_;
  std::vector<MailboxId> made_;  ///< by the running command
};

}  // namespace postern::store::sqlite
