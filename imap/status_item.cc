// SPDX-License-Identifier: Apache-2.0
// Names and values of STATUS items in one table.
#include "imap/status_item.h"

namespace postern::imap {
namespace {

// RFC 3501 §6.3.10; SIZE RFC 8438; DELETED RFC 9051 §6.3.11; HIGHESTMODSEQ RFC 7162 §3.1.7; APPENDLIMIT RFC 7889 §4
constexpr std::pair<StatusItem, std::string_view> names[] = {{StatusItem::messages, "MESSAGES"},
                                                             {StatusItem::recent, "RECENT"},
                                                             {StatusItem::uid_next, "UIDNEXT"},
                                                             {StatusItem::uid_validity, "UIDVALIDITY"},
                                                             {StatusItem::unseen, "UNSEEN"},
                                                             {StatusItem::deleted, "DELETED"},
                                                             {StatusItem::size, "SIZE"},
                                                             {StatusItem::highest_modseq, "HIGHESTMODSEQ"},
                                                             {StatusItem::append_limit, "APPENDLIMIT"}};

std::uint64_t value_of(const store::MailboxInfo& info, StatusItem item, std::uint64_t append_limit) {
  switch (item) {
    case StatusItem::messages: return info.messages;
    case StatusItem::recent: return info.recent;
    case StatusItem::uid_next: return info.uidnext;
    case StatusItem::uid_validity: return info.uidvalidity;
    case StatusItem::unseen: return info.unseen;
    case StatusItem::deleted: return info.deleted;
    case StatusItem::size: return info.bytes;
    case StatusItem::highest_modseq: return info.highest;
    case StatusItem::append_limit: return append_limit;
  }
  return 0;
}

}  // namespace

std::vector<StatusItem> parse_status_items(Parser& in) {
  std::vector<StatusItem> items;
  in.expect('(');
  do {
    const auto before = items.size();
    for (const auto& [item, name] : names) {
      if (!in.take_keyword(name)) continue;
      if (std::ranges::find(items, item) == items.end()) items.push_back(item);
      break;
    }
    if (items.size() == before) in.fail("Unknown or repeated status item");
  } while (in.take(' '));
  in.expect(')');
  return items;
}

void append_status(std::string& out, const store::MailboxInfo& info, const std::vector<StatusItem>& items,
                   std::uint64_t append_limit) {
  out.append("* STATUS ");
  append_mailbox(out, info.name);
  char before = '(';
  out += ' ';
  for (const auto item : items) {
    out += before;
    before = ' ';
    out.append(std::ranges::find(names, item, &std::pair<StatusItem, std::string_view>::first)->second).append(" ");
    append_number(out, value_of(info, item, append_limit));
  }
  out.append(")\r\n");
}

}  // namespace postern::imap
