// SPDX-License-Identifier: Apache-2.0
// Sessions of the in-memory store. Each call checks first, then changes everything under the one lock.
#include "store/memory/session.h"

#include <algorithm>

#include "store/keywords.h"
#include "store/mailbox_name.h"
#include "store/memory/sharing.h"
#include "store/messages.h"
#include "store/particulars.h"

namespace postern::store::memory {

namespace {

std::uint64_t flags_in_use(const Snapshot& rows) {
  std::uint64_t bits = 0;
  for (const auto& chunk : rows.chunks()) {
    for (const Row& row : *chunk) bits |= row.flags;
  }
  return bits;
}

/// The rows with these UIDs, ascending.
std::vector<Row> rows_in(const Snapshot& rows, const UidSet& uids) {
  std::vector<Row> out;
  for (const auto& range : uids.ranges()) {
    for (std::size_t i = rows.lower_bound(range.lo); i < rows.size() && rows.row(i).uid <= range.hi; ++i) {
      out.push_back(rows.row(i));
    }
  }
  return out;
}

class MemorySession final : public Session, public Sharing {
 public:
  MemorySession(std::shared_ptr<State> state, const mail::Identity& identity)
      : state_(std::move(state)), identity_(identity), me_(identity_.account()) {}

  const mail::Identity& identity() const override { return identity_; }
  Task<Result<std::vector<MailboxInfo>>> list() override { co_return list_now(); }
  Task<Result<MailboxInfo>> status(std::string name) override { co_return status_now(name); }
  Task<Result<MailboxId>> find(std::string name) override {
    const auto info = status_now(name);
    if (!info) co_return std::unexpected(info.error());
    co_return info->id;
  }
  Task<Result<MailboxInfo>> create(std::string name, SpecialUse use) override { co_return create_now(name, use); }
  Task<Result<>> remove(std::string name) override { co_return remove_now(name); }
  Task<Result<>> rename(std::string from, std::string to) override { co_return rename_now(from, to); }
  Task<Result<>> subscribe(std::string name, bool on) override { co_return subscribe_now(name, on); }
  Task<Result<std::vector<std::string>>> subscriptions() override { co_return subscriptions_now(); }
  Task<Result<std::shared_ptr<Watch>>> open(MailboxId mailbox) override { co_return open_now(mailbox); }
  Task<Result<Uid>> take_recent(MailboxId mailbox) override { co_return take_recent_now(mailbox); }
  Task<Result<UidSet>> vanished_since(MailboxId mailbox, ModSeq since) override { co_return vanished_now(mailbox, since); }
  Task<Result<std::vector<MessageInfo>>> info(MailboxId mailbox, UidSet uids, MetaFields fields) override {
    co_return info_now(mailbox, uids, fields);
  }
  Task<Result<std::unique_ptr<BodyReader>>> body(MailboxId mailbox, Uid uid) override { co_return body_now(mailbox, uid); }
  Task<Result<ReadTexts>> read(MailboxId mailbox, UidSet uids, ReadLimit limit) override {
    co_return read_now(mailbox, uids, limit);
  }
  Task<Result<FlagResult>> store_flags(MailboxId mailbox, UidSet uids, FlagChange change) override {
    co_return flags_now(mailbox, uids, change);
  }
  Task<Result<UidSet>> expunge(MailboxId mailbox, UidSet uids, ExpungeMode mode) override {
    co_return expunge_now(mailbox, uids, mode);
  }
  Task<Result<Copied>> copy(MailboxId from, UidSet uids, MailboxId to, CopyMode mode) override {
    co_return copy_now(from, uids, to, mode);
  }
  Task<Result<Appended>> append(MailboxId mailbox, std::vector<NewMessage> messages) override {
    co_return append_now(mailbox, std::move(messages));
  }
  Task<Result<std::vector<bool>>> imported(std::vector<std::string> keys) override { co_return imported_now(keys); }
  Task<Result<std::vector<Particulars>>> particulars(MailboxId mailbox, UidSet uids) override {
    co_return particulars_now(mailbox, uids);
  }
  Task<Result<std::string>> object_id(MailboxId mailbox) override {
    const std::lock_guard lock(state_->mutex);
    const auto found = reading(mailbox, 0);
    if (!found) co_return std::unexpected(found.error());
    co_return make_object_id('F', {std::to_string(mailbox)});
  }
  Quota quota() override {
    const std::lock_guard lock(state_->mutex);
    return state_->quota(me_);
  }

