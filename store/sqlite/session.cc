// SPDX-License-Identifier: Apache-2.0
// Sessions of the real store. Reads go to a lane, writes to the writer; each call checks there, in the same transaction, that
// the account has the right it needs (access.h; security.md D91).
#include <unordered_map>

#include "store/mailbox_name.h"
#include "store/messages.h"
#include "store/particulars.h"
#include "store/sqlite/big_copy.h"
#include "store/sqlite/core.h"
#include "store/sqlite/imports.h"
#include "store/sqlite/mailboxes.h"
#include "store/sqlite/message_reads.h"
#include "store/sqlite/messages.h"
#include "store/sqlite/sharing_writes.h"
#include "store/sqlite/text_lookup.h"

namespace postern::store::sqlite {

namespace {

std::unexpected<Error> no_account() { return fail(ErrorKind::not_found, "no such account"); }
std::unexpected<Error> no_mailbox() { return fail(ErrorKind::not_found, "no such mailbox"); }

/// Sessions may have taken \Recent since the database was written.
void count_recent(const Core& core, Database& db, MailboxInfo& info) {
  const Uid ahead = core.recent.ahead(info.id);
  if (ahead == 0 || info.recent == 0) return;
  const auto recent = db.integer(0, "SELECT count(*) FROM message WHERE id BETWEEN ?1 AND ?2", message_id(info.id, ahead) + 1,
                                 message_id(info.id, UINT32_MAX));
  info.recent = std::min(info.recent, static_cast<std::uint32_t>(recent));
}

/// A mailbox as the account calls it.
struct Found {
  AccountId owner = 0;
  MailboxInfo info;
};
struct Naming {
  AccountId account = 0;
  const std::string& name;
};

/// Counters as this account may see them.
void adapt_counters(Database& db, Visit visit, const Grant& grant, MailboxInfo& info) {
  if (grant.owner == visit.account) return;
  info.use = SpecialUse::none;  // RFC 6154 tells a client of its own Sent and Trash
  if ((grant.rights & right::read) == 0) {
    info.messages = info.unseen = info.deleted = info.recent = 0;
    info.bytes = 0;
    return;
  }
  if (!grant.seen_each) return;
  std::uint32_t seen = 0;
  for (const auto& range : read_seen(db, visit).ranges()) {
    seen += static_cast<std::uint32_t>(db.integer(0, "SELECT count(*) FROM message WHERE id BETWEEN ?1 AND ?2",
                                                  message_id(info.id, range.lo), message_id(info.id, range.hi)));
  }
  info.unseen = info.messages - std::min(seen, info.messages);
}

Result<Found> find_mailbox(Core& core, Database& db, const Naming& naming) {
  const auto place = place_of(db, naming.account, naming.name);
  if (!place || !*place) return no_mailbox();
  auto info = read_mailbox(db, (*place)->owner, (*place)->name);
  if (!info) return no_mailbox();
  const Visit visit{naming.account, info->id};
  const Grant grant = grant_of(db, visit);
  if ((grant.rights & right::known) == 0) return no_mailbox();
  count_recent(core, db, *info);
  adapt_counters(db, visit, grant, *info);
  if (grant.owner != naming.account) info->name = naming.name;
  return Found{grant.owner, std::move(*info)};
}

/// The right to read, and the guest's picture for whoever announced it to the table of guests before.
Result<Grant> enter(Core& core, Database& db, Visit visit) {
  auto grant = allow(db, visit, right::read);
  if (grant && grant->owner != visit.account) {
    core.guests.set(
        {visit.account, visit.mailbox},
        {.may_read = true, .seen_each = grant->seen_each, .seen = grant->seen_each ? read_seen(db, visit) : UidSet()});
  }
  return grant;
}

Result<std::vector<Found>> read_shared(Core& core, Database& db, AccountId me) {
  std::vector<Found> out;
  const auto my_domain = domain_of(db, me);
  for (const MailboxId mailbox : granted_mailboxes(db, me)) {
    const Visit visit{me, mailbox};
    const Grant grant = grant_of(db, visit);
    if ((grant.rights & right::lookup) == 0) continue;
    std::string own_name;
    {
      auto row = db.query("SELECT name FROM mailbox WHERE id=?1", mailbox);
      if (row.step()) own_name = row.text(0);
    }
    auto info = read_mailbox(db, grant.owner, own_name);
    if (!info) continue;
    info->name = name_for(db, my_domain, {grant.owner, own_name});
    count_recent(core, db, *info);
    adapt_counters(db, visit, grant, *info);
    out.push_back({grant.owner, std::move(*info)});
  }
  // An own mailbox of the namespace's name hides it.
  std::erase_if(out, [&](const Found& one) {
    const auto place = place_of(db, me, one.info.name);
    return !place || !*place || (*place)->owner != one.owner;
  });
  std::ranges::sort(out, {}, [](const Found& one) { return one.info.name; });
  return out;
}

class SqliteSession final : public Session, public TextSearch, public Sharing {
 public:
  SqliteSession(Core& core, const mail::Identity& identity) : core_(core), identity_(identity), me_(identity_.account()) {}

