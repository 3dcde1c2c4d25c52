// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/sharing_writes.h"

#include <algorithm>

#include "base/ascii.h"
#include "store/keywords.h"
#include "store/mailbox_name.h"

namespace postern::store::sqlite {

namespace {

std::unexpected<Error> no_mailbox() { return fail(ErrorKind::not_found, "no such mailbox"); }
std::unexpected<Error> no_right() { return fail(ErrorKind::denied, "no right to do this with the mailbox"); }

/// Which bits of a row the account may change (RFC 4314 §4). Its own \Seen, where it has one, is not in the row.
std::uint64_t writable_flags(const Grant& grant, AccountId me) {
  std::uint64_t out = 0;
  if ((grant.rights & right::write) != 0) out |= ~(flag::seen | flag::deleted);
  if ((grant.rights & right::remove_message) != 0) out |= flag::deleted;
  if ((grant.rights & right::seen) != 0 && !(grant.seen_each && grant.owner != me)) out |= flag::seen;
  return out;
}

bool has_own_seen(const Grant& grant, AccountId me) { return grant.seen_each && grant.owner != me; }

void write_seen(Transaction& tx, Visit visit, const UidSet& seen) {
  tx.db().run("INSERT OR REPLACE INTO seen(account, mailbox, uidset) VALUES (?1,?2,?3)", visit.account, visit.mailbox,
              seen.to_string());
  tx.guests_changed(visit.mailbox);
}

UidSet united(UidSet a, const UidSet& b) {
  for (const auto& range : b.ranges()) a.add(range);
  return a;
}

/// Gives rows a new mod-sequence without another change.
void bump_rows(Transaction& tx, MailboxState& mailbox, const UidSet& uids) {
  const ModSeq modseq = tx.next_modseq(mailbox);
  for (const auto& range : uids.ranges()) {
    const auto lo = message_id(mailbox.id, range.lo);
    const auto hi = message_id(mailbox.id, std::min(range.hi, mailbox.uidnext - 1));
    tx.db().run("UPDATE message SET modseq=?3 WHERE id BETWEEN ?1 AND ?2", lo, hi, modseq);
    auto row = tx.db().query("SELECT id, size, flags FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id", lo, hi);
    while (row.step()) {
      const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(row.unsigned_integer(1), UINT32_MAX));
      tx.row_changed(mailbox, Row{uid_of(row.integer(0)), size, row.unsigned_integer(2), modseq});
    }
  }
}

UidSet rows_with_seen(Transaction& tx, MailboxId mailbox, const UidSet& uids) {
  UidSet out;
  for (const auto& range : uids.ranges()) {
    auto row = tx.db().query("SELECT id FROM message WHERE id BETWEEN ?1 AND ?2 AND flags&1 ORDER BY id",
                             message_id(mailbox, range.lo), message_id(mailbox, range.hi));
    while (row.step()) out.add(uid_of(row.integer(0)));
  }
  return out;
}

/// UIDs of copies whose originals are in `originals`.
UidSet counterparts(const Copied& copied, const UidSet& originals) {
  UidSet out;
  auto to = copied.to.ranges().begin();
  Uid next = to == copied.to.ranges().end() ? 0 : to->lo;
  for (const auto& range : copied.from.ranges()) {
    for (Uid uid = range.lo; uid <= range.hi; ++uid) {
      if (originals.contains(uid)) out.add(next);
      if (next != to->hi) {
        ++next;
      } else if (++to != copied.to.ranges().end()) {
        next = to->lo;
      } else {
        return out;
      }
    }
  }
  return out;
}

/// The mailbox of the owner's that a new name would lie below: the nearest one that exists; at a team, INBOX above all.
MailboxState* ancestor(Transaction& tx, const Place& place, bool foreign) {
  const auto parents = mailbox_parents(place.name);
  for (auto parent = parents.rbegin(); parent != parents.rend(); ++parent) {
    if (MailboxState* found = tx.find(place.owner, *parent)) return found;
  }
  return foreign ? tx.find(place.owner, "INBOX") : nullptr;
}

/// The name and those above it that are no mailboxes yet.
std::vector<std::string> missing_names(Transaction& tx, const Place& place) {
  auto names = mailbox_parents(place.name);
  names.push_back(place.name);
  std::erase_if(names, [&](const std::string& name) { return tx.find(place.owner, name) != nullptr; });
  return names;
}

/// New mailboxes are shared as the one above them (RFC 4314 §4 leaves it to the server).
void inherit(Transaction& tx, AccountId owner, const std::vector<std::string>& names, MailboxId from) {
  for (const auto& one : names) {
    const MailboxState* made = tx.find(owner, one);
    if (!made) continue;
    tx.db().run("INSERT INTO acl(mailbox, account, grp, rights) SELECT ?1, account, grp, rights FROM acl WHERE mailbox=?2",
                made->id, from);
    tx.db().run("UPDATE mailbox SET seen_each=(SELECT seen_each FROM mailbox WHERE id=?2) WHERE id=?1", made->id, from);
  }
}

Result<Place> existing_place(Transaction& tx, AccountId me, const std::string& name) {
  auto place = place_of(tx.db(), me, name);
  if (!place || !*place || (*place)->name.empty()) return no_mailbox();
  return std::move(**place);
}

/// Errors: denied, also when the account named does not exist: nothing tells.
Result<Place> new_place(Transaction& tx, AccountId me, const std::string& name) {
  auto place = place_of(tx.db(), me, name);
  if (!place) return std::unexpected(place.error());
  if (!*place || (*place)->name.empty()) return no_right();
  return std::move(**place);
}

}  // namespace

