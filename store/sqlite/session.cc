// SPDX-License-Identifier: Apache-2.0
// Sessions of the real store. Reads go to a lane, writes to the writer; each call checks there, in the same transaction, that
// the mailbox is the account's own (security.md D91).
#include "store/mailbox_name.h"
#include "store/messages.h"
#include "store/particulars.h"
#include "store/sqlite/big_copy.h"
#include "store/sqlite/core.h"
#include "store/sqlite/imports.h"
#include "store/sqlite/mailboxes.h"
#include "store/sqlite/message_reads.h"
#include "store/sqlite/messages.h"
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

class SqliteSession final : public Session, public TextSearch {
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
    auto canonical = canonical_mailbox(name);
    if (!canonical) co_return no_mailbox();
    co_return co_await core_.short_lane->run<MailboxInfo>(
        [core = &core_, me = me_, canonical = std::move(*canonical)](Database& db) -> Result<MailboxInfo> {
          auto info = read_mailbox(db, me, canonical);
          if (!info) return no_mailbox();
          count_recent(*core, db, *info);
          return std::move(*info);
        });
  }

  Task<Result<MailboxInfo>> create(std::string name, SpecialUse use) override {
    auto canonical = canonical_mailbox(name);
    if (!canonical) co_return std::unexpected(canonical.error());
    co_return co_await core_.writer->run<MailboxInfo>([me = me_, canonical = std::move(*canonical), use](Transaction& tx, auto) {
      return create_mailbox(tx, me, canonical, use);
    });
  }

  Task<Result<>> remove(std::string name) override {
    auto canonical = canonical_mailbox(name);
    if (!canonical) co_return no_mailbox();
    co_return co_await core_.writer->run<void>(
        [me = me_, canonical = std::move(*canonical)](Transaction& tx, auto) { return remove_mailbox(tx, me, canonical); });
  }

  Task<Result<>> rename(std::string from, std::string to) override {
    auto source = canonical_mailbox(from);
    if (!source) co_return no_mailbox();
    auto target = canonical_mailbox(to);
    if (!target) co_return std::unexpected(target.error());
    co_return co_await core_.writer->run<void>([me = me_, source = std::move(*source), target = std::move(*target)](
                                                   Transaction& tx, auto) { return rename_mailbox(tx, me, source, target); });
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
    const auto small = co_await core_.short_lane->run<std::optional<WatchPtr>>(
        [core = &core_, me = me_, mailbox](Database& db) { return load_watch(*core, db, {me, mailbox, max_short_rows}); });
    if (!small) co_return std::unexpected(small.error());
    if (small->has_value()) co_return std::shared_ptr<Watch>(small->value());
    auto large = co_await load_in_slices(core_, {me_, mailbox, slice_rows});
    if (!large) co_return std::unexpected(large.error());
    co_return std::shared_ptr<Watch>(std::move(*large));
  }

  Task<Result<Uid>> take_recent(MailboxId mailbox) override {
    const auto watch = co_await open(mailbox);
    if (!watch) co_return std::unexpected(watch.error());
    const auto before = core_.recent.take(mailbox, static_cast<const WatchState&>(**watch));
    if (!before) co_return no_mailbox();
    co_return *before;
  }

  Task<Result<UidSet>> vanished_since(MailboxId mailbox, ModSeq since) override {
    co_return co_await core_.short_lane->run<UidSet>([me = me_, mailbox, since](Database& db) -> Result<UidSet> {
      if (!owns(db, me, mailbox)) return no_mailbox();
      return read_vanished(db, mailbox, since);
    });
  }

  Task<Result<std::vector<MessageInfo>>> info(MailboxId mailbox, UidSet uids, MetaFields fields) override {
    using Infos = std::vector<MessageInfo>;
    co_return co_await core_.short_lane->run<Infos>(
        [me = me_, mailbox, uids = std::move(uids), fields](Database& db) -> Result<Infos> {
          if (!owns(db, me, mailbox)) return no_mailbox();
          return read_infos(db, mailbox, uids, fields);
        });
  }

  Task<Result<std::vector<Particulars>>> particulars(MailboxId mailbox, UidSet uids) override {
    using All = std::vector<Particulars>;
    co_return co_await core_.short_lane->run<All>([me = me_, mailbox, uids = std::move(uids)](Database& db) -> Result<All> {
      if (!owns(db, me, mailbox)) return no_mailbox();
      return read_particulars(db, me, mailbox, uids);
    });
  }

  Task<Result<std::string>> object_id(MailboxId mailbox) override {
    co_return co_await core_.short_lane->run<std::string>([me = me_, mailbox](Database& db) -> Result<std::string> {
      if (!owns(db, me, mailbox)) return no_mailbox();
      return make_object_id('F', {store_id(db), std::to_string(mailbox)});
    });
  }

  Task<Result<std::unique_ptr<BodyReader>>> body(MailboxId mailbox, Uid uid) override {
    using Reader = std::unique_ptr<BodyReader>;
    co_return co_await core_.short_lane->run<Reader>([core = &core_, me = me_, mailbox, uid](Database& db) -> Result<Reader> {
      if (!owns(db, me, mailbox)) return no_mailbox();
      const auto id = message_id(mailbox, uid);
      auto location = locate_message(db, id);
      if (!location) location = locate_expunged(db, id, core->clock.unix_now() - core->undelete_window.count());
      if (!location) return fail(ErrorKind::not_found, "no such message");
      return open_body(core->folder, *core->long_lane, std::move(*location));
    });
  }

  Task<Result<ReadTexts>> read(MailboxId mailbox, UidSet uids, ReadLimit limit) override {
    co_return co_await core_.short_lane->run<ReadTexts>(
        [core = &core_, me = me_, mailbox, uids = std::move(uids), limit](Database& db) -> Result<ReadTexts> {
          if (!owns(db, me, mailbox)) return no_mailbox();
          return read_texts(*core, db, {mailbox, uids, limit});
        });
  }

  Task<Result<TextTruths>> search_text(TextCandidates where, TextQuery query) override {
    co_return co_await sqlite::search_text(core_, *this, std::move(where), std::move(query));
  }

  Task<Result<FlagResult>> store_flags(MailboxId mailbox, UidSet uids, FlagChange change) override {
    co_return co_await core_.writer->run<FlagResult>(
        [me = me_, mailbox, uids = std::move(uids), change = std::move(change)](Transaction& tx, auto) -> Result<FlagResult> {
          MailboxState* state = tx.mailbox(me, mailbox);
          if (!state) return no_mailbox();
          return sqlite::store_flags(tx, *state, uids, change);
        });
  }

  Task<Result<UidSet>> expunge(MailboxId mailbox, UidSet uids, ExpungeMode mode) override {
    co_return co_await core_.writer->run<UidSet>(
        [me = me_, mailbox, uids = std::move(uids), mode](Transaction& tx, auto) -> Result<UidSet> {
          MailboxState* state = tx.mailbox(me, mailbox);
          if (!state) return no_mailbox();
          return sqlite::expunge(tx, *state, uids, mode);
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
    for (const auto& message : messages) bodies.push_back({message.body, arrival_text(me_, mailbox, message), {}, false});
    auto prepared = co_await core_.prepare(std::move(bodies));
    if (!prepared) co_return std::unexpected(prepared.error());
    auto work = [me = me_, mailbox, messages = std::move(messages)](Transaction& tx,
                                                                    std::span<const NewBody> placed) -> Result<Appended> {
      MailboxState* state = tx.mailbox(me, mailbox);
      if (!state) return no_mailbox();
      return sqlite::append(tx, *state, messages, placed);
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

 private:
  Core& core_;
  const mail::Identity identity_;
  const AccountId me_;
};

}  // namespace

std::unique_ptr<Session> make_session(Core& core, const mail::Identity& identity) {
  return std::make_unique<SqliteSession>(core, identity);
}

}  // namespace postern::store::sqlite
