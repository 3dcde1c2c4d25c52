// SPDX-License-Identifier: Apache-2.0
// The store's interface (storage.md §10, changed as its first paragraph says): whole operations, never an open transaction
// in the caller's hand. Everything here is awaitable and resumes on the caller's executor; success means durable.
// UIDs and MODSEQs come back, they never go in. Two implementations: store/sqlite (the real one) and store/memory (for unit
// tests); tests/store/conformance runs against both.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "mail/envelope.h"
#include "mail/identity.h"
#include "mail/outcome.h"
#include "store/body.h"
#include "store/ids.h"
#include "store/quota.h"
#include "store/snapshot.h"

namespace postern::store {

template <class T = void>
using Task = async::Task<T>;

/// What is computed once at delivery and cached beside the message (mime/envelope.h, mime/part.h make the strings).
struct MessageMeta {
  std::string envelope;       ///< IMAP ENVELOPE text
  std::string bodystructure;  ///< IMAP BODYSTRUCTURE text, extended form
  std::string parts;          ///< mime::serialize of the part tree, offsets relative to the body without prefix
};

/// RFC 6154 uses; none for ordinary mailboxes.
enum class SpecialUse : std::uint8_t { none, archive, drafts, junk, sent, trash, all, flagged };

struct MailboxInfo {
  MailboxId id = 0;
  std::string name;  ///< UTF-8 NFC, hierarchy separator '/', "INBOX" in capitals
  SpecialUse use = SpecialUse::none;
  std::uint32_t uidvalidity = 0;
  Uid uidnext = 1;
  ModSeq highest = 1;
  std::uint32_t messages = 0;
  std::uint32_t unseen = 0;
  std::uint32_t deleted = 0;
  std::uint32_t recent = 0;
  std::uint64_t bytes = 0;
};

/// The current snapshot of a mailbox somebody has open, and the means to wait for a newer one. Thread-safe.
class Watch {
 public:
  virtual ~Watch() = default;
  /// The newest published snapshot; null when the mailbox was deleted.
  virtual SnapshotPtr latest() const = 0;
  /// Signalled after each publication. Compare a value noted before latest() with the event's current one.
  virtual async::Event& event() = 0;
};

struct MessageInfo {
  Uid uid = 0;
  UnixTime internal_date = 0;
  std::uint64_t size = 0;         ///< octets with prefix: RFC822.SIZE
  std::uint32_t prefix_size = 0;  ///< octets of the prefix, to be added to offsets of `meta.parts`
  MessageMeta meta;               ///< empty strings where MetaFields did not ask
};
/// Which of MessageMeta a caller wants read; meta_expunged: also of messages expunged less than the undelete window ago, as
/// body() finds them.
enum MetaFields : unsigned { meta_none = 0, meta_envelope = 1, meta_structure = 2, meta_parts = 4, meta_expunged = 8 };

struct FlagChange {
  enum class Mode : std::uint8_t { add, remove, replace };
  Mode mode = Mode::add;
  std::uint64_t system = 0;               ///< bits of store::flag
  std::vector<std::string> keywords;      ///< compared without regard to ASCII case, first spelling wins
  std::optional<ModSeq> unchanged_since;  ///< RFC 7162 §3.1.3
};
struct FlagResult {
  UidSet changed;     ///< rows whose flags are as asked now (also those that were so already)
  UidSet modified;    ///< refused by unchanged_since
  ModSeq modseq = 0;  ///< of the change
};

/// What an import says about a message beside the message itself.
struct ImportMark {
  /// Names the message at its source; 1 … 64 octets. The account's journal of imports remembers it in the same durable unit as
  /// the message, so that no run, however it ended, adds the message twice.
  std::string key;
  bool beyond_quota = false;  ///< the admin lets this message in over the account's limits
};

/// One message to be added to a mailbox by its owner (APPEND, import).
struct NewMessage {
  BodyPtr body;
  MessageMeta meta;
  std::uint64_t flags = 0;
  std::vector<std::string> keywords;
  UnixTime internal_date = 0;
  std::optional<ImportMark> import = {};
};
struct Appended {
  std::uint32_t uidvalidity = 0;
  UidSet uids;  ///< in the order of the messages; those whose import key the journal had already are left out and get none
};
struct Copied {
  std::uint32_t uidvalidity = 0;  ///< of the destination
  UidSet from;                    ///< source UIDs that existed
  UidSet to;                      ///< their new UIDs, in the same order
};
enum class CopyMode : std::uint8_t { copy, move };
enum class ExpungeMode : std::uint8_t { marked_deleted, any };  ///< only rows that carry \Deleted, or all of the set

/// The first octets of one stored message, as Session::read() gives them.
struct StoredText {
  Uid uid = 0;
  std::uint64_t size = 0;  ///< octets of prefix + body: RFC822.SIZE
  std::string octets;      ///< from the first one on; shorter than `size` when the limit cut it
};
/// How much Session::read() gives at once.
struct ReadLimit {
  std::uint64_t per_message = 64 * 1024;  ///< octets of each message; longer ones are cut there
  std::uint64_t total = 1 << 20;          ///< ends with the message that reaches it; at most max_read_total counts
};
inline constexpr std::uint64_t max_read_total = 4 << 20;
struct ReadTexts {
  std::vector<StoredText> texts;  ///< ascending by UID
  Uid through = 0;                ///< UIDs of the set up to this one were looked at; ask again for those above
};

struct Particulars;  // store/particulars.h

/// All access of one logged-in account to mailboxes. Every call re-checks (account, mailbox, right) in one place; what is
/// not the account's own is not_found, so that nothing tells which ids exist (security.md D91).
/// Common errors: not_found, over_quota, no_space, io, unavailable.
class Session {
 public:
  virtual ~Session() = default;
  virtual const mail::Identity& identity() const = 0;

