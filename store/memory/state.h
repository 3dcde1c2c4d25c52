// SPDX-License-Identifier: Apache-2.0
// What the in-memory store holds, and the steps that change it. Plain synchronous code: every public member function of
// Mailboxes, QueueState and AccountsState is called with State::mutex held.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/accounts.h"
#include "store/credentials.h"
#include "store/feeds.h"
#include "store/guests.h"
#include "store/snapshot_edit.h"
#include "store/store.h"
#include "store/watch_state.h"

namespace postern::store::memory {

/// Bytes and cached structure, shared by all copies of a message.
struct Content {
  BodyPtr body;
  MessageMeta meta;
  std::string prefix;
  std::uint64_t size() const { return prefix.size() + body->size(); }
};
using ContentPtr = std::shared_ptr<const Content>;

struct Message {
  ContentPtr content;
  UnixTime date = 0;
  UnixTime saved = 0;        ///< given by Change::add()
  UnixTime expunged_at = 0;  ///< only in Mailbox::gone
};

/// By account, or 0; and entry.
using Annotations = std::map<std::pair<AccountId, std::string>, std::string>;

/// One entry of an ACL: an account, a group, or (neither) everybody.
struct AclRow {
  AccountId account = 0;
  std::string group;
  Rights rights = 0;
};

struct Mailbox {
  MailboxId id = 0;
  AccountId account = 0;
  std::string name;
  SpecialUse use = SpecialUse::none;
  SnapshotPtr rows;                 ///< UIDs, flags and modseqs, as published
  std::map<Uid, Message> messages;  ///< the same UIDs as in rows
  std::map<Uid, Message> gone;      ///< expunged, still readable within the undelete window
  std::vector<std::pair<ModSeq, UidSet>> vanished;
  std::shared_ptr<WatchState> watch = std::make_shared<WatchState>();
  std::vector<AclRow> acl;
  bool seen_each = false;
  std::map<AccountId, UidSet> seen;  ///< of guests, where seen_each
  Annotations annotations;
};

struct Account {
  AccountRow row;
  std::uint64_t used_bytes = 0;
  std::uint64_t used_messages = 0;
  std::set<std::string> subscriptions;
  std::set<std::string> imported;  ///< keys of the journal of imports
};

struct Queued {
  QueueEntry entry;
  ContentPtr content;
  std::map<QueueRecipientId, UnixTime> leased_until;
};

struct OldPassword {
  AccountId account = 0;
  std::string sealed;
};

/// Everything, behind one mutex.
struct State {
  explicit State(const Clock& c, std::chrono::seconds window) : clock(c), undelete_window(window) {}

  const Clock& clock;
  const std::chrono::seconds undelete_window;
  mutable std::mutex mutex;
  bool closed = false;
  std::optional<Error> write_error;

  std::map<std::string, DomainRow> domains;
  std::map<AccountId, Account> accounts;
  std::vector<AddressRow> addresses;
  std::map<std::string, GroupRow> groups;
  std::vector<SendAsRow> send_as;
  std::vector<QuotaNotice> quota_notices;
  std::shared_ptr<QuotaTable> holds = std::make_shared<QuotaTable>();  ///< brought up to date by hold()
  std::map<MailboxId, Mailbox> mailboxes;
  std::map<QueueId, Queued> queue;
  std::vector<CredentialRow> credentials;
  std::vector<OldPassword> old_passwords;
  async::Event queue_event;
  GuestTable guests;
  FeedTable feeds;
  Annotations annotations;  ///< of the server

  AccountId next_account = 1;
  MailboxId next_mailbox = 1;
  QueueId next_queue = 1;
  QueueRecipientId next_recipient = 1;
  CredentialId next_credential = 1;
  std::uint32_t last_uidvalidity = 0;

  /// Errors: unavailable after close.
  Result<> check_open() const;
  /// check_open and the error that a test asked for.
  Result<> check_write() const;
  Result<Account*> account(AccountId id);
  /// The account's own mailbox, or not_found (security.md D91).
  Result<Mailbox*> mailbox(AccountId account, MailboxId id);
  Mailbox* find(AccountId account, std::string_view name);
  std::vector<Mailbox*> mailboxes_of(AccountId account);
  /// Makes the mailbox and its missing parents; the name must be canonical and free.
  Mailbox& make_mailbox(AccountId account, const std::string& name, SpecialUse use);
  void drop_mailbox(Mailbox& mailbox);
  /// Errors: over_quota, naming the account or its domain.
  Result<> check_quota(const Account& account, std::uint64_t bytes, std::uint64_t messages) const;
  Result<> check_domain_quota(const std::string& domain, std::uint64_t bytes, std::uint64_t messages) const;
  Quota quota(AccountId id) const;
  Quota domain_quota(const std::string& domain) const;
  Result<QuotaHold> hold(AccountId id, std::uint64_t bytes);
};

/// One change to one mailbox: all of it carries one new mod-sequence and is published at commit().
class Change {
 public:
  Change(State& state, Mailbox& mailbox);
  ModSeq modseq() const { return modseq_; }
  Snapshot& head() { return edit_.head(); }
  Uid add(Message message, std::uint64_t flags);
  void set_flags(Row row, std::uint64_t flags);
  /// All of them must exist.
  void remove(const UidSet& uids);
  void commit();

 private:
  State& state_;
  Mailbox& mailbox_;
  Account* account_;
  SnapshotEdit edit_;
  ModSeq modseq_;
};

/// Up to that many octets of prefix + body.
std::string first_octets(const Content& content, std::uint64_t most);
/// Reads prefix + body.
std::unique_ptr<BodyReader> make_reader(ContentPtr content);

}  // namespace postern::store::memory
