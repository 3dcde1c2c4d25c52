// SPDX-License-Identifier: Apache-2.0
#include "store/memory/sharing.h"

#include <algorithm>

#include "base/ascii.h"
#include "store/account_text.h"
#include "store/mailbox_name.h"

namespace postern::store::memory {

namespace {

std::unexpected<Error> no_mailbox() { return fail(ErrorKind::not_found, "no such mailbox"); }
std::unexpected<Error> no_right() { return fail(ErrorKind::denied, "no right to do this with the mailbox"); }

bool is_team(const Account& account) {
  const auto found = account.row.settings.find(std::string(team_setting));
  return found != account.row.settings.end() && found->second == "on";
}

bool speaks_of(const State& state, const AclRow& row, AccountId me) {
  if (row.account != 0) return row.account == me;
  if (row.group.empty()) return true;
  const auto group = state.groups.find(row.group);
  return group != state.groups.end() && std::ranges::find(group->second.members, me) != group->second.members.end();
}

std::string domain_of(const State& state, AccountId account) {
  const auto found = state.accounts.find(account);
  return found == state.accounts.end() ? std::string() : std::string(domain_of_login(found->second.row.login));
}

std::string who_is(const State& state, const AclRow& row) {
  if (row.account == 0) return row.group.empty() ? std::string(anyone) : std::string(group_prefix) + row.group;
  const auto found = state.accounts.find(row.account);
  return found == state.accounts.end() ? std::string() : found->second.row.login;
}

AccountId account_of_login(const State& state, std::string_view login) {
  for (const auto& [id, account] : state.accounts) {
    if (account.row.login == login) return id;
  }
  return 0;
}

Result<AclRow> find_who(const State& state, AccountId owner, const std::string& who) {
  if (who == anyone) return AclRow{};
  if (who.starts_with(group_prefix)) {
    auto group = who.substr(group_prefix.size());
    if (!group.empty() && state.groups.contains(group)) return AclRow{0, std::move(group)};
    return fail(ErrorKind::invalid, "there is no group " + group);
  }
  if (who.starts_with('-')) return fail(ErrorKind::invalid, "rights are given here, never taken away by an entry with '-'");
  std::string login = ascii::lower(who);
  if (login.find('@') == std::string::npos) login += "@" + domain_of(state, owner);
  const auto account = account_of_login(state, login);
  if (account == 0) return fail(ErrorKind::invalid, "there is no account " + login);
  if (account == owner) return fail(ErrorKind::invalid, login + " owns the mailbox and has every right");
  return AclRow{account, {}};
}

}  // namespace

Grant grant_of(const State& state, AccountId me, const Mailbox& mailbox) {
  Grant out{mailbox.account, 0, mailbox.seen_each};
  if (mailbox.account == me) {
    out.rights = right::all;
    return out;
  }
  for (const AclRow& row : mailbox.acl) {
    if (speaks_of(state, row, me)) out.rights |= row.rights;
  }
  return out;
}

Result<Mailbox*> allow(State& state, Visit visit, Rights needed) {
  const auto found = state.mailboxes.find(visit.mailbox);
  if (found == state.mailboxes.end()) return no_mailbox();
  const Grant grant = grant_of(state, visit.account, found->second);
  if (grant.rights == 0) return no_mailbox();
  if ((grant.rights & needed) != needed) return no_right();
  return &found->second;
}

Result<std::optional<Place>> place_of(State& state, AccountId me, const std::string& name) {
  const auto top = std::string_view(name).substr(0, name.find(hierarchy_separator));
  const bool foreign = (top == other_users || top == shared_space) && state.find(me, top) == nullptr;
  if (!foreign) {
    auto canonical = canonical_mailbox(name);
    if (!canonical) return std::unexpected(canonical.error());
    return std::optional(Place{me, std::move(*canonical)});
  }
  const auto parsed = parse_foreign(name, domain_of(state, me));
  if (parsed->login.empty()) return std::optional(Place{});
  const auto owner = account_of_login(state, parsed->login);
  if (owner == 0 || owner == me || is_team(state.accounts.at(owner)) != parsed->team) return std::optional<Place>();
  if (parsed->mailbox.empty()) return std::optional(Place{owner, {}});
  auto canonical = canonical_mailbox(parsed->mailbox);
  if (!canonical) return std::unexpected(canonical.error());
  return std::optional(Place{owner, std::move(*canonical)});
}

std::string name_for(const State& state, AccountId me, const Mailbox& mailbox) {
  const auto& owner = state.accounts.at(mailbox.account);
  return foreign_name({is_team(owner), owner.row.login, mailbox.name}, domain_of(state, me));
}

Result<Mailbox*> find_visible(State& state, AccountId me, const std::string& name) {
  const auto place = place_of(state, me, name);
  if (!place || !*place) return no_mailbox();
  Mailbox* mailbox = state.find((*place)->owner, (*place)->name);
  if (!mailbox || (grant_of(state, me, *mailbox).rights & right::known) == 0) return no_mailbox();
  return mailbox;
}

Result<NewPlace> place_for_new(State& state, AccountId me, const std::string& name) {
  auto place = place_of(state, me, name);
  if (!place) return std::unexpected(place.error());
  if (!*place || (*place)->name.empty()) return no_right();
  NewPlace out{std::move(**place)};
  const bool foreign = out.place.owner != me;
  const auto parents = mailbox_parents(out.place.name);
  for (auto parent = parents.rbegin(); parent != parents.rend() && !out.above; ++parent) {
    out.above = state.find(out.place.owner, *parent);
  }
  if (foreign && !out.above) out.above = state.find(out.place.owner, "INBOX");
  if (foreign && (!out.above || !allow(state, {me, out.above->id}, right::create))) return no_right();
  return out;
}

void inherit(Mailbox& made, const Mailbox& above) {
  made.acl = above.acl;
  made.seen_each = above.seen_each;
}

bool has_own_seen(const Grant& grant, AccountId me) { return grant.seen_each && grant.owner != me; }

std::uint64_t writable_flags(const Grant& grant, AccountId me) {
  std::uint64_t out = 0;
  if ((grant.rights & right::write) != 0) out |= ~(flag::seen | flag::deleted);
  if ((grant.rights & right::remove_message) != 0) out |= flag::deleted;
  if ((grant.rights & right::seen) != 0 && !has_own_seen(grant, me)) out |= flag::seen;
  return out;
}

void bump_rows(State& state, Mailbox& mailbox, const UidSet& uids) {
  Change edit(state, mailbox);
  const SnapshotPtr rows = mailbox.rows;
  for (const auto& chunk : rows->chunks()) {
    for (const Row& row : *chunk) {
      if (uids.contains(row.uid)) edit.set_flags(row, row.flags);
    }
  }
  edit.commit();
}

void refresh_guests(State& state, MailboxId id) {
  for (const auto& key : state.guests.guests(id)) {
    const auto found = state.mailboxes.find(key.mailbox);
    if (found == state.mailboxes.end()) continue;
    const Grant grant = grant_of(state, key.account, found->second);
    const auto seen = found->second.seen.find(key.account);
    state.guests.set(key, {.may_read = (grant.rights & right::read) != 0,
                           .seen_each = grant.seen_each,
                           .seen = seen == found->second.seen.end() ? UidSet() : seen->second});
    found->second.watch->event().publish();
  }
}

SnapshotPtr rows_for(const State& state, AccountId me, const Mailbox& mailbox) {
  if (!has_own_seen(grant_of(state, me, mailbox), me)) return mailbox.rows;
  const auto seen = mailbox.seen.find(me);
  SnapshotEdit edit(*mailbox.rows);
  for (const auto& chunk : mailbox.rows->chunks()) {
    for (Row row : *chunk) {
      const bool has = seen != mailbox.seen.end() && seen->second.contains(row.uid);
      row.flags = (row.flags & ~flag::seen) | (has ? flag::seen : 0);
      edit.put(row);
    }
  }
  return edit.finish();
}

namespace {

/// `rows`: as the account sees them.
MailboxInfo describe(const Mailbox& mailbox, const Snapshot& rows) {
  MailboxInfo info;
  info.id = mailbox.id;
  info.name = mailbox.name;
  info.use = mailbox.use;
  info.uidvalidity = rows.uidvalidity;
  info.uidnext = rows.uidnext;
  info.highest = rows.highest;
  info.messages = static_cast<std::uint32_t>(rows.size());
  for (const auto& chunk : rows.chunks()) {
    for (const Row& row : *chunk) {
      info.unseen += (row.flags & flag::seen) == 0;
      info.deleted += (row.flags & flag::deleted) != 0;
      info.recent += row.uid > rows.recent_uid;
    }
  }
  for (const auto& [uid, message] : mailbox.messages) info.bytes += message.content->size();
  return info;
}

}  // namespace

MailboxInfo describe_for(const State& state, AccountId me, const Mailbox& mailbox) {
  if (mailbox.account == me) return describe(mailbox, *mailbox.rows);
  auto info = describe(mailbox, *rows_for(state, me, mailbox));
  info.name = name_for(state, me, mailbox);
  info.use = SpecialUse::none;
  if ((grant_of(state, me, mailbox).rights & right::read) == 0) {
    info.messages = info.unseen = info.deleted = info.recent = 0;
    info.bytes = 0;
  }
  return info;
}

Result<std::vector<AclEntry>> read_acl(State& state, Visit visit) {
  const auto mailbox = allow(state, visit, right::administer);
  if (!mailbox) return std::unexpected(mailbox.error());
  std::vector<AclEntry> out{{who_is(state, {(*mailbox)->account, {}}), right::all}};
  for (const AclRow& row : (*mailbox)->acl) {
    if (auto who = who_is(state, row); !who.empty()) out.push_back({std::move(who), row.rights});
  }
  return out;
}

Result<> set_acl(State& state, Visit visit, const AclChange& change) {
  const auto mailbox = allow(state, visit, right::administer);
  if (!mailbox) return std::unexpected(mailbox.error());
  const auto who = find_who(state, (*mailbox)->account, change.who);
  if (!who) return std::unexpected(who.error());
  auto& acl = (*mailbox)->acl;
  const auto is_it = [&](const AclRow& row) { return row.account == who->account && row.group == who->group; };
  const auto known = std::ranges::find_if(acl, is_it);
  const Rights before = known == acl.end() ? 0 : known->rights;
  Rights after = change.rights & right::all;
  if (change.mode == AclChange::Mode::add) after |= before;
  if (change.mode == AclChange::Mode::remove) after = before & ~after;
  if (before == 0 && after != 0 && acl.size() >= max_acl_entries) {
    return fail(ErrorKind::limit, "the mailbox is shared with 1000 accounts and groups already");
  }
  std::erase_if(acl, is_it);
  if (after != 0) acl.push_back({who->account, who->group, after});
  std::ranges::sort(acl, {}, [](const AclRow& row) { return std::pair(row.account, row.group); });
  refresh_guests(state, visit.mailbox);
  state.feeds.publish(std::vector{(*mailbox)->account, who->account});
  return {};
}

Result<> set_seen_each(State& state, Visit visit, bool on) {
  const auto mailbox = allow(state, visit, right::administer);
  if (!mailbox) return std::unexpected(mailbox.error());
  if ((*mailbox)->seen_each == on) return {};
  (*mailbox)->seen_each = on;
  (*mailbox)->seen.clear();
  refresh_guests(state, visit.mailbox);
  bump_rows(state, **mailbox, UidSet::all());
  return {};
}

namespace {

// RFC 5464 §3.3
Result<Annotations*> annotations_at(State& state, Visit visit) {
  if (visit.mailbox == 0) return &state.annotations;
  const auto mailbox = allow(state, visit, right::lookup);
  if (!mailbox) return std::unexpected(mailbox.error());
  constexpr Rights one_of = right::read | right::seen | right::write | right::insert | right::post;
  if ((grant_of(state, visit.account, **mailbox).rights & one_of) == 0) return no_right();
  return &(*mailbox)->annotations;
}

}  // namespace

Result<std::vector<Annotation>> read_annotations(State& state, Visit visit) {
  const auto all = annotations_at(state, visit);
  if (!all) return std::unexpected(all.error());
  std::vector<Annotation> out;
  for (const auto& [key, value] : **all) {
    if (key.first == 0 || key.first == visit.account) out.push_back({key.second, value});
  }
  std::ranges::sort(out, {}, &Annotation::entry);
  return out;
}

Result<> annotate(State& state, Visit visit, const std::vector<Annotation>& changes) {
  const auto all = annotations_at(state, visit);
  if (!all) return std::unexpected(all.error());
  Annotations after = **all;
  for (const auto& change : changes) {
    auto entry = canonical_entry(change.entry);
    if (!entry) return std::unexpected(entry.error());
    const bool shared = entry->starts_with("/shared/");
    if (shared && visit.mailbox == 0) return no_right();
    const std::pair key(shared ? AccountId{0} : visit.account, std::move(*entry));
    if (!change.value) {
      after.erase(key);
      continue;
    }
    if (change.value->size() > max_annotation_octets) return fail(ErrorKind::too_large, "the annotation is longer than 64 KiB");
    after[key] = *change.value;
    const auto have = std::ranges::count_if(after, [&](const auto& one) { return one.first.first == key.first; });
    if (static_cast<std::size_t>(have) > max_annotations) return fail(ErrorKind::limit, "there are 100 annotations already");
  }
  **all = std::move(after);
  std::vector told{visit.account};
  if (const auto mailbox = state.mailboxes.find(visit.mailbox); mailbox != state.mailboxes.end()) {
    told.push_back(mailbox->second.account);
  }
  state.feeds.publish(told);
  return {};
}

}  // namespace postern::store::memory