  Task<Result<std::vector<MailboxInfo>>> shared_with_me() override { co_return shared_now(); }
  Task<Result<Grant>> grant(MailboxId mailbox) override { co_return grant_now(mailbox); }
  Task<Result<std::vector<AclEntry>>> acl(MailboxId mailbox) override { co_return sharing(&read_acl, mailbox); }
  Task<Result<>> set_acl(MailboxId mailbox, AclChange change) override { co_return sharing(&memory::set_acl, mailbox, change); }
  Task<Result<>> set_seen_each(MailboxId mailbox, bool on) override { co_return sharing(&memory::set_seen_each, mailbox, on); }
  Task<Result<std::vector<Annotation>>> annotations(MailboxId mailbox) override { co_return sharing(&read_annotations, mailbox); }
  Task<Result<>> annotate(MailboxId mailbox, std::vector<Annotation> changes) override {
    co_return sharing(&memory::annotate, mailbox, changes);
  }
  std::shared_ptr<Feed> feed() override { return state_->feeds.open(me_); }
  Task<Result<Uid>> old_unique_ids_below(MailboxId) override { co_return Uid{0}; }

 private:
  /// The account, if the store is open.
  Result<Account*> reading() {
    if (auto open = state_->check_open(); !open) return std::unexpected(open.error());
    return state_->account(me_);
  }
  Result<Account*> writing() {
    if (auto open = state_->check_write(); !open) return std::unexpected(open.error());
    return state_->account(me_);
  }
  Result<Mailbox*> reading(MailboxId id, Rights needed = right::read) {
    if (auto account = reading(); !account) return std::unexpected(account.error());
    return allow(*state_, {me_, id}, needed);
  }
  Result<Mailbox*> writing(MailboxId id, Rights needed) {
    if (auto account = writing(); !account) return std::unexpected(account.error());
    return allow(*state_, {me_, id}, needed);
  }
  /// Calls a function of sharing.h.
  template <class T>
  Result<T> sharing(Result<T> (*call)(State&, Visit), MailboxId mailbox) {
    const std::lock_guard lock(state_->mutex);
    if (auto account = reading(); !account) return std::unexpected(account.error());
    return call(*state_, {me_, mailbox});
  }
  template <class Argument>
  Result<> sharing(Result<> (*call)(State&, Visit, Argument), MailboxId mailbox, std::type_identity_t<Argument> argument) {
    const std::lock_guard lock(state_->mutex);
    if (auto account = writing(); !account) return std::unexpected(account.error());
    return call(*state_, {me_, mailbox}, argument);
  }

  MailboxInfo describe_for_me(const Mailbox& mailbox) { return describe_for(*state_, me_, mailbox); }

  Result<std::vector<MailboxInfo>> shared_now() {
    const std::lock_guard lock(state_->mutex);
    if (auto account = reading(); !account) return std::unexpected(account.error());
    std::vector<MailboxInfo> out;
    for (const auto& [id, mailbox] : state_->mailboxes) {
      if (mailbox.account == me_ || (grant_of(*state_, me_, mailbox).rights & right::lookup) == 0) continue;
      auto info = describe_for_me(mailbox);
      const auto place = place_of(*state_, me_, info.name);
      if (place && *place && (*place)->owner == mailbox.account) out.push_back(std::move(info));
    }
    std::ranges::sort(out, {}, &MailboxInfo::name);
    return out;
  }

  Result<Grant> grant_now(MailboxId id) {
    const std::lock_guard lock(state_->mutex);
    const auto mailbox = reading(id, 0);
    if (!mailbox) return std::unexpected(mailbox.error());
    return grant_of(*state_, me_, **mailbox);
  }

  Result<std::vector<MailboxInfo>> list_now() {
    const std::lock_guard lock(state_->mutex);
    if (auto account = reading(); !account) return std::unexpected(account.error());
    std::vector<MailboxInfo> out;
    for (const Mailbox* mailbox : state_->mailboxes_of(me_)) out.push_back(describe_for_me(*mailbox));
    return out;
  }

