// SPDX-License-Identifier: Apache-2.0
// MailboxTrace: what somebody does to messages that are in mailboxes, for the trace. One event for each command, however many
// messages it touched: UIDs are sets. The story of a message follows them from the place where it was delivered
// (store/sqlite/trace_follow.h). Never waits, and does nothing without a book.
#pragma once

#include <string>
#include <utility>

#include "store/store.h"
#include "store/trace_book.h"

namespace postern::store {

/// What a story finds a mailbox's events by.
std::string trace_word(MailboxId mailbox);
/// Where a message is: "12:345".
std::string trace_place(MailboxId mailbox, Uid uid);

class MailboxTrace {
 public:
  struct Actor {
    std::string login;
    std::string protocol;  ///< "imap", "pop3"
    std::string client;    ///< address
  };
  struct Mailbox {
    MailboxId id = 0;
    std::string name{};  ///< empty: not known here
  };

  /// Notes nothing.
  MailboxTrace() = default;
  /// `book` may be null; it and the clock outlive the trace.
  MailboxTrace(TraceBook* book, const Clock& clock, Actor actor) : book_(book), clock_(&clock), actor_(std::move(actor)) {}

  void transferred(const Mailbox& from, const Mailbox& to, const Copied& copied, CopyMode mode) const;
  void expunged(const Mailbox& from, const UidSet& uids) const;
  /// Bodies of a mailbox of somebody else were read.
  void read(const Mailbox& mailbox, const UidSet& uids) const;
  /// The mailbox went, with all that was in it.
  void removed(const Mailbox& mailbox) const;

 private:
  TraceEvent begin(std::string kind, const Mailbox& from, const UidSet& uids) const;

  TraceBook* book_ = nullptr;
  const Clock* clock_ = nullptr;
  Actor actor_;
};

}  // namespace postern::store