Result<MailboxInfo> create_as(Transaction& tx, AccountId me, const std::string& name, SpecialUse use) {
  const auto place = new_place(tx, me, name);
  if (!place) return std::unexpected(place.error());
  const bool foreign = place->owner != me;
  const MailboxState* above = ancestor(tx, *place, foreign);
  const MailboxId parent = above ? above->id : 0;
  if (foreign && (parent == 0 || !allow(tx.db(), {me, parent}, right::create))) return no_right();
  const auto names = missing_names(tx, *place);
  auto made = create_mailbox(tx, place->owner, place->name, use);
  if (!made) return made;
  if (parent != 0) inherit(tx, place->owner, names, parent);
  tx.announce(place->owner);
  if (foreign) made->name = name;
  return made;
}

Result<> remove_as(Transaction& tx, AccountId me, const std::string& name) {
  const auto place = existing_place(tx, me, name);
  if (!place) return std::unexpected(place.error());
  const MailboxState* mailbox = tx.find(place->owner, place->name);
  if (!mailbox) return no_mailbox();
  if (auto right = allow(tx.db(), {me, mailbox->id}, right::remove_mailbox); !right) return std::unexpected(right.error());
  tx.announce(place->owner);
  return remove_mailbox(tx, place->owner, place->name);
}

Result<> rename_as(Transaction& tx, AccountId me, const Renaming& names) {
  const auto from = existing_place(tx, me, names.from);
  if (!from) return std::unexpected(from.error());
  const MailboxState* mailbox = tx.find(from->owner, from->name);
  if (!mailbox) return no_mailbox();
  if (auto right = allow(tx.db(), {me, mailbox->id}, right::remove_mailbox); !right) return std::unexpected(right.error());
  const auto to = new_place(tx, me, names.to);
  if (!to) return std::unexpected(to.error());
  if (to->owner != from->owner) return no_right();
  if (from->owner != me) {
    // RFC 4314 §4: "k" on the new parent; the INBOX of another stays where it is.
    const MailboxState* above = ancestor(tx, *to, true);
    if (from->name == "INBOX" || !above || !allow(tx.db(), {me, above->id}, right::create)) return no_right();
  }
  tx.announce(from->owner);
  return rename_mailbox(tx, from->owner, from->name, to->name);
}

