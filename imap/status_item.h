// SPDX-License-Identifier: Apache-2.0
// The items of STATUS, used by STATUS and by LIST … RETURN (STATUS …).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
  size,
  highest_modseq,
  append_limit
};

/// "(" status-att *(SP status-att) ")". Faults go to the parser.
std::vector<StatusItem> parse_status_items(Parser& in);
/// "* STATUS "INBOX" (MESSAGES 3 …)" with CRLF. `append_limit` in octets.
void append_status(std::string& out, const store::MailboxInfo& info, const std::vector<StatusItem>& items,
                   std::uint64_t append_limit);

}  // namespace postern::imap
