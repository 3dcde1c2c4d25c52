// SPDX-License-Identifier: Apache-2.0
// One stored message as FETCH and SEARCH read it: the index entry, the part tree with offsets moved behind the prefix, and the
// octets, each loaded when first needed. A message expunged elsewhere is still found through its body (design.md §7).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "mime/part.h"
#include "mime/section.h"
#include "store/particulars.h"
#include "store/store.h"

namespace postern::imap {

class Message {
 public:
  /// What was loaded for many messages at once; each may be null: not asked for, or not there (any more).
  struct Loaded {
    const store::MessageInfo* info = nullptr;
    const store::StoredText* text = nullptr;
    const store::Particulars* particulars = nullptr;
  };
  Message(store::Session& store, store::MailboxId mailbox, store::Uid uid, const Loaded& loaded);

  /// IMAP text, from the index or computed anew. Good as long as the Message.
  async::Task<Result<std::string_view>> envelope();
  async::Task<Result<std::string_view>> body_structure();
  /// The part tree; offsets count from the first octet of the prefix.
  async::Task<Result<const mime::PartTree*>> tree();
  async::Task<Result<std::uint64_t>> size();
  /// Octets of the message's own header with its empty line; the first octets usually tell, without the tree.
  async::Task<Result<std::uint64_t>> header_size();
  /// Up to `most` octets at the offset, at least one; error corrupt when there are none. Good until the next call.
  async::Task<Result<std::string_view>> read(std::uint64_t offset, std::size_t most);
  /// Octets of a range, at most `most` of them.
  async::Task<Result<std::string>> read_all(mime::Range range, std::size_t most);

 private:
  async::Task<Result<>> open();
  async::Task<Result<>> parse();

  store::Session& store_;
  store::MailboxId mailbox_;
  store::Uid uid_;
  const store::MessageInfo* info_;
  const store::StoredText* text_;
  std::string body_structure_;  ///< when computed anew
  std::unique_ptr<store::BodyReader> reader_;
  std::optional<mime::PartTree> tree_;
  std::string head_;  ///< the first octets, kept once header_size() has read them
};

}  // namespace postern::imap
