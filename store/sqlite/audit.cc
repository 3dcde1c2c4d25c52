// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/audit.h"

#include <fmt/format.h>

namespace postern::store::sqlite {

namespace {

/// Each row of the query (a number that says which) is one finding.
void collect(std::vector<std::string>& out, std::string_view what, Query query) {
  while (query.step()) out.push_back(fmt::format("{} {}", what, query.integer(0)));
}

}  // namespace

std::vector<std::string> audit(Database& db) {
  std::vector<std::string> out;
  collect(
      out, "counters differ in mailbox",
      db.query("SELECT id FROM mailbox WHERE messages!=(SELECT count(*) FROM message m WHERE m.id BETWEEN mailbox.id<<32 AND "
               "(mailbox.id<<32)+4294967295) OR bytes!=(SELECT coalesce(sum(size),0) FROM message m WHERE m.id BETWEEN "
               "mailbox.id<<32 AND (mailbox.id<<32)+4294967295) OR unseen!=(SELECT count(*) FROM message m WHERE m.id BETWEEN "
               "mailbox.id<<32 AND (mailbox.id<<32)+4294967295 AND flags&1=0) OR deleted!=(SELECT count(*) FROM message m WHERE "
               "m.id BETWEEN mailbox.id<<32 AND (mailbox.id<<32)+4294967295 AND flags&8!=0)"));
  collect(out, "UIDs or mod-sequences beyond the counters in mailbox",
          db.query("SELECT id FROM mailbox WHERE EXISTS (SELECT 1 FROM message m WHERE m.id BETWEEN mailbox.id<<32 AND "
                   "(mailbox.id<<32)+4294967295 AND ((m.id&4294967295)>=uidnext OR m.modseq>highest))"));
  collect(
      out, "quota counters differ for account",
      db.query(
          "SELECT id FROM account WHERE used_bytes!=(SELECT coalesce(sum(bytes),0) FROM mailbox b WHERE b.account=account.id) OR "
          "used_messages!=(SELECT coalesce(sum(messages),0) FROM mailbox b WHERE b.account=account.id)"));
  collect(out, "mailbox without account", db.query("SELECT id FROM mailbox WHERE account NOT IN (SELECT id FROM account)"));
  collect(out, "message without mailbox", db.query("SELECT id FROM message WHERE (id>>32) NOT IN (SELECT id FROM mailbox)"));
  collect(out, "message without cached structure", db.query("SELECT id FROM message WHERE id NOT IN (SELECT id FROM msgmeta)"));
  collect(out, "cached structure without message",
          db.query("SELECT id FROM msgmeta WHERE id NOT IN (SELECT id FROM message) AND id NOT IN (SELECT id FROM reap)"));
  collect(
      out, "reference count differs for body",
      db.query(
          "SELECT b.id FROM blob b LEFT JOIN (SELECT blob, count(*) AS n FROM (SELECT blob FROM message UNION ALL SELECT blob "
          "FROM reap UNION ALL SELECT blob FROM queue) GROUP BY blob) r ON r.blob=b.id WHERE b.refs!=coalesce(r.n,0)"));
  collect(out, "message without body", db.query("SELECT id FROM message WHERE blob NOT IN (SELECT id FROM blob)"));
  collect(out, "body without segment", db.query("SELECT id FROM blob WHERE seg NOT IN (SELECT id FROM segment)"));
  collect(out, "queued message without open recipient",
          db.query("SELECT id FROM queue WHERE id NOT IN (SELECT queue FROM queue_rcpt WHERE state!=2)"));
  collect(out, "recipient without queued message",
          db.query("SELECT id FROM queue_rcpt WHERE queue NOT IN (SELECT id FROM queue)"));
  return out;
}

}  // namespace postern::store::sqlite
