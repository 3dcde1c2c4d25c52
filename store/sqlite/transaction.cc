// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/transaction.h"

#include <algorithm>

#include "store/account_text.h"

namespace postern::store::sqlite {

namespace {

/// States kept between batches; above this they are read again.
constexpr std::size_t max_cached_states = 100'000;

/// As before the command; the batch may still write it.
template <class Undo>
void take_back(Undo& undo) {
  for (auto& [state, before] : undo) {
    *state = std::move(before);
    state->touched.dirty = true;
  }
}

template <class State>
void clear_marks(const std::vector<State*>& dirty) {
  for (State* state : dirty) state->touched.dirty = false;
}

}  // namespace

Keywords read_keywords(Database& db, MailboxId mailbox) {
  Keywords names;
  auto row = db.query("SELECT bit, name FROM keyword WHERE mailbox=?1 ORDER BY bit", mailbox);
  while (row.step()) {
    const auto index = static_cast<std::size_t>(row.integer(0)) - flag::first_keyword;
    if (index >= flag::max_keywords) continue;
    names.resize(index + 1);
    names[index] = row.text(1);
  }
  return names;
}

AccountState* Transaction::account(AccountId id) {
  if (const auto it = accounts_.find(id); it != accounts_.end()) return it->second->gone ? nullptr : it->second.get();
  auto row = db_.query("SELECT login, used_bytes, used_messages, quota_bytes, quota_messages FROM account WHERE id=?1", id);
  if (!row.step()) return nullptr;
  auto state = std::make_unique<AccountState>();
  state->id = id;
  state->login = row.text(0);
  state->quota = {row.unsigned_integer(1), row.unsigned_integer(2), row.unsigned_integer(3), row.unsigned_integer(4)};
  state->domain = &domain(std::string(domain_of_login(state->login)));
  return accounts_.emplace(id, std::move(state)).first->second.get();
}

/// Read before the first account of the domain can change in memory, so the sum of the rows is the truth.
DomainState& Transaction::domain(const std::string& name) {
  if (const auto it = domains_.find(name); it != domains_.end()) return *it->second;
  auto state = std::make_unique<DomainState>();
  state->name = name;
  auto used = db_.query("SELECT total(used_bytes), total(used_messages) FROM account WHERE domain=?1", name);
  if (used.step()) state->quota = {used.unsigned_integer(0), used.unsigned_integer(1), 0, 0};
  auto limit = db_.query("SELECT quota_bytes, quota_messages FROM domain WHERE name=?1", name);
  if (limit.step()) {
    state->quota.limit_bytes = limit.unsigned_integer(0);
    state->quota.limit_messages = limit.unsigned_integer(1);
  }
  return *domains_.emplace(name, std::move(state)).first->second;
}

MailboxState* Transaction::mailbox(MailboxId id) {
  if (const auto it = mailboxes_.find(id); it != mailboxes_.end()) return it->second->gone ? nullptr : it->second.get();
  auto row = db_.query(
      "SELECT account, uidvalidity, uidnext, highest, recent_uid, vanished_floor, messages, unseen, deleted, bytes "
      "FROM mailbox WHERE id=?1",
      id);
  if (!row.step()) return nullptr;
  auto state = std::make_unique<MailboxState>();
  state->id = id;
  state->account = static_cast<AccountId>(row.integer(0));
  state->uidvalidity = static_cast<std::uint32_t>(row.integer(1));
  state->uidnext = static_cast<Uid>(row.integer(2));
  state->highest = row.unsigned_integer(3);
  state->recent_uid = static_cast<Uid>(row.integer(4));
  state->vanished_floor = row.unsigned_integer(5);
  state->messages = row.unsigned_integer(6);
  state->unseen = row.unsigned_integer(7);
  state->deleted = row.unsigned_integer(8);
  state->bytes = row.unsigned_integer(9);
  state->keywords = std::make_shared<const Keywords>(read_keywords(db_, id));
  state->frozen = db_.integer(0, "SELECT 1 FROM copying WHERE target=?1 OR (source=?1 AND moves=1)", id) != 0;
  return mailboxes_.emplace(id, std::move(state)).first->second.get();
}

MailboxState* Transaction::mailbox(AccountId account, MailboxId id) {
  MailboxState* state = mailbox(id);
  return state && state->account == account ? state : nullptr;
}

MailboxState* Transaction::find(AccountId account, std::string_view name) {
  name_key_.clear();
  fmt::format_to(std::back_inserter(name_key_), "{}/{}", account, name);
  if (const auto it = names_.find(name_key_); it != names_.end()) return mailbox(it->second);
  const auto id = db_.integer(0, "SELECT id FROM mailbox WHERE account=?1 AND name=?2", account, name);
  if (id == 0) return nullptr;
  names_.emplace(name_key_, static_cast<MailboxId>(id));
  return mailbox(static_cast<MailboxId>(id));
}

/// design.md §7: from max(last + 1, now), so that no two mailboxes ever share one.
std::uint32_t Transaction::next_uidvalidity() {
  const auto last = db_.integer(0, "SELECT v FROM sys WHERE k='uidvalidity'");
  const auto next = std::max<std::int64_t>(last + 1, now());
  db_.run("UPDATE sys SET v=?1 WHERE k='uidvalidity'", next);
  return static_cast<std::uint32_t>(next);
}

MailboxState& Transaction::make_mailbox(AccountId account, std::string_view name, SpecialUse use) {
  const std::uint32_t uidvalidity = next_uidvalidity();
  db_.run("INSERT INTO mailbox(account, name, special_use, uidvalidity) VALUES (?1,?2,?3,?4)", account, name, use, uidvalidity);
  const auto id = static_cast<MailboxId>(db_.last_id());
  auto state = std::make_unique<MailboxState>();
  state->id = id;
  state->account = account;
  state->uidvalidity = uidvalidity;
  state->keywords = std::make_shared<const Keywords>();
  made_.push_back(id);
  return *(mailboxes_[id] = std::move(state));
}

template <class State>
void Transaction::note(State& state, Undo<State>& undo, std::vector<State*>& dirty) {
  if (state.touched.saved_for != command_) {
    undo.emplace_back(&state, state);
    state.touched.saved_for = command_;
  }
  if (state.touched.dirty) return;
  state.touched.dirty = true;
  dirty.push_back(&state);
}

void Transaction::touch(AccountState& account) { note(account, undo_accounts_, dirty_accounts_); }

void Transaction::touch(DomainState& domain) { note(domain, undo_domains_, dirty_domains_); }

void Transaction::charge(AccountState& account, std::int64_t bytes, std::int64_t messages) {
  touch(account);
  touch(*account.domain);
  for (Quota* quota : {&account.quota, &account.domain->quota}) {
    quota->used_bytes += static_cast<std::uint64_t>(bytes);
    quota->used_messages += static_cast<std::uint64_t>(messages);
  }
}

void Transaction::touch(MailboxState& mailbox) {
  require_thawed(mailbox);
  note(mailbox, undo_mailboxes_, dirty_mailboxes_);
}

void Transaction::require_thawed(const MailboxState& mailbox) const {
  if (!mailbox.frozen) return;
  if (std::find(permitted_.begin(), permitted_.end(), mailbox.id) == permitted_.end()) throw Frozen();
}

void Transaction::freeze(MailboxState& mailbox, bool frozen) {
  permit(mailbox);
  touch(mailbox);
  mailbox.frozen = frozen;
}

ModSeq Transaction::next_modseq(MailboxState& mailbox) {
  touch(mailbox);
  return ++mailbox.highest;
}

void Transaction::set_keywords(MailboxState& mailbox, Keywords names) {
  if (names == *mailbox.keywords) return;
  touch(mailbox);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i < mailbox.keywords->size() && names[i] == (*mailbox.keywords)[i]) continue;
    const auto bit = flag::first_keyword + i;
    if (names[i].empty()) {
      db_.run("DELETE FROM keyword WHERE mailbox=?1 AND bit=?2", mailbox.id, bit);
    } else {
      db_.run("INSERT OR REPLACE INTO keyword(mailbox, bit, name) VALUES (?1,?2,?3)", mailbox.id, bit, names[i]);
    }
  }
  mailbox.keywords = std::make_shared<const Keywords>(std::move(names));
}