Result<FlagResult> store_flags_as(Transaction& tx, Visit visit, const UidSet& uids, FlagChange change) {
  const auto grant = allow_any(tx.db(), visit, right::seen | right::write | right::remove_message);
  if (!grant) return std::unexpected(grant.error());
  MailboxState& mailbox = *tx.mailbox(visit.mailbox);
  if (grant->owner == visit.account) return store_flags(tx, mailbox, uids, change);
  // RFC 4314 §4: what may not be changed stays as it is; when nothing of it may, the answer is NO.
  const std::uint64_t may = writable_flags(*grant, visit.account);
  const bool replace = change.mode == FlagChange::Mode::replace;
  const bool own_seen = has_own_seen(*grant, visit.account) && (grant->rights & right::seen) != 0;
  const bool any = replace || (change.system & (may | (own_seen ? flag::seen : 0))) != 0 ||
                   ((grant->rights & right::write) != 0 && !change.keywords.empty());
  if (!any && (change.system != 0 || !change.keywords.empty())) return no_right();
  if ((grant->rights & right::write) == 0) change.keywords.clear();
  auto out = store_flags(tx, mailbox, uids, change, may);
  if (!out || !own_seen || (!replace && (change.system & flag::seen) == 0)) return out;
  const bool set = change.mode != FlagChange::Mode::remove && (change.system & flag::seen) != 0;
  const UidSet before = read_seen(tx.db(), visit);
  const UidSet differs = set ? out->changed.minus(before) : out->changed.intersect(before);
  if (differs.empty()) return out;
  write_seen(tx, visit, set ? united(before, differs) : before.minus(differs));
  bump_rows(tx, mailbox, differs);
  out->modseq = mailbox.highest;
  return out;
}

Result<UidSet> expunge_as(Transaction& tx, Visit visit, const UidSet& uids, ExpungeMode mode) {
  const auto grant = allow(tx.db(), visit, right::expunge);
  if (!grant) return std::unexpected(grant.error());
  return expunge(tx, *tx.mailbox(visit.mailbox), uids, mode);
}

Result<Appended> append_as(Transaction& tx, Visit visit, std::vector<NewMessage>& messages, std::span<const NewBody> bodies) {
  const auto grant = allow(tx.db(), visit, right::insert);
  if (!grant) return std::unexpected(grant.error());
  MailboxState& mailbox = *tx.mailbox(visit.mailbox);
  if (grant->owner == visit.account) return append(tx, mailbox, messages, bodies);
  // RFC 4314 §4: flags that may not be set are left out.
  const std::uint64_t may = writable_flags(*grant, visit.account);
  const bool own_seen = has_own_seen(*grant, visit.account) && (grant->rights & right::seen) != 0;
  UidSet seen;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (own_seen && (messages[i].flags & flag::seen) != 0) seen.add(mailbox.uidnext + static_cast<Uid>(i));
    messages[i].flags &= may;
    messages[i].import.reset();
    if ((grant->rights & right::write) == 0) messages[i].keywords.clear();
  }
  auto out = append(tx, mailbox, messages, bodies);
  if (out && !seen.empty()) write_seen(tx, visit, united(read_seen(tx.db(), visit), seen));
  return out;
}

Result<CopyRights> allow_copy(Transaction& tx, Visit from, Visit to, CopyMode mode) {
  const Rights leave = mode == CopyMode::move ? right::remove_message | right::expunge : 0;
  const auto source = allow(tx.db(), from, right::read | leave);
  if (!source) return std::unexpected(source.error());
  const auto target = allow(tx.db(), to, right::insert);
  if (!target) return std::unexpected(target.error());
  return CopyRights{*source, *target};
}

Result<> settle_copies(Transaction& tx, const CopyRights& rights, Visit from, Visit to, const Copied& copied) {
  const bool from_own = has_own_seen(rights.from, from.account);
  const bool to_own = has_own_seen(rights.to, to.account);
  if (copied.to.empty() || (rights.to.owner == to.account && !from_own)) return {};
  MailboxState& target = *tx.mailbox(to.mailbox);
  UidSet seen;
  if ((rights.to.rights & right::seen) != 0) {
    seen = from_own ? counterparts(copied, read_seen(tx.db(), from)) : rows_with_seen(tx, to.mailbox, copied.to);
  }
  const UidSet& in_rows = to_own ? UidSet() : seen;
  FlagChange change{.mode = FlagChange::Mode::remove, .system = flag::seen, .keywords = {}, .unchanged_since = {}};
  if (auto done = store_flags(tx, target, copied.to.minus(in_rows), change); !done) return std::unexpected(done.error());
  change.mode = FlagChange::Mode::add;
  if (auto done = store_flags(tx, target, in_rows, change); !done) return std::unexpected(done.error());
  if (to_own && !seen.empty()) write_seen(tx, to, united(read_seen(tx.db(), to), seen));
  // The rest: what may not be set goes.
  change = {.mode = FlagChange::Mode::replace, .system = 0, .keywords = {}, .unchanged_since = {}};
  const std::uint64_t may = writable_flags(rights.to, to.account) | flag::seen;
  if (auto done = store_flags(tx, target, copied.to, change, ~may); !done) return std::unexpected(done.error());
  return {};
}