  Result<MailboxInfo> status_now(const std::string& name) {
    const std::lock_guard lock(state_->mutex);
    if (auto account = reading(); !account) return std::unexpected(account.error());
    const auto mailbox = find_visible(*state_, me_, name);
    if (!mailbox) return std::unexpected(mailbox.error());
    return describe_for_me(**mailbox);
  }

  Result<MailboxInfo> create_now(const std::string& name, SpecialUse use) {
    const std::lock_guard lock(state_->mutex);
    if (auto account = writing(); !account) return std::unexpected(account.error());
    const auto place = place_for_new(*state_, me_, name);
    if (!place) return std::unexpected(place.error());
    const auto& [owner, own_name] = place->place;
    if (state_->find(owner, own_name)) return fail(ErrorKind::exists, "the mailbox exists");
    if (auto room = check_room(place->place); !room) return std::unexpected(room.error());
    auto names = mailbox_parents(own_name);
    std::erase_if(names, [&](const auto& one) { return state_->find(owner, one) != nullptr; });
    names.push_back(own_name);
    state_->make_mailbox(owner, own_name, use);
    for (const auto& one : names) {
      if (place->above) inherit(*state_->find(owner, one), *place->above);
    }
    return describe_for_me(*state_->find(owner, own_name));
  }

  /// Errors: limit, when the mailbox and its missing parents would be too many.
  Result<> check_room(const Place& place) {
    const auto parents = mailbox_parents(place.name);
    const auto missing =
        std::count_if(parents.begin(), parents.end(), [&](const auto& p) { return !state_->find(place.owner, p); });
    if (state_->mailboxes_of(place.owner).size() + static_cast<std::size_t>(missing) + 1 > max_mailboxes) {
      return fail(ErrorKind::limit, "the account has 10000 mailboxes");
    }
    return {};
  }

  Result<> remove_now(const std::string& name) {
    const std::lock_guard lock(state_->mutex);
    if (auto account = writing(); !account) return std::unexpected(account.error());
    auto mailbox = find_visible(*state_, me_, name);
    if (mailbox) mailbox = allow(*state_, {me_, (*mailbox)->id}, right::remove_mailbox);
    if (!mailbox) return std::unexpected(mailbox.error());
    if ((*mailbox)->name == "INBOX") return fail(ErrorKind::denied, "INBOX cannot be removed");
    state_->drop_mailbox(**mailbox);
    return {};
  }

  Result<> rename_now(const std::string& from, const std::string& to) {
    const std::lock_guard lock(state_->mutex);
    if (auto account = writing(); !account) return std::unexpected(account.error());
    auto mailbox = find_visible(*state_, me_, from);
    if (mailbox) mailbox = allow(*state_, {me_, (*mailbox)->id}, right::remove_mailbox);
    if (!mailbox) return std::unexpected(mailbox.error());
    const auto place = place_for_new(*state_, me_, to);
    if (!place) return std::unexpected(place.error());
    const auto& target = place->place;
    const bool foreign_inbox = target.owner != me_ && (*mailbox)->name == "INBOX";
    if (target.owner != (*mailbox)->account || foreign_inbox) return fail(ErrorKind::denied, "the mailbox stays with its owner");
    if (state_->find(target.owner, target.name)) return fail(ErrorKind::exists, "the mailbox exists");
    if (auto room = check_room(target); !room) return room;
    if ((*mailbox)->name == "INBOX") return rename_inbox(**mailbox, target.name);
    auto renamed = rename_tree(target.owner, (*mailbox)->name, target.name);
    if (renamed) state_->feeds.publish(std::vector{target.owner});
    return renamed;
  }

  // RFC 9051 §6.3.6
  Result<> rename_inbox(Mailbox& inbox, const std::string& target) {
    Mailbox& fresh = state_->make_mailbox(me_, target, SpecialUse::none);
    transfer(inbox, rows_in(*inbox.rows, UidSet::all()), fresh, CopyMode::move);
    return {};
  }