  const mail::Identity& identity() const override { return identity_; }
  Quota quota() override { return core_.quotas->account(me_); }

  Task<Result<std::vector<MailboxInfo>>> list() override {
    using Infos = std::vector<MailboxInfo>;
    co_return co_await core_.short_lane->run<Infos>([core = &core_, me = me_](Database& db) -> Result<Infos> {
      auto infos = read_mailboxes(db, me);
      if (infos.empty()) return no_account();
      for (auto& info : infos) count_recent(*core, db, info);
      return infos;
    });
  }

  Task<Result<MailboxInfo>> status(std::string name) override {
    auto found = co_await core_.short_lane->run<Found>(
        [core = &core_, me = me_, name = std::move(name)](Database& db) { return find_mailbox(*core, db, {me, name}); });
    if (!found) co_return std::unexpected(found.error());
    if (found->owner != me_) owners_[found->info.id] = found->owner;
    co_return std::move(found->info);
  }

  Task<Result<MailboxId>> find(std::string name) override {
    const auto names = core_.names.load();
    if (found_.names == names && found_.name == name) co_return found_.id;
    const auto info = co_await status(name);
    if (!info) co_return std::unexpected(info.error());
    found_ = {names, std::move(name), info->id};
    co_return info->id;
  }

  Task<Result<MailboxInfo>> create(std::string name, SpecialUse use) override {
    auto made = co_await core_.writer->run<MailboxInfo>(
        [me = me_, name = std::move(name), use](Transaction& tx, auto) { return create_as(tx, me, name, use); });
    co_return made;
  }

  Task<Result<>> remove(std::string name) override {
    co_return co_await core_.writer->run<void>(
        [me = me_, name = std::move(name)](Transaction& tx, auto) { return remove_as(tx, me, name); });
  }

  Task<Result<>> rename(std::string from, std::string to) override {
    co_return co_await core_.writer->run<void>(
        [me = me_, names = Renaming{std::move(from), std::move(to)}](Transaction& tx, auto) { return rename_as(tx, me, names); });
  }

  Task<Result<>> subscribe(std::string name, bool on) override {
    auto canonical = canonical_mailbox(name);
    if (!canonical) co_return std::unexpected(canonical.error());
    co_return co_await core_.writer->run<void>([me = me_, canonical = std::move(*canonical), on](Transaction& tx, auto) {
      return sqlite::subscribe(tx, me, canonical, on);
    });
  }

  Task<Result<std::vector<std::string>>> subscriptions() override {
    using Names = std::vector<std::string>;
    co_return co_await core_.short_lane->run<Names>([me = me_](Database& db) -> Result<Names> {
      if (!account_exists(db, me)) return no_account();
      return read_subscriptions(db, me);
    });
  }

  Task<Result<std::shared_ptr<Watch>>> open(MailboxId mailbox) override {
    if (auto cached = core_.cache.find(me_, mailbox)) co_return std::shared_ptr<Watch>(std::move(cached));
    if (!owners_.contains(mailbox)) {
      auto own = co_await load(me_, mailbox);
      if (own) co_return std::shared_ptr<Watch>(std::move(*own));
      if (own.error().kind != ErrorKind::not_found) co_return std::unexpected(own.error());
    }
    auto state = core_.guests.enter({me_, mailbox});
    const auto grant = co_await core_.short_lane->run<Grant>(
        [core = &core_, me = me_, mailbox](Database& db) { return enter(*core, db, {me, mailbox}); });
    if (!grant) co_return std::unexpected(grant.error());
    auto watch = core_.cache.find(grant->owner, mailbox);
    if (!watch) {
      auto loaded = co_await load(grant->owner, mailbox);
      if (!loaded) co_return std::unexpected(loaded.error());
      watch = std::move(*loaded);
    }
    co_return std::make_shared<GuestWatch>(std::move(watch), std::move(state));
  }

  Task<Result<Uid>> take_recent(MailboxId mailbox) override {
    const auto watch = co_await open(mailbox);
    if (!watch) co_return std::unexpected(watch.error());
    const auto before = core_.recent.take(mailbox, **watch);
    if (!before) co_return no_mailbox();
    co_return *before;
  }

  Task<Result<UidSet>> vanished_since(MailboxId mailbox, ModSeq since) override {
    co_return co_await core_.short_lane->run<UidSet>([me = me_, mailbox, since](Database& db) -> Result<UidSet> {
      if (auto right = allow(db, {me, mailbox}, right::read); !right) return std::unexpected(right.error());
      return read_vanished(db, mailbox, since);
    });
  }