namespace {

std::string who_is(Database& db, AccountId account, const std::string& group) {
  if (account == 0) return group.empty() ? std::string(anyone) : std::string(group_prefix) + group;
  auto row = db.query("SELECT login FROM account WHERE id=?1", account);
  return row.step() ? std::string(row.text(0)) : std::string();
}

struct Who {
  AccountId account = 0;
  std::string group;
};

/// RFC 4314 §2: an identifier; one that begins with '-' would take rights away, which is not done here.
Result<Who> find_who(Database& db, AccountId owner, const std::string& who) {
  if (who == anyone) return Who{};
  if (who.starts_with(group_prefix)) {
    auto group = who.substr(group_prefix.size());
    if (!group.empty() && db.integer(0, "SELECT 1 FROM account_group WHERE name=?1", group) != 0) return Who{0, std::move(group)};
    return fail(ErrorKind::invalid, "there is no group " + group);
  }
  if (who.starts_with('-')) return fail(ErrorKind::invalid, "rights are given here, never taken away by an entry with '-'");
  std::string login = ascii::lower(who);
  if (login.find('@') == std::string::npos) login += "@" + domain_of(db, owner);
  const auto account = static_cast<AccountId>(db.integer(0, "SELECT id FROM account WHERE login=?1", login));
  if (account == 0) return fail(ErrorKind::invalid, "there is no account " + login);
  if (account == owner) return fail(ErrorKind::invalid, login + " owns the mailbox and has every right");
  return Who{account, {}};
}

}  // namespace

Result<std::vector<AclEntry>> read_acl(Database& db, Visit visit) {
  const auto grant = allow(db, visit, right::administer);
  if (!grant) return std::unexpected(grant.error());
  std::vector<AclEntry> out{{who_is(db, grant->owner, {}), right::all}};
  auto row = db.query("SELECT account, grp, rights FROM acl WHERE mailbox=?1 ORDER BY account, grp", visit.mailbox);
  while (row.step()) {
    auto who = who_is(db, static_cast<AccountId>(row.integer(0)), std::string(row.text(1)));
    if (!who.empty()) out.push_back({std::move(who), static_cast<Rights>(row.integer(2)) & right::all});
  }
  return out;
}

Result<> set_acl(Transaction& tx, Visit visit, const AclChange& change) {
  Database& db = tx.db();
  const auto grant = allow(db, visit, right::administer);
  if (!grant) return std::unexpected(grant.error());
  const auto who = find_who(db, grant->owner, change.who);
  if (!who) return std::unexpected(who.error());
  const auto before = static_cast<Rights>(db.integer(0, "SELECT rights FROM acl WHERE mailbox=?1 AND account=?2 AND grp=?3",
                                                     visit.mailbox, who->account, who->group));
  Rights after = change.rights & right::all;
  if (change.mode == AclChange::Mode::add) after |= before;
  if (change.mode == AclChange::Mode::remove) after = before & ~after;
  tx.guests_changed(visit.mailbox);
  tx.announce(grant->owner);
  tx.announce(who->account);
  if (after == 0) {
    db.run("DELETE FROM acl WHERE mailbox=?1 AND account=?2 AND grp=?3", visit.mailbox, who->account, who->group);
    return {};
  }
  if (before == 0 &&
      db.integer(0, "SELECT count(*) FROM acl WHERE mailbox=?1", visit.mailbox) >= static_cast<std::int64_t>(max_acl_entries)) {
    return fail(ErrorKind::limit, "the mailbox is shared with 1000 accounts and groups already");
  }
  db.run("INSERT OR REPLACE INTO acl(mailbox, account, grp, rights) VALUES (?1,?2,?3,?4)", visit.mailbox, who->account,
         who->group, after);
  return {};
}