  /// All mailboxes with their counters, ordered by name, INBOX first. Makes INBOX and the special-use folders at first call.
  virtual Task<Result<std::vector<MailboxInfo>>> list() = 0;
  virtual Task<Result<MailboxInfo>> status(std::string name) = 0;
  /// The id of that mailbox only; the last answer is remembered until a name or a right changes.
  virtual Task<Result<MailboxId>> find(std::string name) = 0;
  /// Makes missing parents too. Errors: exists, invalid (name), limit (10 levels, 1,000 octets, 10,000 mailboxes).
  virtual Task<Result<MailboxInfo>> create(std::string name, SpecialUse use) = 0;
  /// INBOX cannot go (denied). Children stay.
  virtual Task<Result<>> remove(std::string name) = 0;
  /// With children. Renaming INBOX moves its messages into a new mailbox and leaves INBOX empty (RFC 9051 §6.3.6).
  virtual Task<Result<>> rename(std::string from, std::string to) = 0;
  /// Subscriptions are names; they outlive the mailbox (RFC 9051 §6.3.7).
  virtual Task<Result<>> subscribe(std::string name, bool on) = 0;
  virtual Task<Result<std::vector<std::string>>> subscriptions() = 0;

  /// Opens for reading and waiting. The watch keeps the mailbox's snapshot cached while it lives.
  virtual Task<Result<std::shared_ptr<Watch>>> open(MailboxId mailbox) = 0;
  /// Takes \Recent: gives the UID above which messages are recent to this session, and advances it for the next ones. Advanced
  /// in memory and written with the next batch: after a power cut messages may be recent twice (design.md §7).
  virtual Task<Result<Uid>> take_recent(MailboxId mailbox) = 0;
  /// UIDs expunged since this mod-sequence, for QRESYNC and CHANGEDSINCE with VANISHED (RFC 7162 §3.2.6).
  virtual Task<Result<UidSet>> vanished_since(MailboxId mailbox, ModSeq since) = 0;

