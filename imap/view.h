// SPDX-License-Identifier: Apache-2.0
// View: one client's picture of its selected mailbox. It owns the snapshot whose row index + 1 is the message sequence number
// the client uses. Other sessions' changes come in only through advance(), and messages go away only when the caller may
// say so to the client (RFC 3501 §7.4.1); until then expunged rows stay in the picture (design.md §7).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "imap/response.h"
#include "imap/sequence_set.h"
#include "store/store.h"

namespace postern::imap {

/// May sequence numbers change now?
enum class Expunges : bool { hold, tell };
enum class Access : bool { read_only, read_write };
/// How a client is told of messages that went: by sequence number, or by UID once it enabled QRESYNC (RFC 7162 §3.2.10) or
/// UIDONLY (RFC 9586 §3.2).
enum class Removal : bool { expunge, vanished };

/// What advance() found; to be said to the client in this order.
struct Update {
  bool mailbox_gone = false;
  std::vector<std::uint32_t> expunged;  ///< sequence numbers for EXPUNGE, each counted after the one before
  store::UidSet vanished;               ///< the same messages by UID
  bool exists = false;                  ///< the number of messages grew, or EXPUNGE was told
  bool recent = false;                  ///< the number of recent messages changed
  bool keywords = false;                ///< new keywords: FLAGS has to be sent
  std::vector<store::Row> changed;      ///< rows whose flags changed
  store::Uid first_added = 0;           ///< lowest new UID, or 0
};

/// How FETCH responses for changed flags look.
struct FlagFormat {
  bool uid = false;
  bool modseq = false;
  bool uid_only = false;  ///< "* 7 UIDFETCH (…" with the UID in front (RFC 9586 §3.3)
};

/// "* VANISHED 3:5,9", in as many responses as its length asks for; nothing for an empty set.
void append_vanished(std::string& out, const store::UidSet& uids, std::string_view kind);

/// "* 3 FETCH (" of a row, or "* 17 UIDFETCH (" when the client knows messages by UID alone.
void append_fetch_head(std::string& out, std::size_t index, store::Uid uid, Numbering numbering);

class View {
 public:
  View(std::shared_ptr<store::Watch> watch, store::SnapshotPtr snapshot, Access access);
  /// Which bits of a row this client can set for good; all at first.
  void limit_flags(std::uint64_t settable) { settable_ = settable; }

  const store::Snapshot& snapshot() const { return *snapshot_; }
  /// For whoever goes on with this picture while the view moves on.
  const store::SnapshotPtr& snapshot_ptr() const { return snapshot_; }
  store::MailboxId mailbox() const { return snapshot_->mailbox; }
  bool read_only() const { return access_ == Access::read_only; }
  store::Watch& watch() { return *watch_; }

  /// Takes in what was published since. Linear in what changed.
  Update advance(Expunges expunges);
  /// True when a message of the picture is gone from the mailbox.
  bool has_expunged() const { return has_expunged_; }

  enum class Owner : bool { self, other };
  /// How this session's account calls the mailbox, and whose it is.
  void describe(std::string name, Owner owner) {
    name_ = std::move(name);
    owner_ = owner;
  }
  const std::string& name() const { return name_; }
  bool is_foreign() const { return owner_ == Owner::other; }

  /// Messages from this UID on (in the picture) are \Recent for this session.
  void add_recent(store::Uid from);
  void forget_recent() {
    recent_ = {};
    recent_count_ = 0;
  }
  bool is_recent(store::Uid uid) const { return !recent_.empty() && recent_.contains(uid); }
  std::size_t recent_count() const { return recent_count_; }

  /// Rows that a client's set means; "$" is the saved result. Error: invalid.
  Result<IndexRanges> resolve(const SequenceSet& set, Numbering numbering) const;
  /// The result of SEARCH SAVE (RFC 5182).
  void save(store::UidSet uids) { saved_ = std::move(uids); }

  /// "* 3 FETCH (FLAGS (\Seen))"
  void append_changed(std::string& out, const store::Row& row, FlagFormat format) const;
  /// The same without FLAGS, for a silent STORE under CONDSTORE.
  void append_modseq(std::string& out, const store::Row& row, FlagFormat format) const;
  /// "\Seen \Recent $Junk"
  void append_flags_of(std::string& out, const store::Row& row) const;
  /// The untagged responses for an update, but for its changed rows, which may be many: append_changed() each.
  void append_update(std::string& out, const Update& update, Removal removal) const;
  /// "* FLAGS (…)" and, when writable, PERMANENTFLAGS.
  void append_mailbox_flags(std::string& out) const;

 private:
  bool append_fetch_start(std::string& out, const store::Row& row, FlagFormat format) const;
  void forget(const store::UidSet& vanished, std::vector<std::uint32_t>& numbers);
  void count_recent();

  std::shared_ptr<store::Watch> watch_;
  store::SnapshotPtr snapshot_;  ///< the client's picture
  store::SnapshotPtr seen_;      ///< the published snapshot the picture was made from
  Access access_;
  std::uint64_t settable_ = ~std::uint64_t{0};
  bool has_expunged_ = false;
  store::UidSet recent_;
  std::size_t recent_count_ = 0;
  store::UidSet saved_;
  std::string name_;
  Owner owner_ = Owner::self;
};

}  // namespace postern::imap