Result<> set_seen_each(Transaction& tx, Visit visit, bool on) {
  const auto grant = allow(tx.db(), visit, right::administer);
  if (!grant) return std::unexpected(grant.error());
  if (grant->seen_each == on) return {};
  tx.db().run("UPDATE mailbox SET seen_each=?2 WHERE id=?1", visit.mailbox, on);
  tx.db().run("DELETE FROM seen WHERE mailbox=?1", visit.mailbox);
  // Every guest sees other flags now: all rows count as changed.
  bump_rows(tx, *tx.mailbox(visit.mailbox), UidSet::all());
  tx.guests_changed(visit.mailbox);
  return {};
}

Result<std::vector<Annotation>> read_annotations(Database& db, Visit visit) {
  if (visit.mailbox != 0) {
    // RFC 5464 §3.3: "l" and one of "r", "s", "w", "i", "p".
    auto grant = allow(db, visit, right::lookup);
    if (grant) grant = allow_any(db, visit, right::read | right::seen | right::write | right::insert | right::post);
    if (!grant) return std::unexpected(grant.error());
  }
  std::vector<Annotation> out;
  auto row = db.query("SELECT entry, value FROM metadata WHERE mailbox=?1 AND account IN (0, ?2) ORDER BY entry", visit.mailbox,
                      visit.account);
  while (row.step()) out.push_back({std::string(row.text(0)), std::string(row.text(1))});
  return out;
}

Result<> annotate(Transaction& tx, Visit visit, const std::vector<Annotation>& changes) {
  Database& db = tx.db();
  AccountId owner = 0;
  if (visit.mailbox != 0) {
    auto grant = allow(db, visit, right::lookup);
    if (grant) grant = allow_any(db, visit, right::read | right::seen | right::write | right::insert | right::post);
    if (!grant) return std::unexpected(grant.error());
    owner = grant->owner;
  }
  for (const auto& change : changes) {
    auto entry = canonical_entry(change.entry);
    if (!entry) return std::unexpected(entry.error());
    const bool shared = entry->starts_with("/shared/");
    if (shared && visit.mailbox == 0) return no_right();
    const AccountId whose = shared ? 0 : visit.account;
    if (!change.value) {
      db.run("DELETE FROM metadata WHERE mailbox=?1 AND account=?2 AND entry=?3", visit.mailbox, whose, *entry);
      continue;
    }
    if (change.value->size() > max_annotation_octets) return fail(ErrorKind::too_large, "the annotation is longer than 64 KiB");
    db.run("INSERT OR REPLACE INTO metadata(mailbox, account, entry, value) VALUES (?1,?2,?3,?4)", visit.mailbox, whose, *entry,
           Blob{*change.value});
    const auto have = db.integer(0, "SELECT count(*) FROM metadata WHERE mailbox=?1 AND account=?2", visit.mailbox, whose);
    if (have > static_cast<std::int64_t>(max_annotations)) return fail(ErrorKind::limit, "there are 100 annotations already");
  }
  tx.announce(visit.account);
  if (owner != 0) tx.announce(owner);
  return {};
}

void forget_sharing(Transaction& tx, MailboxId mailbox) {
  tx.db().run("DELETE FROM acl WHERE mailbox=?1", mailbox);
  tx.db().run("DELETE FROM seen WHERE mailbox=?1", mailbox);
  tx.db().run("DELETE FROM metadata WHERE mailbox=?1", mailbox);
  tx.guests_changed(mailbox);
}

void forget_guest(Transaction& tx, AccountId account) {
  tx.db().run("DELETE FROM acl WHERE account=?1", account);
  tx.db().run("DELETE FROM seen WHERE account=?1", account);
  tx.db().run("DELETE FROM metadata WHERE account=?1", account);
}

}  // namespace postern::store::sqlite
