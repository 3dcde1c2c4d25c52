// SPDX-License-Identifier: Apache-2.0
// What mail.db says about the bodies of an account, and how that compares with its text file. Plain functions.
#pragma once

#include <vector>

#include "store/ids.h"
#include "store/sqlite/database.h"
#include "store/sqlite/text_file.h"
#include "store/sqlite/text_maker.h"

namespace postern::store::sqlite {

struct MailboxEnd {
  MailboxId id = 0;
  Uid last = 0;  ///< highest UID given so far
};
std::vector<MailboxEnd> mailboxes_of(Database& db, AccountId account);
std::vector<AccountId> all_accounts(Database& db);

/// Adds the bodies of the mailbox's messages from this UID on.
void add_messages(Database& db, MailboxId mailbox, Uid from, std::vector<TextSource>& out);
/// Adds the bodies of expunged messages that can be brought back.
void add_expunged(Database& db, MailboxId mailbox, std::vector<TextSource>& out);

/// Each body once, ascending.
void sort_unique(std::vector<TextSource>& sources);
/// Those of the sorted bodies whose text no block has, in descending order.
std::vector<TextSource> without_text(const std::vector<TextSource>& sources, const TextView& view);
/// True when the sorted bodies have this one.
bool is_living(const std::vector<TextSource>& sources, const TextEntry& entry);

}  // namespace postern::store::sqlite