  /// Ascending by UID; UIDs that do not exist are left out. At most 1,000 UIDs a call (limit).
  virtual Task<Result<std::vector<MessageInfo>>> info(MailboxId mailbox, UidSet uids, MetaFields fields) = 0;
  /// Ascending by UID; UIDs that do not exist are left out. At most 1,000 UIDs a call (limit).
  virtual Task<Result<std::vector<Particulars>>> particulars(MailboxId mailbox, UidSet uids) = 0;
  /// An id of the mailbox (RFC 8474): letters and digits; never another mailbox's, and the same after RENAME.
  virtual Task<Result<std::string>> object_id(MailboxId mailbox) = 0;
  /// Also finds messages expunged less than the undelete window ago, for views that still show them.
  virtual Task<Result<std::unique_ptr<BodyReader>>> body(MailboxId mailbox, Uid uid) = 0;
  /// The first octets of many messages in one visit, found as body() finds them. Left out is what does not exist and what cannot
  /// be read (body() says why); at least one UID is looked at.
  virtual Task<Result<ReadTexts>> read(MailboxId mailbox, UidSet uids, ReadLimit limit) = 0;

  /// Errors: limit when a 56th keyword would be needed.
  virtual Task<Result<FlagResult>> store_flags(MailboxId mailbox, UidSet uids, FlagChange change) = 0;
  /// Gives the UIDs that went.
  virtual Task<Result<UidSet>> expunge(MailboxId mailbox, UidSet uids, ExpungeMode mode) = 0;
  /// All or nothing at any size. Moving within one mailbox gives new UIDs.
  virtual Task<Result<Copied>> copy(MailboxId from, UidSet uids, MailboxId to, CopyMode mode) = 0;
  /// All or nothing.
  virtual Task<Result<Appended>> append(MailboxId mailbox, std::vector<NewMessage> messages) = 0;
  /// For each of up to 1,000 import keys (limit): whether the account's journal of imports has it. A message that was imported
  /// and expunged later stays in the journal: it does not come back.
  virtual Task<Result<std::vector<bool>>> imported(std::vector<std::string> keys) = 0;

