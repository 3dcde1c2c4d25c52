// SPDX-License-Identifier: Apache-2.0
// Box: one account's mailboxes as import and export need them. The command line, which reads and writes files with the rights of
// whoever called it, never opens the store: it has a RemoteBox, at whose other end a server (the running one, or a process of
// its own with the rights of the server's user) serves a StoreBox.
#pragma once

#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "store/store.h"

namespace postern::transfer {

template <class T = void>
using Task = async::Task<T>;

struct BoxFolder {
  store::MailboxId id = 0;
  std::string name;
  store::SpecialUse use = store::SpecialUse::none;
  std::uint32_t uidvalidity = 0;
  store::Uid uidnext = 1;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> keywords;  ///< given by make() alone; "" for a free one
};

/// One message of a listing.
struct BoxRow {
  store::Uid uid = 0;
  std::uint64_t flags = 0;
};
/// A mailbox at one moment.
struct Listing {
  std::vector<std::string> keywords;  ///< name of flag bit 8 + index; "" for a free bit
  std::vector<BoxRow> rows;           ///< ascending by UID
};

/// Takes messages of Box::read(), one after the other. An error ends the reading.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  struct Head {
    store::Uid uid = 0;
    UnixTime internal_date = 0;
    std::uint64_t size = 0;  ///< octets that take() will give
  };
  virtual Task<Result<>> begin(Head head) = 0;
  /// The view is good until it returns.
  virtual Task<Result<>> take(std::string_view bytes) = 0;
  virtual Task<Result<>> end() = 0;
  /// Instead of a message that is there and cannot be read.
  virtual Task<Result<>> lost(store::Uid uid, std::string why) = 0;
};

/// Most UIDs of one read(), messages of one append and keys of one question.
inline constexpr std::size_t max_read_uids = 500;
inline constexpr std::size_t max_append = 500;
inline constexpr std::size_t max_keys = 1'000;

class Box {
 public:
  virtual ~Box() = default;
  /// The account's login.
  virtual Task<Result<std::string>> login() = 0;
  virtual Task<Result<std::vector<BoxFolder>>> folders() = 0;
  virtual Task<Result<std::vector<std::string>>> subscriptions() = 0;
  virtual Task<Result<store::Quota>> quota() = 0;
  /// Makes the mailbox with its parents, or finds it.
  virtual Task<Result<BoxFolder>> make(std::string name) = 0;
  virtual Task<Result<>> subscribe(std::string name) = 0;
  /// Which of the import keys the journal has.
  virtual Task<Result<std::vector<bool>>> known(std::vector<std::string> keys) = 0;
  /// Where the octets of a message for append() are collected.
  virtual std::unique_ptr<store::Spool> spool() = 0;
  /// Hands messages over; while they are stored, the next ones can be prepared. One batch at a time: outcome() comes before the
  /// next append() or any other call.
  virtual Task<Result<>> append(store::MailboxId mailbox, std::vector<store::NewMessage> messages) = 0;
  /// How many messages of the batch were new; all of them are durable then.
  virtual Task<Result<std::uint64_t>> outcome() = 0;
  virtual Task<Result<Listing>> listing(store::MailboxId mailbox) = 0;
  /// UIDs that do not exist any more are left out. The sink's error is given back.
  virtual Task<Result<>> read(store::MailboxId mailbox, std::vector<store::Uid> uids, MessageSink& sink) = 0;
};

}  // namespace postern::transfer