void Transaction::mailbox_gone(MailboxState& mailbox) {
  touch(mailbox);
  mailbox.gone = true;
  names_.clear();
}

void Transaction::account_gone(AccountState& account) {
  touch(account);
  account.gone = true;
  gone_accounts_.push_back(account.id);
}

void Transaction::queue_changed(std::int64_t depth_by, bool signal) {
  depth_change_ += depth_by;
  queue_signal_ = queue_signal_ || signal;
}

std::int64_t Transaction::add_blob(const NewBody& body, std::int64_t refs) {
  const Placement& place = body.place;
  if (!body.placed) throw SqlError{{ErrorKind::internal, "a body without a place"}};
  const bool own_file = place.offset == 0;
  if (own_file) {
    db_.run("INSERT INTO segment(id, kind, state, bytes) VALUES (?1,1,1,?2)", place.segment, body.record_size());
  }
  const std::int64_t id = next_blob();
  db_.run("INSERT INTO blob(id, seg, off, len, osize, codec, refs, sum) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)", id, place.segment,
          place.offset, place.length, body.body->size(), place.codec, refs, static_cast<std::int64_t>(place.checksum));
  return id;
}

/// Never one that was used before: `sys` gets the next one in the transaction of the batch.
std::int64_t Transaction::next_blob() {
  if (next_blob_ == 0) next_blob_ = written_blob_ = db_.integer(1, "SELECT v FROM sys WHERE k='next_blob'");
  return next_blob_++;
}

