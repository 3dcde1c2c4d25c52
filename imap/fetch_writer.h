// SPDX-License-Identifier: Apache-2.0
// FetchWriter: the FETCH response of one message after the other, streamed: bodies never lie in memory whole.
#pragma once

#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "imap/fetch_item.h"
#include "imap/message.h"
#include "imap/part_reader.h"
#include "imap/session.h"

namespace postern::imap {

/// The octets of a section, before its partial; nothing when there is no such section.
async::Task<Result<std::optional<mime::Range>>> octets_of(const Section& section, Message& message);

class FetchWriter {
 public:
  FetchWriter(Session& session, const FetchRequest& request);

  /// Which parts of the index the items need; meta_none with needs_info() false when the snapshot is enough.
  store::MetaFields fields() const;
  bool needs_info() const;
  /// Octets from a message's start that the items will need; 0 when they need none.
  std::uint64_t octets() const;
  /// True when those octets are only needed of messages whose index entry lacks the fields for a list of messages.
  bool lists_only() const;
  /// Appends the response without suspending when what was loaded has all of it: the common case, and the fast one. False, with
  /// nothing appended, when write() is needed.
  bool write_at_once(std::size_t index, const Message::Loaded& loaded);
  /// Appends the response for the row at this index. An error means that nothing was appended. Throws ConnectionOver when the
  /// message breaks off inside of a literal.
  async::Task<Result<>> write(std::size_t index, const Message::Loaded& loaded);
  /// Responses for these UIDs show the flags even if they were not asked for (RFC 3501 §6.4.5).
  void show_flags_of(store::UidSet uids) { flags_changed_ = std::move(uids); }

 private:
  void begin(std::size_t index, const store::Row& row);
  bool item_at_once(const FetchItem& item, const store::Row& row, const Message::Loaded& loaded);
  bool index_item_at_once(FetchItem::Kind kind, const store::MessageInfo& info);
  bool section_at_once(const FetchItem& item, const store::StoredText& text);
  bool is_listed(const FetchItem& item) const;
  bool listed_at_once(const FetchItem& item, const store::MessageInfo& info);
  async::Task<Result<>> write_item(const FetchItem& item, Message& message);
  async::Task<Result<>> write_section(const FetchItem& item, Message& message);
  async::Task<Result<>> write_decoded(const FetchItem& item, Message& message);
  async::Task<Result<>> copy_decoded(const EncodedPart& part, Message& message, mime::Range wanted);
  async::Task<Result<>> write_fields(const FetchItem& item, Message& message, mime::Range range);
  async::Task<Result<>> write_range(const FetchItem& item, Message& message, mime::Range range);
  void write_flags(const store::Row& row);

  Session& session_;
  const FetchRequest& request_;
  store::UidSet flags_changed_;
  std::vector<const FetchItem*> listed_;  ///< HEADER.FIELDS of the message itself that names only fields which the index keeps
  bool streaming_ = false;                ///< some of this response has been sent
  std::uint64_t last_flags_ = 0;          ///< flags that last_text_ shows, for the common case of equal flags
  std::string last_text_;
};

}  // namespace postern::imap