  Result<> rename_tree(AccountId owner, const std::string source, const std::string& target) {
    if (is_below(target, source)) return fail(ErrorKind::invalid, "a mailbox cannot move below itself");
    std::vector<std::pair<Mailbox*, std::string>> moves;
    for (Mailbox* one : state_->mailboxes_of(owner)) {
      if (one->name != source && !is_below(one->name, source)) continue;
      std::string next = target + one->name.substr(source.size());
      if (auto valid = canonical_mailbox(next); !valid) return std::unexpected(valid.error());
      if (state_->find(owner, next)) return fail(ErrorKind::exists, "the mailbox exists");
      moves.emplace_back(one, std::move(next));
    }
    for (const auto& parent : mailbox_parents(target)) {
      if (!state_->find(owner, parent)) state_->make_mailbox(owner, parent, SpecialUse::none);
    }
    for (auto& [one, next] : moves) one->name = std::move(next);
    return {};
  }

  Result<> subscribe_now(const std::string& name, bool on) {
    const std::lock_guard lock(state_->mutex);
    const auto account = writing();
    if (!account) return std::unexpected(account.error());
    auto canonical = canonical_mailbox(name);
    if (!canonical) return std::unexpected(canonical.error());
    auto& set = (*account)->subscriptions;
    state_->feeds.publish(std::vector{me_});
    if (!on) {
      set.erase(*canonical);
      return {};
    }
    if (set.size() >= max_mailboxes) return fail(ErrorKind::limit, "the account has 10000 subscriptions");
    set.insert(std::move(*canonical));
    return {};
  }

  Result<std::vector<std::string>> subscriptions_now() {
    const std::lock_guard lock(state_->mutex);
    const auto account = reading();
    if (!account) return std::unexpected(account.error());
    std::vector<std::string> out((*account)->subscriptions.begin(), (*account)->subscriptions.end());
    std::sort(out.begin(), out.end(), mailbox_before);
    return out;
  }

  Result<std::shared_ptr<Watch>> open_now(MailboxId id) {
    const std::lock_guard lock(state_->mutex);
    const auto mailbox = reading(id);
    if (!mailbox) return std::unexpected(mailbox.error());
    if ((*mailbox)->account == me_) return std::shared_ptr<Watch>((*mailbox)->watch);
    auto guest = state_->guests.enter({me_, id});
    refresh_guests(*state_, id);
    return std::make_shared<GuestWatch>((*mailbox)->watch, std::move(guest));
  }

  Result<Uid> take_recent_now(MailboxId id) {
    const std::lock_guard lock(state_->mutex);
    const auto mailbox = reading(id);
    if (!mailbox) return std::unexpected(mailbox.error());
    const Uid before = (*mailbox)->rows->recent_uid;
    if (before + 1 == (*mailbox)->rows->uidnext) return before;
    SnapshotEdit edit(*(*mailbox)->rows);
    edit.head().recent_uid = edit.head().uidnext - 1;
    (*mailbox)->rows = edit.finish();
    (*mailbox)->watch->publish((*mailbox)->rows);
    return before;
  }

  Result<UidSet> vanished_now(MailboxId id, ModSeq since) {
    const std::lock_guard lock(state_->mutex);
    const auto mailbox = reading(id);
    if (!mailbox) return std::unexpected(mailbox.error());
    UidSet out;
    for (const auto& [modseq, uids] : (*mailbox)->vanished) {
      if (modseq <= since) continue;
      for (const auto& range : uids.ranges()) out.add(range);
    }
    return out;
  }

  Result<std::vector<MessageInfo>> info_now(MailboxId id, const UidSet& uids, MetaFields fields) {
    const std::lock_guard lock(state_->mutex);
    const auto mailbox = reading(id);
    if (!mailbox) return std::unexpected(mailbox.error());
    std::vector<MessageInfo> out;
    for (const Row& row : rows_in(*(*mailbox)->rows, uids)) {
      out.push_back(info_of(row.uid, (*mailbox)->messages.at(row.uid), fields));
    }
    for (const auto& [uid, message] : (*mailbox)->gone) {
      if ((fields & meta_expunged) == 0 || !uids.contains(uid) || message.expunged_at < window_start()) continue;
      out.push_back(info_of(uid, message, fields));
    }
    if (out.size() > max_info_rows) return fail(ErrorKind::limit, "more than 1000 messages asked for at once");
    std::ranges::sort(out, {}, &MessageInfo::uid);
    return out;
  }