void Transaction::release_blob(std::int64_t blob, std::int64_t refs) {
  SegmentId segment = 0;
  std::uint64_t length = 0;
  {
    auto row = db_.query("UPDATE blob SET refs=refs-?2 WHERE id=?1 RETURNING refs, seg, len", blob, refs);
    if (!row.step() || row.integer(0) > 0) return;
    segment = row.unsigned_integer(1);
    length = row.unsigned_integer(2);
  }
  db_.run("DELETE FROM blob WHERE id=?1", blob);
  add_dead(segment, length);
  drop_if_empty(segment);
}

/// The file itself is removed after the batch is durable.
void Transaction::drop_if_empty(SegmentId segment) {
  if (db_.integer(0, "SELECT 1 FROM blob WHERE seg=?1 LIMIT 1", segment) != 0) return;
  const auto gone =
      db_.run("DELETE FROM segment WHERE id=?1 AND state!=0 AND NOT EXISTS (SELECT 1 FROM pin WHERE segment=?1 AND until>?2)",
              segment, now());
  if (gone > 0)
    dead_segments_.push_back(segment);
  else
    db_.run("UPDATE segment SET state=2 WHERE id=?1 AND state=1", segment);
}

void Transaction::drop_retired() {
  db_.run("DELETE FROM pin WHERE until<=?1", now());
  std::vector<SegmentId> retired;
  {
    auto row =
        db_.query("SELECT id FROM segment WHERE state=2 OR (state=1 AND NOT EXISTS (SELECT 1 FROM blob WHERE seg=segment.id))");
    while (row.step()) retired.push_back(row.unsigned_integer(0));
  }
  for (const SegmentId id : retired) drop_if_empty(id);
}

void Transaction::add_dead(SegmentId segment, std::uint64_t bytes) {
  db_.run("UPDATE segment SET dead=dead+?2 WHERE id=?1", segment, bytes);
}

void Transaction::begin_command() {
  ++command_;
  permitted_.clear();
  undo_mailboxes_.clear();
  undo_accounts_.clear();
  undo_domains_.clear();
  made_.clear();
  mark_ = {changes_.size(), gone_accounts_.size(), dead_segments_.size(), depth_change_, queue_signal_};
}

void Transaction::undo_command() {
  take_back(undo_mailboxes_);
  take_back(undo_accounts_);
  take_back(undo_domains_);
  for (const MailboxId id : made_) {
    std::erase(dirty_mailboxes_, mailboxes_.at(id).get());
    mailboxes_.erase(id);
  }
  names_.clear();
  changes_.resize(mark_.changes);
  gone_accounts_.resize(mark_.gone_accounts);
  dead_segments_.resize(mark_.dead_segments);
  depth_change_ = mark_.depth;
  queue_signal_ = mark_.signal;
  begin_command();
}

void Transaction::flush() {
  for (const MailboxState* m : dirty_mailboxes_) {
    if (m->gone) continue;
    db_.run(
        "UPDATE mailbox SET uidnext=?2, highest=?3, recent_uid=?4, vanished_floor=?5, messages=?6, unseen=?7, deleted=?8, "
        "bytes=?9 WHERE id=?1",
        m->id, m->uidnext, m->highest, m->recent_uid, m->vanished_floor, m->messages, m->unseen, m->deleted, m->bytes);
  }
  for (const AccountState* a : dirty_accounts_) {
    db_.run("UPDATE account SET used_bytes=?2, used_messages=?3 WHERE id=?1", a->id, a->quota.used_bytes, a->quota.used_messages);
  }
  if (next_blob_ != written_blob_) db_.run("UPDATE sys SET v=?1 WHERE k='next_blob'", next_blob_);
  written_blob_ = next_blob_;
}

void Transaction::end_batch(bool keep_states) {
  if (!keep_states) next_blob_ = written_blob_ = 0;
  const bool drop = !keep_states || mailboxes_.size() + accounts_.size() + names_.size() > max_cached_states;
  if (drop) {
    accounts_.clear();
    domains_.clear();
    mailboxes_.clear();
    names_.clear();
  } else {
    clear_marks(dirty_mailboxes_);
    clear_marks(dirty_accounts_);
    clear_marks(dirty_domains_);
    for (const AccountId id : gone_accounts_) accounts_.erase(id);
    for (const MailboxState* m : std::vector<MailboxState*>(std::move(dirty_mailboxes_))) {
      if (m->gone) mailboxes_.erase(m->id);
    }
  }
  changes_.clear();
  dirty_mailboxes_.clear();
  dirty_accounts_.clear();
  dirty_domains_.clear();
  gone_accounts_.clear();
  text_left_.clear();
  guests_of_.clear();
  announced_.clear();
  renamed_ = false;
  dead_segments_.clear();
  depth_change_ = 0;
  queue_signal_ = false;
  begin_command();
}

}  // namespace postern::store::sqlite
