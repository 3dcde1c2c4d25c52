// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/text_rows.h"

#include <algorithm>

#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

std::vector<MailboxEnd> mailboxes_of(Database& db, AccountId account) {
  std::vector<MailboxEnd> out;
  auto row = db.query("SELECT id, uidnext FROM mailbox WHERE account=?1", account);
  while (row.step()) out.push_back({static_cast<MailboxId>(row.integer(0)), static_cast<Uid>(row.integer(1) - 1)});
  return out;
}

std::vector<AccountId> all_accounts(Database& db) {
  std::vector<AccountId> out;
  auto row = db.query("SELECT id FROM account ORDER BY id");
  while (row.step()) out.push_back(static_cast<AccountId>(row.integer(0)));
  return out;
}

void add_messages(Database& db, MailboxId mailbox, Uid from, std::vector<TextSource>& out) {
  auto row = db.query("SELECT m.blob, b.sum, m.id FROM message m JOIN blob b ON b.id=m.blob WHERE m.id BETWEEN ?1 AND ?2",
                      message_id(mailbox, from), message_id(mailbox, UINT32_MAX));
  while (row.step()) out.push_back({row.unsigned_integer(0), row.unsigned_integer(1), row.integer(2)});
}

void add_expunged(Database& db, MailboxId mailbox, std::vector<TextSource>& out) {
  auto row = db.query("SELECT r.blob, b.sum, r.id FROM reap r JOIN blob b ON b.id=r.blob WHERE r.id BETWEEN ?1 AND ?2",
                      message_id(mailbox, 0), message_id(mailbox, UINT32_MAX));
  while (row.step()) out.push_back({row.unsigned_integer(0), row.unsigned_integer(1), row.integer(2)});
}

void sort_unique(std::vector<TextSource>& sources) {
  std::ranges::sort(sources, {}, [](const TextSource& one) { return std::pair(one.blob, one.message); });
  const auto rest = std::ranges::unique(sources, {}, &TextSource::blob);
  sources.erase(rest.begin(), rest.end());
}

std::vector<TextSource> without_text(const std::vector<TextSource>& sources, const TextView& view) {
  std::vector<bool> has(sources.size());
  for (const TextBlockPtr& block : view.blocks) {
    auto source = std::ranges::lower_bound(sources, block->entries.front().blob, {}, &TextSource::blob);
    for (const TextEntry& entry : block->entries) {
      while (source != sources.end() && source->blob < entry.blob) ++source;
      if (source == sources.end()) break;
      if (source->blob == entry.blob && source->checksum == entry.checksum) {
        has[static_cast<std::size_t>(source - sources.begin())] = true;
      }
    }
  }
  std::vector<TextSource> out;
  for (std::size_t i = sources.size(); i-- > 0;) {
    if (!has[i]) out.push_back(sources[i]);
  }
  return out;
}

bool is_living(const std::vector<TextSource>& sources, const TextEntry& entry) {
  const auto source = std::ranges::lower_bound(sources, entry.blob, {}, &TextSource::blob);
  return source != sources.end() && source->blob == entry.blob && source->checksum == entry.checksum;
}

}  // namespace postern::store::sqlite