  static MessageInfo info_of(Uid uid, const Message& message, MetaFields fields) {
    const Content& content = *message.content;
    MessageInfo info{uid, message.date, content.size(), static_cast<std::uint32_t>(content.prefix.size()), {}};
    if (fields & meta_envelope) info.meta.envelope = content.meta.envelope;
    if (fields & meta_structure) info.meta.bodystructure = content.meta.bodystructure;
    if (fields & meta_parts) info.meta.parts = content.meta.parts;
    return info;
  }

  UnixTime window_start() const { return state_->clock.unix_now() - state_->undelete_window.count(); }

  Result<std::vector<Particulars>> particulars_now(MailboxId id, const UidSet& uids) {
    const std::lock_guard lock(state_->mutex);
    const auto mailbox = reading(id);
    if (!mailbox) return std::unexpected(mailbox.error());
    std::vector<Particulars> out;
    for (const Row& row : rows_in(*(*mailbox)->rows, uids)) {
      if (out.size() == max_info_rows) return fail(ErrorKind::limit, "more than 1000 messages asked for at once");
      const Message& message = (*mailbox)->messages.at(row.uid);
      const auto content = std::to_string(reinterpret_cast<std::uintptr_t>(message.content.get()));
      out.push_back({row.uid, message.saved, make_object_id('M', {std::to_string(me_), content})});
    }
    return out;
  }

  /// Living, or expunged within the undelete window; null otherwise.
  ContentPtr content_of(const Mailbox& mailbox, Uid uid) const {
    if (const auto live = mailbox.messages.find(uid); live != mailbox.messages.end()) return live->second.content;
    const auto gone = mailbox.gone.find(uid);
    return gone == mailbox.gone.end() || gone->second.expunged_at < window_start() ? nullptr : gone->second.content;
  }

  Result<std::unique_ptr<BodyReader>> body_now(MailboxId id, Uid uid) {
    const std::lock_guard lock(state_->mutex);
    const auto mailbox = reading(id);
    if (!mailbox) return std::unexpected(mailbox.error());
    auto content = content_of(**mailbox, uid);
    if (!content) return fail(ErrorKind::not_found, "no such message");
    return make_reader(std::move(content));
  }

  Result<ReadTexts> read_now(MailboxId id, const UidSet& uids, const ReadLimit& limit) {
    const std::lock_guard lock(state_->mutex);
    const auto mailbox = reading(id);
    if (!mailbox) return std::unexpected(mailbox.error());
    ReadTexts out;
    std::uint64_t total = 0;
    for (const auto& range : uids.intersect(UidSet{{1, (*mailbox)->rows->uidnext}}).ranges()) {
      for (Uid uid = range.lo; uid <= range.hi; ++uid) {
        const auto content = content_of(**mailbox, uid);
        if (!content) continue;
        out.texts.push_back({uid, content->size(), first_octets(*content, limit.per_message)});
        out.through = uid;
        total += out.texts.back().octets.size();
        if (total >= std::min(limit.total, max_read_total)) return out;
      }
    }
    out.through = UINT32_MAX;
    return out;
  }

  Result<FlagResult> flags_now(MailboxId id, const UidSet& uids, FlagChange change) {
    const std::lock_guard lock(state_->mutex);
    const auto found = writing(id, 0);
    if (!found) return std::unexpected(found.error());
    Mailbox& mailbox = **found;
    if (mailbox.account == me_) return change_rows(mailbox, uids, change, ~std::uint64_t{0});
    const Grant grant = grant_of(*state_, me_, mailbox);
    const std::uint64_t may = writable_flags(grant, me_);
    const bool replace = change.mode == FlagChange::Mode::replace;
    const bool own_seen = has_own_seen(grant, me_) && (grant.rights & right::seen) != 0;
    const bool keywords = (grant.rights & right::write) != 0 && !change.keywords.empty();
    const bool any = replace || (change.system & (may | (own_seen ? flag::seen : 0))) != 0 || keywords;
    if ((may == 0 && !own_seen) || (!any && (change.system != 0 || !change.keywords.empty()))) {
      return fail(ErrorKind::denied, "no right to do this with the mailbox");
    }
    if (!keywords) change.keywords.clear();
    auto out = change_rows(mailbox, uids, change, may);
    if (!out || !own_seen || (!replace && (change.system & flag::seen) == 0)) return out;
    const bool set = change.mode != FlagChange::Mode::remove && (change.system & flag::seen) != 0;
    if (set_seen(mailbox, out->changed, set)) out->modseq = mailbox.rows->highest;
    return out;
  }