  virtual Quota quota() = 0;
};

/// One local mailbox that gets the message.
struct Delivery {
  AccountId account = 0;
  std::string mailbox = "INBOX";  ///< made when missing
  std::string prefix;             ///< trace fields in front of the body: Return-Path, Delivered-To, Received …
  std::uint64_t flags = 0;
};

struct QueueRecipient {
  QueueRecipientId id = 0;  ///< given by the store
  mail::Recipient recipient;
  std::string domain;  ///< where to route: domain in A-labels, or "[literal]"
  enum class State : std::uint8_t { waiting, held, done } state = State::waiting;
  std::uint32_t attempts = 0;
  UnixTime next_at = 0;     ///< wall clock; the runner also keeps a steady-clock schedule in memory
  bool delay_told = false;  ///< a delay notice went out
  std::string last_reply;   ///< one line: what the other side said last
};

/// Whether a bounce may be sent to the envelope sender (product.md promise 4).
enum class BounceRight : std::uint8_t { none, authenticated, verified };

struct QueueEntry {
  QueueId id = 0;  ///< given by the store
  mail::ReversePath sender;
  AccountId account = 0;  ///< who submitted; 0 for nobody
  BounceRight bounce = BounceRight::none;
  UnixTime created = 0;
  UnixTime expires = 0;
  mail::BodyType body_type = mail::BodyType::seven_bit;
  bool smtputf8 = false;
  bool require_tls = false;
  mail::Return ret = mail::Return::unset;
  std::string envid;
  std::string prefix;      ///< trace fields and signature in front of the body
  std::uint64_t size = 0;  ///< octets with prefix; given by the store
  std::vector<QueueRecipient> recipients;
};

/// Everything that one accepted message becomes, in one durable unit (design.md §3.6).
struct Acceptance {
  BodyPtr body;
  MessageMeta meta;
  UnixTime internal_date = 0;
  std::vector<Delivery> deliveries;
  std::optional<QueueEntry> enqueue;
};
struct Accepted {
  struct Where {
    AccountId account;
    MailboxId mailbox;
    Uid uid;
  };
  std::vector<Where> delivered;
  std::optional<QueueId> queued;
};

/// Recipients of one message for one domain, leased to a runner.
struct Claim {
  QueueEntry entry;  ///< `recipients` holds only the claimed ones, all of one domain
};
/// What became of a claimed recipient.
struct Attempt {
  QueueRecipientId recipient = 0;
  enum class Result : std::uint8_t { done, retry, hold } result = Result::retry;
  UnixTime next_at = 0;  ///< for retry
  bool delay_told = false;
  std::string reply;
};
struct QueueFilter {
  std::optional<QueueId> id;
  std::string domain;     ///< empty: any
  std::string sender;     ///< empty: any
  std::string recipient;  ///< address; empty: any
  std::string reply;      ///< part of last_reply, in any case; empty: any
  std::size_t most = 1000;
};
enum class QueueOrder : std::uint8_t { retry_now, hold, release, remove };

/// The outbound queue. Leases let a claim of a dead process expire.
class Queue {
 public:
  virtual ~Queue() = default;
  /// Due recipients, oldest first, grouped by message and domain; each is leased for so long. Domains in `busy` are left out,
  /// so that a slow domain with a long queue never stands in the way of the others.
  virtual Task<Result<std::vector<Claim>>> claim(std::size_t most, std::chrono::seconds lease, std::vector<std::string> busy) = 0;
  /// Durable when it returns. An entry whose last recipient is done goes away with its body reference.
  virtual Task<Result<>> report(std::vector<Attempt> attempts) = 0;
  /// Prefix + body of an entry.
  virtual Task<Result<std::unique_ptr<BodyReader>>> body(QueueId id) = 0;
  virtual Task<Result<std::vector<QueueEntry>>> list(QueueFilter filter) = 0;
  /// How many recipients the order touched. Leases stay: an attempt that is under way is not made twice.
  virtual Task<Result<std::size_t>> order(QueueFilter filter, QueueOrder order) = 0;
  /// When the next waiting recipient is due; nothing when none waits.
  virtual Task<Result<std::optional<UnixTime>>> next_due() = 0;
  /// Recipients that are not done.
  virtual std::size_t depth() const = 0;
  /// Signalled when something was enqueued, released or retried.
  virtual async::Event& event() = 0;
};

class Accounts;
class Credentials;
class RecoveryAdmin;
class Upkeep;

class Store {
 public:
  virtual ~Store() = default;
  virtual std::unique_ptr<Spool> spool() = 0;
  virtual std::unique_ptr<Session> session(const mail::Identity& identity) = 0;
  /// The accepting transaction; called by queue::Door alone. Errors: over_quota (nothing was stored for anybody; the text
  /// names the account), no_space, io, unavailable.
  virtual Task<Result<Accepted>> accept(Acceptance acceptance) = 0;
  /// As last published by the writer; cheap and synchronous, for RCPT and SIZE checks.
  virtual Quota quota(AccountId account) const = 0;
  /// All accounts of the domain together, and the domain's own limits.
  virtual Quota domain_quota(const std::string& domain) const = 0;
  /// Keeps room in the account and its domain for one message that is on its way, until the hold goes. The exact size is
  /// settled by accept() or append(). Errors: over_quota, naming the account or the domain.
  virtual Result<QuotaHold> hold(AccountId account, std::uint64_t bytes) = 0;
  virtual Queue& queue() = 0;
  virtual Accounts& accounts() = 0;
  virtual Credentials& credentials() = 0;
  /// Undelete, backup and restore (store/recovery_admin.h); null where the store keeps nothing on a disk.
  virtual RecoveryAdmin* recovery() { return nullptr; }
  /// Look inside, check, compact (store/upkeep.h); null where the store keeps nothing on a disk.
  virtual Upkeep* upkeep() { return nullptr; }
  /// Finishes what was handed in, checkpoints, closes. Afterwards every call gives unavailable.
  virtual void close() = 0;
};

}  // namespace postern::store
