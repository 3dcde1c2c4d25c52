// SPDX-License-Identifier: Apache-2.0
// Looking at the account's mailboxes, and saying what differs from the last look.
#include "imap/notifier.h"

#include <algorithm>
#include <utility>

#include "imap/limits.h"
#include "imap/rights.h"
#include "imap/special_use.h"
#include "imap/status_item.h"

namespace postern::imap {
namespace {

constexpr unsigned note_events = mailbox_metadata_change | server_metadata_change;

/// Mail is delivered to INBOX, and what looks like spam to the folder for it.
bool is_inbox(const store::MailboxInfo& info) { return info.name == "INBOX" || info.use == store::SpecialUse::junk; }

/// "* METADATA "INBOX" /shared/comment": RFC 5464 §4.4.2, names alone
void append_entries(std::string& out, std::string_view mailbox, NameForm names, const std::vector<std::string>& entries) {
  if (entries.empty()) return;
  out.append("* METADATA ");
  append_mailbox(out, mailbox, names);
  for (const auto& entry : entries) out.append(" ").append(entry);
  out.append("\r\n");
}

/// Names of entries that were set, changed or taken away. Both are in order of their names.
std::vector<std::string> changed_entries(const std::vector<store::Annotation>& before,
                                         const std::vector<store::Annotation>& after) {
  std::vector<std::string> out;
  auto old = before.begin();
  for (auto now = after.begin(); now != after.end() || old != before.end();) {
    if (now == after.end() || (old != before.end() && old->entry < now->entry)) {
      out.push_back((old++)->entry);
    } else if (old == before.end() || now->entry < old->entry) {
      out.push_back((now++)->entry);
    } else {
      if (old->value != now->value) out.push_back(now->entry);
      ++old;
      ++now;
    }
  }
  return out;
}

}  // namespace

const store::MailboxInfo* Notifier::Sight::of(std::string_view name) const {
  const auto found = std::ranges::find_if(mailboxes, [name](const auto& one) { return one.second.name == name; });
  return found == mailboxes.end() ? nullptr : &found->second;
}

void Notifier::Sight::remove(store::MailboxId id) {
  const auto found = mailboxes.find(id);
  if (found == mailboxes.end()) return;
  names.erase(found->second.name);
  mailboxes.erase(found);
}

Notifier::Notifier(Session& session, NotifyRequest request)
    : session_(session), request_(std::move(request)), feed_(store::sharing_of(session.store()).feed()) {}

// RFC 5465 §3.1
async::Task<Result<>> Notifier::begin() {
  co_await follow_selected();
  if (request_.all_events() == no_event) co_return Result<>();
  structure_ = feed_->structure();
  feed_->take_touched();
  const auto sight = co_await look();
  if (!sight) co_return std::unexpected(sight.error());
  known_ = watched(*sight);
  if (known_.size() > session_.services().most_watched) co_return fail(ErrorKind::limit, "more mailboxes than can be watched");
  subscribed_ = sight->subscribed;
  if ((request_.all_events() & note_events) != 0) {
    auto notes = co_await read_notes();
    if (!notes) co_return std::unexpected(notes.error());
    notes_ = *std::move(notes);
  }
  for (const auto& [id, known] : known_) {
    // What may be looked up alone is told as such, whether STATUS was asked for or not.
    if (!known.readable) tell_name(*sight, known.name);
    if (request_.status && known.readable) tell_status(sight->mailboxes.at(id), {}, known, Status::first);
    co_await session_.flush_if_full();
  }
  co_return Result<>();
}

async::Task<> Notifier::follow_selected() {
  if (!session_.is_selected() || !session_.view().is_foreign()) co_return;
  const auto id = session_.view().mailbox();
  if (!followed_.insert(id).second) co_return;
  const auto grant = co_await store::sharing_of(session_.store()).grant(id);
  if (grant) feed_->follow({grant->owner});
}

async::Task<Result<>> Notifier::tell() {
  if (request_.all_events() == no_event) co_return Result<>();
  const auto structure = feed_->structure();
  const auto touched = feed_->take_touched();
  if (structure == structure_ && touched) co_return co_await tell_touched(*touched);
  const auto sight = co_await look();
  if (!sight) co_return std::unexpected(sight.error());
  auto now = watched(*sight);
  if (now.size() > session_.services().most_watched) co_return fail(ErrorKind::limit, "more mailboxes than can be watched");
  told_.clear();
  co_await compare(*sight, now);
  known_ = std::move(now);
  tell_subscriptions(*sight);
  tell_own(*sight);
  subscribed_ = sight->subscribed;
  const bool noted = structure != structure_;
  structure_ = structure;
  co_return noted ? co_await tell_notes(*sight) : Result<>();
}

/// Mail came, went or got other flags, and nothing else happened.
async::Task<Result<>> Notifier::tell_touched(const std::vector<store::MailboxId>& touched) {
  for (const auto id : touched) {
    const auto known = known_.find(id);
    if (known == known_.end() || !known->second.readable) continue;
    const auto info = co_await session_.store().status(known->second.name);
    const bool hidden = !info && (info.error().kind == ErrorKind::not_found || info.error().kind == ErrorKind::denied);
    if (!info && !hidden) co_return std::unexpected(info.error());
    // Names or rights change right now: they are told at the next wake.
    if (!info || info->id != id) continue;
    const auto before = known->second;
    known->second = known_as(*info, before.events);
    tell_status(*info, before, known->second, Status::change);
    co_await session_.flush_if_full();
  }
  co_return Result<>();
}

// ---- looking

async::Task<Result<Notifier::Sight>> Notifier::look() {
  Sight sight;
  auto mine = co_await session_.store().list();
  if (!mine) co_return std::unexpected(mine.error());
  std::vector<store::MailboxInfo> others;
  if (request_.needs_foreign()) {
    auto shared = co_await store::sharing_of(session_.store()).shared_with_me();
    if (!shared) co_return std::unexpected(shared.error());
    others = *std::move(shared);
  }
  for (auto* list : {&*mine, &others}) {
    for (auto& info : *list) {
      sight.names.insert(info.name);
      sight.mailboxes.emplace(info.id, std::move(info));
    }
  }
  if (request_.needs_subscriptions()) {
    auto subscribed = co_await session_.store().subscriptions();
    if (!subscribed) co_return std::unexpected(subscribed.error());
    sight.subscribed = {std::make_move_iterator(subscribed->begin()), std::make_move_iterator(subscribed->end())};
  }
  if (const auto done = co_await follow_owners(sight); !done) co_return std::unexpected(done.error());
  co_return sight;
}

/// Changes of what others share are heard from the next one on; what happened until now is in the picture, or in the next one.
async::Task<Result<>> Notifier::follow_owners(Sight& sight) {
  std::vector<store::MailboxId> hidden;  // between the list and the question
  for (const auto& [id, info] : sight.mailboxes) {
    if (!may_be_foreign(info.name) || events_of(sight, info) == no_event) continue;
    const auto grant = co_await grant_on(session_, info);
    if (!grant && grant.error().kind != ErrorKind::not_found) co_return std::unexpected(grant.error());
    if (!grant) {
      hidden.push_back(id);
      continue;
    }
    if ((grant->rights & store::right::read) == 0) sight.unreadable.insert(id);
    if (followed_.insert(id).second) feed_->follow({grant->owner});
  }
  for (const auto id : hidden) sight.remove(id);
  std::erase_if(followed_, [&](store::MailboxId id) {
    const bool selected = session_.is_selected() && session_.view().mailbox() == id;
    return !selected && request_.needs_foreign() && !sight.mailboxes.contains(id);
  });
  co_return Result<>();
}

unsigned Notifier::events_of(const Sight& sight, const store::MailboxInfo& info) const {
  return request_.events_of({.name = info.name,
                             .foreign = may_be_foreign(info.name),
                             .inbox = is_inbox(info),
                             .subscribed = sight.subscribed.contains(info.name)});
}

/// Of a name that is no mailbox now.
unsigned Notifier::events_of(const Sight& sight, std::string_view name) const {
  const bool subscribed = sight.subscribed.contains(name) || subscribed_.contains(name);
  return request_.events_of({name, may_be_foreign(name), name == "INBOX", subscribed});
}

Notifier::Known Notifier::known_as(const store::MailboxInfo& info, unsigned events) {
  return {info.name, info.uidvalidity, info.uidnext, info.messages, info.unseen, info.highest, events};
}

Notifier::Picture Notifier::watched(const Sight& sight) const {
  Picture out;
  for (const auto& [id, info] : sight.mailboxes) {
    const auto events = events_of(sight, info);
    if (events == no_event) continue;
    auto known = known_as(info, events);
    known.readable = !sight.unreadable.contains(id);
    out.emplace(id, std::move(known));
  }
  return out;
}

// ---- telling

/// Gone first, so that a name that was taken again ends as what it is.
async::Task<> Notifier::compare(const Sight& sight, const Picture& now) {
  co_await tell_gone(sight);
  for (const auto& [id, info] : sight.mailboxes) {
    const auto before = known_.find(id);
    const auto after = now.find(id);
    tell_one(sight, info, before == known_.end() ? nullptr : &before->second, after == now.end() ? nullptr : &after->second);
    co_await session_.flush_if_full();
  }
}

// RFC 5465 §5.4; §5.9: who watched the messages of somebody else's mailbox learns that it can be seen no more.
async::Task<> Notifier::tell_gone(const Sight& sight) {
  for (const auto& [id, before] : known_) {
    const bool wanted = (before.events & mailbox_name) != 0 || may_be_foreign(before.name);
    if (sight.mailboxes.contains(id) || sight.names.contains(before.name) || !wanted) continue;
    tell_name(sight, before.name);
    tell_parent(sight, before.name);
    co_await session_.flush_if_full();
  }
}

/// A mailbox that is there now. `before` is null when it was not watched, `after` when it is watched no more.
void Notifier::tell_one(const Sight& sight, const store::MailboxInfo& info, const Known* before, const Known* after) {
  const unsigned events =
      (before == nullptr ? unsigned{no_event} : before->events) | (after == nullptr ? unsigned{no_event} : after->events);
  const bool wanted = (events & mailbox_name) != 0;
  const bool renamed = before != nullptr && before->name != info.name;
  const bool is_new = before == nullptr && after != nullptr;
  if (renamed && wanted && !is_child_of_renamed(sight, *before, info)) tell_name(sight, info.name, before->name);
  if (is_new && (wanted || !after->readable)) tell_name(sight, info.name);
  if (is_new && wanted) tell_parent(sight, info.name);
  if (before != nullptr && after != nullptr && before->readable != after->readable) tell_name(sight, info.name);
  if (after == nullptr || !after->readable) return;
  // RFC 5465 §5.1: FlagChange tells UIDVALIDITY, which a name that was taken before has anew.
  if (is_new && info.messages == 0 && (events & flag_change) == 0) return;
  const bool is_first = is_new || !before->readable;
  tell_status(info, is_first ? Known{} : *before, *after, Status::change);
}

/// RFC 5465 §5.4: no events for what lies below a mailbox that was renamed and told.
bool Notifier::is_child_of_renamed(const Sight& sight, const Known& before, const store::MailboxInfo& info) const {
  return std::ranges::any_of(known_, [&](const auto& one) {
    const auto& [id, parent] = one;
    const auto now = sight.mailboxes.find(id);
    if ((parent.events & mailbox_name) == 0 || now == sight.mailboxes.end() || now->second.name == parent.name) return false;
    const auto& name = now->second.name;
    return store::is_below(before.name, parent.name) && store::is_below(info.name, name) &&
           std::string_view(before.name).substr(parent.name.size()) == std::string_view(info.name).substr(name.size());
  });
}

/// RFC 5465 §5.4: the direct parent of what was made or deleted is affected, too.
void Notifier::tell_parent(const Sight& sight, std::string_view name) {
  const auto slash = name.rfind('/');
  if (slash == std::string_view::npos || own_.contains(name)) return;
  const auto parent = name.substr(0, slash);
  const auto* info = sight.of(parent);
  if ((info == nullptr && may_be_foreign(parent)) || told_.contains(parent)) return;
  const auto events = info == nullptr ? events_of(sight, parent) : events_of(sight, *info);
  if ((events & mailbox_name) != 0) tell_name(sight, parent);
}

// RFC 5465 §5.4; OLDNAME: RFC 9051 §6.3.9.7. What may not be looked up any more is told as what is not there.
void Notifier::tell_name(const Sight& sight, std::string_view name, std::string_view old_name) {
  if (const auto own = own_.find(name); own != own_.end() && own->second.exists) return;
  if (!told_.emplace(name).second) return;
  std::string attributes;
  const auto add = [&attributes](std::string_view word) { attributes.append(attributes.empty() ? "" : " ").append(word); };
  const auto* info = sight.of(name);
  if (info == nullptr) add("\\NonExistent");
  const bool foreign = may_be_foreign(name);
  if (foreign && (info == nullptr || sight.unreadable.contains(info->id))) add("\\NoAccess");
  const auto next = sight.names.upper_bound(name);
  // The order of names keeps what lies below a name behind it, but other names may stand between ("a", "a-b", "a/c").
  const bool parent = std::any_of(next, sight.names.end(), [&](const auto& one) { return store::is_below(one, name); });
  add(parent ? "\\HasChildren" : "\\HasNoChildren");
  if (sight.subscribed.contains(name)) add("\\Subscribed");
  if (info != nullptr && info->use != store::SpecialUse::none) add(special_use_name(info->use));
  auto& out = session_.out();
  out.append("* LIST (").append(attributes).append(") \"/\" ");
  append_mailbox(out, name, session_.names());
  if (!old_name.empty()) {
    out.append(" (\"OLDNAME\" (");
    append_mailbox(out, old_name, session_.names());
    out.append("))");
  }
  out.append("\r\n");
}

// RFC 5465 §5.5
void Notifier::tell_subscriptions(const Sight& sight) {
  if ((request_.all_events() & subscription_change) == 0) return;
  std::vector<std::string> changed;
  std::ranges::set_symmetric_difference(subscribed_, sight.subscribed, std::back_inserter(changed), Order());
  for (const auto& name : changed) {
    const auto own = own_.find(name);
    if (own != own_.end() && own->second.subscribed == sight.subscribed.contains(name)) continue;
    const auto* info = sight.of(name);
    const auto events = info == nullptr ? events_of(sight, name) : events_of(sight, *info);
    // A mailbox that the filter SUBSCRIBED has just lost was matched by it before.
    const auto before = info == nullptr ? known_.end() : known_.find(info->id);
    const auto old_events = events_of(sight, name) | (before == known_.end() ? unsigned{no_event} : before->second.events);
    if (((events | old_events) & subscription_change) != 0) tell_name(sight, name);
  }
}

/// What the session's commands did is known to the client, unless somebody else has undone it meanwhile.
void Notifier::tell_own(const Sight& sight) {
  const auto own = std::exchange(own_, {});
  for (const auto& [name, wish] : own) {
    const auto* info = sight.of(name);
    const auto events = info == nullptr ? events_of(sight, name) : events_of(sight, *info);
    const bool undone = wish.exists && *wish.exists != (info != nullptr);
    if (undone && (events & mailbox_name) != 0) tell_name(sight, name);
  }
}

// RFC 5465 §5.1 to §5.3: of mailboxes that are not selected STATUS tells enough for a client to look. Without CONDSTORE a change
// of flags shows in UNSEEN, or not at all.
void Notifier::tell_status(const store::MailboxInfo& info, const Known& before, const Known& after, Status status) {
  if (session_.is_selected() && session_.view().mailbox() == info.id) return;
  const bool wants_flags = (after.events & flag_change) != 0;
  const bool another = before.uidvalidity != after.uidvalidity;
  const bool messages =
      (after.events & message_new) != 0 && (another || before.uidnext != after.uidnext || before.messages != after.messages);
  const bool flags =
      wants_flags && (session_.condstore() ? before.highest != after.highest : another || before.unseen != after.unseen);
  if (!messages && !flags) return;
  StatusItems items;
  if (messages) items = {StatusItem::messages, StatusItem::uid_next};
  items.push_back(StatusItem::uid_validity);
  if (wants_flags && !session_.condstore()) items.push_back(StatusItem::unseen);
  // RFC 5465 §3.1: at first for FlagChange, later where CONDSTORE is enabled
  if (session_.condstore() || (wants_flags && status == Status::first)) items.push_back(StatusItem::highest_modseq);
  append_status(session_.out(), info, items, {.names = session_.names()});
}

// ---- annotations

async::Task<Result<std::map<store::MailboxId, Notifier::Notes>>> Notifier::read_notes() {
  std::map<store::MailboxId, Notes> out;
  std::vector<store::MailboxId> ids;
  if ((request_.all_events() & server_metadata_change) != 0) ids.push_back(0);
  for (const auto& [id, known] : known_) {
    if ((known.events & mailbox_metadata_change) != 0) ids.push_back(id);
  }
  auto& sharing = store::sharing_of(session_.store());
  for (const auto id : ids) {
    auto notes = co_await sharing.annotations(id);
    const bool hidden = !notes && (notes.error().kind == ErrorKind::not_found || notes.error().kind == ErrorKind::denied);
    if (!notes && !hidden) co_return std::unexpected(notes.error());
    if (notes && !notes->empty()) out.emplace(id, *std::move(notes));
  }
  co_return out;
}

// RFC 5465 §5.6 and §5.7. Values stay out: a client that wants them asks.
async::Task<Result<>> Notifier::tell_notes(const Sight& sight) {
  if ((request_.all_events() & note_events) == 0) co_return Result<>();
  auto now = co_await read_notes();
  if (!now) co_return std::unexpected(now.error());
  const Notes none;
  const auto of = [&none](const auto& all, store::MailboxId id) -> const Notes& {
    const auto found = all.find(id);
    return found == all.end() ? none : found->second;
  };
  append_entries(session_.out(), "", session_.names(), changed_entries(of(notes_, 0), of(*now, 0)));
  for (const auto& [id, known] : known_) {
    const auto info = sight.mailboxes.find(id);
    if (info == sight.mailboxes.end() || (known.events & mailbox_metadata_change) == 0) continue;
    append_entries(session_.out(), known.name, session_.names(), changed_entries(of(notes_, id), of(*now, id)));
    co_await session_.flush_if_full();
  }
  notes_ = *std::move(now);
  co_return Result<>();
}

}  // namespace postern::imap
