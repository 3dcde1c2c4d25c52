// SPDX-License-Identifier: Apache-2.0
// Names and values of STATUS items in one table.
#include "imap/status_item.h"

namespace postern::imap {
namespace {

// RFC 3501 §6.3.10; SIZE RFC 8438; DELETED RFC 9051 §6.3.11; DELETED-STORAGE RFC 9208 §4.1.4; HIGHESTMODSEQ RFC 7162 §3.1.7;
// APPENDLIMIT RFC 7889 §4; MAILBOXID RFC 8474 §4.3
constexpr std::pair<StatusItem, std::string_view> names[] = {{StatusItem::messages, "MESSAGES"},
                                                             {StatusItem::recent, "RECENT"},
                                                             {StatusItem::uid_next, "UIDNEXT"},
                                                             {StatusItem::uid_validity, "UIDVALIDITY"},
                                                             {StatusItem::unseen, "UNSEEN"},
                                                             {StatusItem::deleted, "DELETED"},
                                                             {StatusItem::deleted_storage, "DELETED-STORAGE"},
                                                             {StatusItem::size, "SIZE"},
                                                             {StatusItem::highest_modseq, "HIGHESTMODSEQ"},
                                                             {StatusItem::append_limit, "APPENDLIMIT"},
                                                             {StatusItem::mailbox_id, "MAILBOXID"}};

std::uint64_t value_of(const store::MailboxInfo& info, StatusItem item, const StatusExtras& extras) {
  switch (item) {
    case StatusItem::messages: return info.messages;
    case StatusItem::recent: return info.recent;
    case StatusItem::uid_next: return info.uidnext;
    case StatusItem::uid_validity: return info.uidvalidity;
    case StatusItem::unseen: return info.unseen;
    case StatusItem::deleted: return info.deleted;
    case StatusItem::size: return info.bytes;
    case StatusItem::highest_modseq: return info.highest;
    case StatusItem::append_limit: return extras.append_limit;
    case StatusItem::deleted_storage: return extras.deleted_storage;
    case StatusItem::mailbox_id: break;  // no number
  }
  return 0;
}

}  // namespace

bool contains(const StatusItems& items, StatusItem item) { return std::ranges::find(items, item) != items.end(); }

StatusItems parse_status_items(Parser& in) {
  StatusItems items;
  in.expect('(');
  do {
    const auto before = items.size();
    for (const auto& [item, name] : names) {
      if (!in.take_keyword(name)) continue;
      if (!contains(items, item)) items.push_back(item);
      break;
    }
    if (items.size() == before) in.fail("Unknown or repeated status item");
  } while (in.take(' '));
  in.expect(')');
  return items;
}

// RFC 9208 §4.1.4: the snapshot has the flags and, for messages below 4 GiB, the sizes.
async::Task<Result<StatusExtras>> status_extras(store::Session& store, const store::MailboxInfo& info, const StatusItems& items,
                                                StatusExtras extras) {
  if (contains(items, StatusItem::mailbox_id)) {
    auto id = co_await store.object_id(info.id);
    if (!id) co_return std::unexpected(id.error());
    extras.mailbox_id = *std::move(id);
  }
  if (info.deleted == 0 || !contains(items, StatusItem::deleted_storage)) co_return extras;
  const auto watch = co_await store.open(info.id);
  if (!watch) co_return std::unexpected(watch.error());
  const auto snapshot = (*watch)->latest();
  if (!snapshot) co_return fail(ErrorKind::not_found, "deleted meanwhile");
  for (const auto& chunk : snapshot->chunks()) {
    for (const auto& row : *chunk) extras.deleted_storage += (row.flags & store::flag::deleted) != 0 ? row.size_hint : 0;
  }
  co_return extras;
}

void append_status(std::string& out, const store::MailboxInfo& info, const StatusItems& items, const StatusExtras& extras) {
  out.append("* STATUS ");
  append_mailbox(out, info.name, extras.names);
  char before = '(';
  out += ' ';
  for (const auto item : items) {
    out += before;
    before = ' ';
    out.append(std::ranges::find(names, item, &std::pair<StatusItem, std::string_view>::first)->second).append(" ");
    if (item == StatusItem::mailbox_id) {
      out.append("(").append(extras.mailbox_id).append(")");
    } else {
      append_number(out, value_of(info, item, extras));
    }
  }
  out.append(")\r\n");
}

}  // namespace postern::imap
