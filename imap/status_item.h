// SPDX-License-Identifier: Apache-2.0
// The items of STATUS, used by STATUS and by LIST … RETURN (STATUS …).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "imap/grammar.h"
#include "store/store.h"

namespace postern::imap {

enum class StatusItem : std::uint8_t {
  messages,
  recent,
  uid_next,
  uid_validity,
  unseen,
  deleted,
  deleted_storage,
  size,
  highest_modseq,
  append_limit,
  mailbox_id
};
using StatusItems = std::vector<StatusItem>;
bool contains(const StatusItems& items, StatusItem item);

/// "(" status-att *(SP status-att) ")". Faults go to the parser.
StatusItems parse_status_items(Parser& in);
/// What MailboxInfo does not have.
struct StatusExtras {
  NameForm names = NameForm::utf7;
  std::uint64_t append_limit = 0;     ///< octets
  std::uint64_t deleted_storage = 0;  ///< octets of messages that carry \Deleted
  std::string mailbox_id;
};
/// Finds deleted_storage and mailbox_id when they are asked for; `extras` has the rest.
async::Task<Result<StatusExtras>> status_extras(store::Session& store, const store::MailboxInfo& info, const StatusItems& items,
                                                StatusExtras extras);
/// "* STATUS "INBOX" (MESSAGES 3 …)" with CRLF.
void append_status(std::string& out, const store::MailboxInfo& info, const StatusItems& items, const StatusExtras& extras);

}  // namespace postern::imap