  Task<Result<std::vector<MessageInfo>>> info(MailboxId mailbox, UidSet uids, MetaFields fields) override {
    using Infos = std::vector<MessageInfo>;
    co_return co_await core_.short_lane->run<Infos>(
        [core = &core_, me = me_, mailbox, uids = std::move(uids), fields](Database& db) -> Result<Infos> {
          if (auto right = allow(db, {me, mailbox}, right::read); !right) return std::unexpected(right.error());
          return read_infos(db, {mailbox, uids, fields, core->window_start()});
        });
  }

  Task<Result<std::vector<Particulars>>> particulars(MailboxId mailbox, UidSet uids) override {
    using All = std::vector<Particulars>;
    co_return co_await core_.short_lane->run<All>([me = me_, mailbox, uids = std::move(uids)](Database& db) -> Result<All> {
      if (auto right = allow(db, {me, mailbox}, right::read); !right) return std::unexpected(right.error());
      return read_particulars(db, me, mailbox, uids);
    });
  }

  Task<Result<std::string>> object_id(MailboxId mailbox) override {
    co_return co_await core_.short_lane->run<std::string>([me = me_, mailbox](Database& db) -> Result<std::string> {
      if (grant_of(db, {me, mailbox}).rights == 0) return no_mailbox();
      return make_object_id('F', {store_id(db), std::to_string(mailbox)});
    });
  }

  Task<Result<std::unique_ptr<BodyReader>>> body(MailboxId mailbox, Uid uid) override {
    using Reader = std::unique_ptr<BodyReader>;
    co_return co_await core_.short_lane->run<Reader>([core = &core_, me = me_, mailbox, uid](Database& db) -> Result<Reader> {
      if (auto right = allow(db, {me, mailbox}, right::read); !right) return std::unexpected(right.error());
      const auto id = message_id(mailbox, uid);
      auto location = locate_message(db, id);
      if (!location) location = locate_expunged(db, id, core->window_start());
      if (!location) return fail(ErrorKind::not_found, "no such message");
      return open_body(core->folder, *core->long_lane, std::move(*location));
    });
  }

  Task<Result<ReadTexts>> read(MailboxId mailbox, UidSet uids, ReadLimit limit) override {
    co_return co_await core_.short_lane->run<ReadTexts>(
        [core = &core_, me = me_, mailbox, uids = std::move(uids), limit](Database& db) -> Result<ReadTexts> {
          if (auto right = allow(db, {me, mailbox}, right::read); !right) return std::unexpected(right.error());
          return read_texts(*core, db, {mailbox, uids, limit});
        });
  }

  Task<Result<TextTruths>> search_text(TextCandidates where, TextQuery query) override {
    const AccountId owner = owner_of(where.mailbox);
    if (owner != me_) {
      const auto grant = co_await core_.short_lane->run<Grant>(
          [me = me_, mailbox = where.mailbox](Database& db) { return allow(db, {me, mailbox}, right::read); });
      if (!grant) co_return std::unexpected(grant.error());
    }
    co_return co_await sqlite::search_text(core_, {*this, owner}, std::move(where), std::move(query));
  }

  Task<Result<FlagResult>> store_flags(MailboxId mailbox, UidSet uids, FlagChange change) override {
    co_return co_await core_.writer->run<FlagResult>(
        [me = me_, mailbox, uids = std::move(uids), change = std::move(change)](Transaction& tx, auto) -> Result<FlagResult> {
          return store_flags_as(tx, {me, mailbox}, uids, change);
        });
  }

  Task<Result<UidSet>> expunge(MailboxId mailbox, UidSet uids, ExpungeMode mode) override {
    co_return co_await core_.writer->run<UidSet>(
        [me = me_, mailbox, uids = std::move(uids), mode](Transaction& tx, auto) -> Result<UidSet> {
          return expunge_as(tx, {me, mailbox}, uids, mode);
        });
  }

  Task<Result<Copied>> copy(MailboxId from, UidSet uids, MailboxId to, CopyMode mode) override {
    auto work = std::make_unique<BigCopy>(BigCopy::Order{me_, from, std::move(uids), to, mode});
    co_return co_await core_.writer->run_in_slices<Copied>([work = std::move(work)](Transaction& tx, const Error* failed) {
      return failed ? work->undo_step(tx, *failed) : work->step(tx);
    });
  }

  Task<Result<Appended>> append(MailboxId mailbox, std::vector<NewMessage> messages) override {
    std::vector<NewBody> bodies;
    bodies.reserve(messages.size());
    for (const auto& message : messages)
      bodies.push_back({message.body, arrival_text(owner_of(mailbox), mailbox, message), {}, false});
    auto prepared = co_await core_.prepare(std::move(bodies));
    if (!prepared) co_return std::unexpected(prepared.error());
    auto work = [me = me_, mailbox, messages = std::move(messages)](Transaction& tx,
                                                                    std::span<const NewBody> placed) mutable -> Result<Appended> {
      return append_as(tx, {me, mailbox}, messages, placed);
    };
    co_return co_await core_.writer->run<Appended>(std::move(work), std::move(*prepared));
  }

