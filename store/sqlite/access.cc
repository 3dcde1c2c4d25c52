// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/access.h"

#include <charconv>

#include "store/account_text.h"
#include "store/mailbox_name.h"

namespace postern::store::sqlite {

namespace {

std::unexpected<Error> no_mailbox() { return fail(ErrorKind::not_found, "no such mailbox"); }

/// The rights of all entries that speak of the account, together.
Rights granted(Database& db, Visit visit) {
  Rights out = 0;
  auto row = db.query(
      "SELECT rights FROM acl WHERE mailbox=?1 AND (account=?2 OR (account=0 AND (grp='' OR grp IN "
      "(SELECT name FROM group_member WHERE account=?2))))",
      visit.mailbox, visit.account);
  while (row.step()) out |= static_cast<Rights>(row.integer(0));
  return out & right::all;
}

bool is_team(Database& db, AccountId account) {
  auto row = db.query("SELECT settings FROM account WHERE id=?1", account);
  if (!row.step()) return false;
  const auto settings = parse_settings(row.text(0));
  const auto found = settings.find(std::string(team_setting));
  return found != settings.end() && found->second == "on";
}

Uid number_at(std::string_view text, std::size_t& at) {
  Uid out = 0;
  const auto* const end = std::from_chars(text.data() + at, text.data() + text.size(), out).ptr;
  at = static_cast<std::size_t>(end - text.data());
  return out;
}

}  // namespace

Grant grant_of(Database& db, Visit visit) {
  Grant out;
  {
    auto row = db.query("SELECT account, seen_each FROM mailbox WHERE id=?1", visit.mailbox);
    if (!row.step()) return out;
    out.owner = static_cast<AccountId>(row.integer(0));
    out.seen_each = row.integer(1) != 0;
  }
  out.rights = out.owner == visit.account ? right::all : out.owner == 0 ? 0 : granted(db, visit);
  return out;
}

Result<Grant> allow(Database& db, Visit visit, Rights needed) {
  const Grant grant = grant_of(db, visit);
  if (grant.rights == 0) return no_mailbox();
  if ((grant.rights & needed) != needed) return fail(ErrorKind::denied, "no right to do this with the mailbox");
  return grant;
}

Result<Grant> allow_any(Database& db, Visit visit, Rights wanted) {
  const Grant grant = grant_of(db, visit);
  if (grant.rights == 0) return no_mailbox();
  if ((grant.rights & wanted) == 0) return fail(ErrorKind::denied, "no right to do this with the mailbox");
  return grant;
}

std::string domain_of(Database& db, AccountId account) {
  auto row = db.query("SELECT domain FROM account WHERE id=?1", account);
  return row.step() ? std::string(row.text(0)) : std::string();
}

Result<std::optional<Place>> place_of(Database& db, AccountId me, const std::string& name) {
  const auto top = std::string_view(name).substr(0, name.find(hierarchy_separator));
  const bool foreign = (top == other_users || top == shared_space) &&
                       db.integer(0, "SELECT 1 FROM mailbox WHERE account=?1 AND name=?2", me, top) == 0;
  if (!foreign) {
    auto canonical = canonical_mailbox(name);
    if (!canonical) return std::unexpected(canonical.error());
    return std::optional(Place{me, std::move(*canonical)});
  }
  const auto parsed = parse_foreign(name, domain_of(db, me));
  if (parsed->login.empty()) return std::optional(Place{});
  const auto owner = static_cast<AccountId>(db.integer(0, "SELECT id FROM account WHERE login=?1", parsed->login));
  if (owner == 0 || owner == me || is_team(db, owner) != parsed->team) return std::optional<Place>();
  if (parsed->mailbox.empty()) return std::optional(Place{owner, {}});
  auto canonical = canonical_mailbox(parsed->mailbox);
  if (!canonical) return std::unexpected(canonical.error());
  return std::optional(Place{owner, std::move(*canonical)});
}

std::string name_for(Database& db, const std::string& my_domain, const Place& place) {
  std::string login;
  {
    auto row = db.query("SELECT login FROM account WHERE id=?1", place.owner);
    if (row.step()) login = row.text(0);
  }
  return foreign_name({is_team(db, place.owner), std::move(login), place.name}, my_domain);
}

std::vector<MailboxId> granted_mailboxes(Database& db, AccountId me) {
  std::vector<MailboxId> out;
  auto row = db.query(
      "SELECT a.mailbox FROM acl a JOIN mailbox m ON m.id=a.mailbox WHERE m.account!=?1 AND a.account=?1 UNION "
      "SELECT a.mailbox FROM acl a JOIN mailbox m ON m.id=a.mailbox WHERE m.account!=?1 AND a.account=0 AND (a.grp='' OR a.grp "
      "IN "
      "(SELECT name FROM group_member WHERE account=?1))",
      me);
  while (row.step()) out.push_back(static_cast<MailboxId>(row.integer(0)));
  return out;
}

// The text is UidSet::to_string()'s.
UidSet read_seen(Database& db, Visit visit) {
  UidSet out;
  auto row = db.query("SELECT uidset FROM seen WHERE account=?1 AND mailbox=?2", visit.account, visit.mailbox);
  if (!row.step()) return out;
  const std::string_view text = row.text(0);
  for (std::size_t at = 0; at < text.size(); ++at) {
    UidRange range;
    range.lo = range.hi = number_at(text, at);
    if (at < text.size() && text[at] == ':') range.hi = number_at(text, ++at);
    if (range.lo == 0 || range.hi < range.lo) break;
    out.add(range);
  }
  return out;
}

}  // namespace postern::store::sqlite
