// SPDX-License-Identifier: Apache-2.0
// Maildrop: the INBOX of one account as POP3 sees it: a fixed list of messages, some marked deleted, and the lock that keeps
// a second POP3 session out (RFC 1939 §4). Nothing is deleted before commit().
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "store/mailbox_trace.h"

namespace postern::pop3 {

/// Which maildrops are in use, and when those that have a login delay were opened last. One for the whole server; thread-safe.
class DropLocks {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Held while a session is in the transaction state; frees the maildrop when it goes, however the session ended.
  class Lock {
   public:
    Lock() = default;
    Lock(DropLocks& locks, store::AccountId account) : locks_(&locks), account_(account) {}
    Lock(Lock&& other) noexcept : locks_(std::exchange(other.locks_, nullptr)), account_(other.account_) {}
    Lock& operator=(Lock&& other) noexcept;
    ~Lock() { release(); }

   private:
    void release();
    DropLocks* locks_ = nullptr;
    store::AccountId account_ = 0;
  };
  /// Error conflict when another session has it.
  Result<Lock> take(store::AccountId account);

  /// RFC 2449 §6.5: how long the account has to wait until `delay` has passed since its last login; zero or less: not at all.
  std::chrono::seconds wait_of(store::AccountId account, std::chrono::seconds delay, Time now) const;
  /// The account logged in; call it for accounts with a delay only, so that no others take memory.
  void note_login(store::AccountId account, Time now);

 private:
  mutable std::mutex mutex_;
  std::set<store::AccountId> held_;
  std::map<store::AccountId, Time> last_logins_;
};

class Maildrop {
 public:
  static constexpr std::uint64_t read_ahead = 256 * 1024;  ///< octets in memory for one session
  struct Message {
    store::Uid uid = 0;
    std::uint64_t size = 0;
    std::size_t folder = 0;  ///< which of the account's folders that are shown
    bool deleted = false;
  };

  /// What becomes of messages that the client deletes.
  enum class Removal : bool { expunge, to_trash };

  /// What the account has chosen.
  struct Choice {
    Removal removal = Removal::expunge;
    std::string folders;  ///< "INBOX;Lists/Work": shown one behind the other; those that do not exist are left out; empty: INBOX
  };

  /// Takes the lock and the list. Errors: conflict (in use), or the store's.
  static async::Task<Result<std::unique_ptr<Maildrop>>> open(DropLocks& locks, std::unique_ptr<store::Session> session,
                                                             Choice choice);

  /// Is told what commit() removes.
  void trace_by(store::MailboxTrace trace) { trace_ = std::move(trace); }

  /// All messages, deleted ones too; message number n is at index n - 1.
  const std::vector<Message>& messages() const { return messages_; }
  /// The message of this number if it exists and is not marked deleted; null otherwise.
  Message* find(std::uint32_t number);
  std::size_t count() const;
  std::uint64_t octets() const;
  /// RFC 1939 §7: 1–70 octets, the same in every session. Made with the id of the mailbox, which only the store can make, so that
  /// nobody can guess or compare those of others; messages that had an id of the older form, UIDVALIDITY and UID, keep it.
  std::string unique_id(const Message& message) const;
  /// RSET: takes all marks back.
  void reset();
  async::Task<Result<std::unique_ptr<store::BodyReader>>> body(const Message& message);
  /// The first octets of the message, possibly none; body() has the rest. A client that takes one message after the other gets
  /// them from memory: some that follow are read with it, up to read_ahead octets. Good until the next call.
  async::Task<std::string_view> start_of(const Message& message);
  /// QUIT: expunges what is marked, or moves it to the Trash; durable when it returns.
  async::Task<Result<>> commit();

 private:
  /// One of the folders that are shown.
  struct Folder {
    store::MailboxId id = 0;
    std::string name;
    std::uint32_t uidvalidity = 0;
    std::string id_key;      ///< what its unique ids are made with
    store::Uid old_ids = 0;  ///< UIDs below have ids of the older form
  };

  Maildrop(DropLocks::Lock lock, std::unique_ptr<store::Session> session, Choice choice)
      : lock_(std::move(lock)), session_(std::move(session)), choice_(std::move(choice)) {}
  async::Task<Result<store::MailboxId>> trash();
  async::Task<Result<>> read_list();
  async::Task<Result<>> read_folder(const store::MailboxInfo& mailbox);
  async::Task<Result<>> read_large_sizes(std::size_t folder, store::UidSet uids);
  async::Task<Result<>> remove(const Folder& folder, store::UidSet uids);
  store::MailboxId mailbox_of(const Message& message) const { return folders_[message.folder].id; }

  DropLocks::Lock lock_;
  std::unique_ptr<store::Session> session_;
  const Choice choice_;
  std::vector<Folder> folders_;
  store::MailboxTrace trace_;
  store::ReadTexts ahead_;
  std::size_t ahead_folder_ = 0;  ///< where they are from
  const Message* last_asked_ = nullptr;
  std::vector<Message> messages_;
};

}  // namespace postern::pop3