  Task<Result<std::vector<bool>>> imported(std::vector<std::string> keys) override {
    using Known = std::vector<bool>;
    if (keys.size() > max_info_rows) co_return fail(ErrorKind::limit, "more than 1000 import keys asked for at once");
    co_return co_await core_.short_lane->run<Known>([me = me_, keys = std::move(keys)](Database& db) -> Result<Known> {
      if (!account_exists(db, me)) return no_account();
      return read_imported(db, me, keys);
    });
  }

  Task<Result<std::vector<MailboxInfo>>> shared_with_me() override {
    using All = std::vector<Found>;
    auto found =
        co_await core_.short_lane->run<All>([core = &core_, me = me_](Database& db) { return read_shared(*core, db, me); });
    if (!found) co_return std::unexpected(found.error());
    std::vector<MailboxInfo> out;
    for (auto& one : *found) {
      owners_[one.info.id] = one.owner;
      out.push_back(std::move(one.info));
    }
    co_return out;
  }

  Task<Result<Grant>> grant(MailboxId mailbox) override {
    co_return co_await core_.short_lane->run<Grant>(
        [me = me_, mailbox](Database& db) { return allow_any(db, {me, mailbox}, right::all); });
  }

  Task<Result<std::vector<AclEntry>>> acl(MailboxId mailbox) override {
    co_return co_await core_.short_lane->run<std::vector<AclEntry>>(
        [me = me_, mailbox](Database& db) { return read_acl(db, {me, mailbox}); });
  }

  Task<Result<>> set_acl(MailboxId mailbox, AclChange change) override {
    co_return co_await core_.writer->run<void>([me = me_, mailbox, change = std::move(change)](Transaction& tx, auto) {
      return sqlite::set_acl(tx, {me, mailbox}, change);
    });
  }

  Task<Result<>> set_seen_each(MailboxId mailbox, bool on) override {
    co_return co_await core_.writer->run<void>(
        [me = me_, mailbox, on](Transaction& tx, auto) { return sqlite::set_seen_each(tx, {me, mailbox}, on); });
  }

  Task<Result<std::vector<Annotation>>> annotations(MailboxId mailbox) override {
    co_return co_await core_.short_lane->run<std::vector<Annotation>>(
        [me = me_, mailbox](Database& db) { return read_annotations(db, {me, mailbox}); });
  }

  Task<Result<>> annotate(MailboxId mailbox, std::vector<Annotation> changes) override {
    co_return co_await core_.writer->run<void>([me = me_, mailbox, changes = std::move(changes)](Transaction& tx, auto) {
      return sqlite::annotate(tx, {me, mailbox}, changes);
    });
  }

  std::shared_ptr<Feed> feed() override { return core_.feeds.open(me_); }

  Task<Result<Uid>> old_unique_ids_below(MailboxId mailbox) override {
    co_return co_await core_.short_lane->run<Uid>([me = me_, mailbox](Database& db) -> Result<Uid> {
      if (!owns(db, me, mailbox)) return no_mailbox();
      return static_cast<Uid>(db.integer(0, "SELECT old_uidl_below FROM mailbox WHERE id=?1", mailbox));
    });
  }

 private:
  Task<Result<WatchPtr>> load(AccountId owner, MailboxId mailbox) {
    auto small = co_await core_.short_lane->run<std::optional<WatchPtr>>(
        [core = &core_, owner, mailbox](Database& db) { return load_watch(*core, db, {owner, mailbox, max_short_rows}); });
    if (!small) co_return std::unexpected(small.error());
    if (small->has_value()) co_return std::move(small->value());
    co_return co_await load_in_slices(core_, {owner, mailbox, slice_rows});
  }
  /// Of mailboxes whose names this session has looked up; checked by every call again.
  AccountId owner_of(MailboxId mailbox) const {
    const auto found = owners_.find(mailbox);
    return found == owners_.end() ? me_ : found->second;
  }

  Core& core_;
  const mail::Identity identity_;
  const AccountId me_;
  std::unordered_map<MailboxId, AccountId> owners_;  ///< mailboxes of others
  struct {
    std::uint64_t names = 0;  ///< Core::names when it was looked up
    std::string name;
    MailboxId id = 0;
  } found_;
};

}  // namespace

std::unique_ptr<Session> make_session(Core& core, const mail::Identity& identity) {
  return std::make_unique<SqliteSession>(core, identity);
}

}  // namespace postern::store::sqlite
