// SPDX-License-Identifier: Apache-2.0
// Maildrop: the INBOX of one account as POP3 sees it: a fixed list of messages, some marked deleted, and the lock that keeps
// a second POP3 session out (RFC 1939 §4). Nothing is deleted before commit().
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "store/mailbox_trace.h"

namespace postern::pop3 {

/// Which maildrops are in use. One for the whole server; thread-safe.
class DropLocks {
 public:
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

 private:
  std::mutex mutex_;
  std::set<store::AccountId> held_;
};

class Maildrop {
 public:
  static constexpr std::uint64_t read_ahead = 256 * 1024;  ///< octets in memory for one session
  struct Message {
    store::Uid uid = 0;
    std::uint64_t size = 0;
    bool deleted = false;
  };

  /// What becomes of messages that the client deletes.
  enum class Removal : bool { expunge, to_trash };

  /// Takes the lock and the list. Errors: conflict (in use), or the store's.
  static async::Task<Result<std::unique_ptr<Maildrop>>> open(DropLocks& locks, std::unique_ptr<store::Session> session,
                                                             Removal removal);

  /// Is told what commit() removes.
  void trace_by(store::MailboxTrace trace) { trace_ = std::move(trace); }

  /// All messages, deleted ones too; message number n is at index n - 1.
  const std::vector<Message>& messages() const { return messages_; }
  /// The message of this number if it exists and is not marked deleted; null otherwise.
  Message* find(std::uint32_t number);
  std::size_t count() const;
  std::uint64_t octets() const;
  /// RFC 1939 §7: 1–70 octets, the same in every session: UIDVALIDITY and UID of the message.
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
  Maildrop(DropLocks::Lock lock, std::unique_ptr<store::Session> session, Removal removal)
      : lock_(std::move(lock)), session_(std::move(session)), removal_(removal) {}
  async::Task<Result<store::MailboxId>> trash();
  async::Task<Result<>> read_list();
  async::Task<Result<>> read_large_sizes(store::UidSet uids);

  DropLocks::Lock lock_;
  std::unique_ptr<store::Session> session_;
  const Removal removal_;
  store::MailboxId mailbox_ = 0;
  store::MailboxTrace trace_;
  store::ReadTexts ahead_;
  store::Uid last_asked_ = 0;
  std::uint32_t uidvalidity_ = 0;
  std::vector<Message> messages_;
};

}  // namespace postern::pop3