  /// My own \Seen. True when something changed.
  bool set_seen(Mailbox& mailbox, const UidSet& uids, bool set) {
    UidSet& seen = mailbox.seen[me_];
    const UidSet differs = set ? uids.minus(seen) : uids.intersect(seen);
    if (differs.empty()) return false;
    if (!set) seen = seen.minus(differs);
    for (const auto& range : differs.ranges()) {
      if (set) seen.add(range);
    }
    refresh_guests(*state_, mailbox.id);
    bump_rows(*state_, mailbox, differs);
    return true;
  }

  Result<FlagResult> change_rows(Mailbox& mailbox, const UidSet& uids, const FlagChange& change, std::uint64_t may) {
    Change edit(*state_, mailbox);
    auto mask = flag_mask(edit.head().keywords, change, [&] { return flags_in_use(*mailbox.rows); });
    if (!mask) return std::unexpected(mask.error());
    mask->keep |= ~may;
    mask->set &= may;
    FlagResult out{{}, {}, mailbox.rows->highest};
    bool any = edit.head().keywords != mailbox.rows->keywords;
    for (const Row& row : rows_in(*mailbox.rows, uids)) {
      if (change.unchanged_since && row.modseq > *change.unchanged_since) {
        out.modified.add(row.uid);
        continue;
      }
      out.changed.add(row.uid);
      if (mask->apply(row.flags) == row.flags) continue;
      edit.set_flags(row, mask->apply(row.flags));
      any = true;
    }
    if (!any) return out;
    out.modseq = edit.modseq();
    edit.commit();
    return out;
  }

  Result<UidSet> expunge_now(MailboxId id, const UidSet& uids, ExpungeMode mode) {
    const std::lock_guard lock(state_->mutex);
    const auto mailbox = writing(id, right::expunge);
    if (!mailbox) return std::unexpected(mailbox.error());
    UidSet out;
    for (const Row& row : rows_in(*(*mailbox)->rows, uids)) {
      if (mode == ExpungeMode::any || (row.flags & flag::deleted)) out.add(row.uid);
    }
    if (out.empty()) return out;
    Change edit(*state_, **mailbox);
    edit.remove(out);
    edit.commit();
    return out;
  }

  Result<Copied> copy_now(MailboxId from, const UidSet& uids, MailboxId to, CopyMode mode) {
    const std::lock_guard lock(state_->mutex);
    const Rights leave = mode == CopyMode::move ? right::remove_message | right::expunge : 0;
    const auto source = writing(from, right::read | leave);
    if (!source) return std::unexpected(source.error());
    const auto target = allow(*state_, {me_, to}, right::insert);
    if (!target) return std::unexpected(target.error());
    const auto rows = rows_in(*rows_for(*state_, me_, **source), uids);
    if (mode == CopyMode::copy) {
      std::uint64_t bytes = 0;
      for (const Row& row : rows) bytes += (*source)->messages.at(row.uid).content->size();
      if (auto room = state_->check_quota(state_->accounts.at((*target)->account), bytes, rows.size()); !room)
        return std::unexpected(room.error());
    }
    return transfer(**source, rows, **target, mode);
  }

  /// What a new message's flags become in a mailbox: those that I may not set go; \Seen may be my own.
  std::uint64_t settled(const Mailbox& mailbox, std::uint64_t flags) const {
    return mailbox.account == me_ ? flags : flags & writable_flags(grant_of(*state_, me_, mailbox), me_);
  }
  bool keeps_own_seen(const Mailbox& mailbox) const {
    const Grant grant = grant_of(*state_, me_, mailbox);
    return has_own_seen(grant, me_) && (grant.rights & right::seen) != 0;
  }

