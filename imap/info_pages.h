// SPDX-License-Identifier: Apache-2.0
// InfoPages: the index entries of many rows of the view, a page at a time, with the first octets of the messages where they are
// wanted. For commands that look at every message of a result. Other sessions get their turns between pages.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "async/task.h"
#include "imap/envelope.h"
#include "imap/message.h"
#include "imap/read_ahead.h"
#include "imap/session.h"

namespace postern::imap {

class InfoPages {
 public:
  /// What is read of each message.
  struct Wanted {
    store::MetaFields fields = store::meta_none;
    std::uint64_t octets = 0;  ///< from the message's start; 0: none
    bool lists_only = false;   ///< those octets only where the entry lacks the fields for a list of messages
  };
  /// One row; `info` is null when the message is gone.
  struct Entry {
    std::size_t index = 0;
    const store::MessageInfo* info = nullptr;
  };

  /// `rows` must outlive this.
  InfoPages(Session& session, std::span<const std::size_t> rows, Wanted wanted);

  /// Loads the next page; false at the end. Errors: of the store, or closed when the client went away.
  async::Task<Result<bool>> next();
  const std::vector<Entry>& page() const { return page_; }
  /// Reads the entries of the page behind this one, for next(), which then takes no time. Meanwhile this page may be used.
  async::Task<> read_on();
  /// The message of an entry of this page, with what was read of it; entries must be asked for in order.
  async::Task<Message> message(const Entry& entry);

 private:
  /// The rows that follow, and their UIDs.
  std::span<const std::size_t> rows_ahead() const;
  store::UidSet uids(std::span<const std::size_t> rows) const;

  Session& session_;
  std::span<const std::size_t> rows_;
  Wanted wanted_;
  ReadAhead texts_;
  std::size_t next_ = 0;
  std::vector<store::MessageInfo> infos_;
  std::optional<Result<std::vector<store::MessageInfo>>> ahead_;  ///< of rows_ahead(), by read_on()
  std::vector<Entry> page_;
};

/// Those of the page whose index entry, read with its parts, lacks the fields for a list of messages: stored by an older version.
store::UidSet without_listed(const store::UidSet& page, std::span<const store::MessageInfo> infos);

/// The envelope of a message, from the index or computed anew; good as long as the message.
async::Task<Result<Envelope>> envelope_of(Message& message);

}  // namespace postern::imap