  Copied transfer(Mailbox& source, const std::vector<Row>& rows, Mailbox& target, CopyMode mode) {
    Copied out{target.rows->uidvalidity, {}, {}};
    if (rows.empty()) return out;
    std::uint64_t used = 0;
    for (const Row& row : rows) used |= row.flags;
    UidSet seen;
    Change edit(*state_, target);
    const KeywordMap map =
        map_keywords(source.rows->keywords, used, edit.head().keywords, [&] { return flags_in_use(*target.rows); });
    for (const Row& row : rows) {
      const Message message = source.messages.at(row.uid);
      out.from.add(row.uid);
      const Uid uid = edit.add(message, settled(target, map.apply(row.flags)));
      out.to.add(uid);
      if ((row.flags & flag::seen) != 0) seen.add(uid);
    }
    if (mode == CopyMode::move && &source == &target) edit.remove(out.from);
    edit.commit();
    if (keeps_own_seen(target)) set_seen(target, seen, true);
    if (mode == CopyMode::move && &source != &target) {
      Change leave(*state_, source);
      leave.remove(out.from);
      leave.commit();
    }
    return out;
  }

  Result<Appended> append_now(MailboxId id, std::vector<NewMessage> messages) {
    const std::lock_guard lock(state_->mutex);
    const auto mailbox = writing(id, right::insert);
    if (!mailbox) return std::unexpected(mailbox.error());
    if (auto room = has_quota_for((*mailbox)->account, messages); !room) return std::unexpected(room.error());
    const bool foreign = (*mailbox)->account != me_;
    if (foreign) {
      for (auto& message : messages) {
        message.import.reset();
        if ((grant_of(*state_, me_, **mailbox).rights & right::write) == 0) message.keywords.clear();
      }
    }
    UidSet seen;
    SnapshotEdit trial(*(*mailbox)->rows);
    std::vector<std::uint64_t> flags;
    std::uint64_t used = 0;
    for (const auto& message : messages) {
      const auto bits =
          assign_keywords(trial.head().keywords, message.keywords, [&] { return used | flags_in_use(*(*mailbox)->rows); });
      if (!bits) return std::unexpected(bits.error());
      flags.push_back((message.flags & flag::system_mask) | *bits);
      used |= flags.back();
    }
    Appended out{(*mailbox)->rows->uidvalidity, {}};
    if (messages.empty()) return out;
    Change edit(*state_, **mailbox);
    edit.head().keywords = trial.head().keywords;
    auto& journal = state_->accounts.at(me_).imported;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (messages[i].import && !journal.insert(messages[i].import->key).second) continue;
      auto content = std::make_shared<Content>(Content{std::move(messages[i].body), std::move(messages[i].meta), {}});
      const Uid uid = edit.add(Message{std::move(content), messages[i].internal_date}, settled(**mailbox, flags[i]));
      out.uids.add(uid);
      if ((flags[i] & flag::seen) != 0) seen.add(uid);
    }
    edit.commit();
    if (keeps_own_seen(**mailbox)) set_seen(**mailbox, seen, true);
    return out;
  }

  /// The quota for those messages that it holds for.
  Result<> has_quota_for(AccountId owner, const std::vector<NewMessage>& messages) {
    std::uint64_t bytes = 0;
    std::uint64_t count = 0;
    for (const auto& message : messages) {
      if (message.import && message.import->beyond_quota) continue;
      bytes += message.body->size();
      ++count;
    }
    return count == 0 ? Result<>() : state_->check_quota(state_->accounts.at(owner), bytes, count);
  }

  Result<std::vector<bool>> imported_now(const std::vector<std::string>& keys) {
    const std::lock_guard lock(state_->mutex);
    const auto account = reading();
    if (!account) return std::unexpected(account.error());
    if (keys.size() > max_info_rows) return fail(ErrorKind::limit, "more than 1000 import keys asked for at once");
    std::vector<bool> out;
    for (const auto& key : keys) out.push_back((*account)->imported.contains(key));
    return out;
  }

  std::shared_ptr<State> state_;
  const mail::Identity identity_;
  const AccountId me_;
};

}  // namespace

std::unique_ptr<Session> make_session(std::shared_ptr<State> state, const mail::Identity& identity) {
  return std::make_unique<MemorySession>(std::move(state), identity);
}

}  // namespace postern::store::memory
