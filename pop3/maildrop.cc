// SPDX-License-Identifier: Apache-2.0
#include "pop3/maildrop.h"

#include "base/cursor.h"
#include "store/particulars.h"
#include "store/sharing.h"

namespace postern::pop3 {

DropLocks::Lock& DropLocks::Lock::operator=(Lock&& other) noexcept {
  if (this != &other) {
    release();
    locks_ = std::exchange(other.locks_, nullptr);
    account_ = other.account_;
  }
  return *this;
}

void DropLocks::Lock::release() {
  if (!locks_) return;
  const std::lock_guard hold(locks_->mutex_);
  locks_->held_.erase(account_);
  locks_ = nullptr;
}

Result<DropLocks::Lock> DropLocks::take(store::AccountId account) {
  const std::lock_guard hold(mutex_);
  if (!held_.insert(account).second) return fail(ErrorKind::conflict, "another POP3 session has this maildrop");
  return Lock(*this, account);
}

std::chrono::seconds DropLocks::wait_of(store::AccountId account, std::chrono::seconds delay, Time now) const {
  const std::lock_guard hold(mutex_);
  const auto last = last_logins_.find(account);
  if (last == last_logins_.end()) return std::chrono::seconds(0);
  return std::chrono::ceil<std::chrono::seconds>(last->second + delay - now);
}

void DropLocks::note_login(store::AccountId account, Time now) {
  const std::lock_guard hold(mutex_);
  last_logins_[account] = now;
}

async::Task<Result<std::unique_ptr<Maildrop>>> Maildrop::open(DropLocks& locks, std::unique_ptr<store::Session> session,
                                                              Choice choice) {
  auto lock = locks.take(session->identity().account());
  if (!lock) co_return std::unexpected(lock.error());
  std::unique_ptr<Maildrop> drop(new Maildrop(std::move(*lock), std::move(session), std::move(choice)));
  if (auto read = co_await drop->read_list(); !read) co_return std::unexpected(read.error());
  co_return drop;
}

async::Task<Result<>> Maildrop::read_list() {
  auto mailboxes = co_await session_->list();
  if (!mailboxes) co_return std::unexpected(mailboxes.error());
  if (mailboxes->empty()) co_return fail(ErrorKind::not_found, "the account has no INBOX");
  for (Cursor in(choice_.folders); !in.at_end(); in.take(';')) {
    const auto found = std::ranges::find(*mailboxes, in.take_until(';'), &store::MailboxInfo::name);
    if (found == mailboxes->end()) continue;
    if (auto read = co_await read_folder(*found); !read) co_return std::unexpected(read.error());
  }
  if (folders_.empty()) co_return co_await read_folder(mailboxes->front());  // INBOX comes first
  co_return Result<>();
}

async::Task<Result<>> Maildrop::read_folder(const store::MailboxInfo& mailbox) {
  auto watch = co_await session_->open(mailbox.id);
  if (!watch) co_return std::unexpected(watch.error());
  const auto snapshot = (*watch)->latest();
  if (!snapshot) co_return fail(ErrorKind::not_found, "the folder " + mailbox.name + " went away");
  const auto key = co_await session_->object_id(mailbox.id);
  if (!key) co_return std::unexpected(key.error());
  const auto old_ids = co_await store::sharing_of(*session_).old_unique_ids_below(mailbox.id);
  if (!old_ids) co_return std::unexpected(old_ids.error());

  const std::size_t folder = folders_.size();
  folders_.push_back({mailbox.id, mailbox.name, snapshot->uidvalidity, *key, *old_ids});
  messages_.reserve(messages_.size() + snapshot->size());
  store::UidSet large;
  for (const auto& chunk : snapshot->chunks()) {
    for (const auto& row : *chunk) {
      messages_.push_back({row.uid, row.size_hint, folder, false});
      if (row.size_hint == UINT32_MAX) large.add(row.uid);
    }
  }
  co_return co_await read_large_sizes(folder, std::move(large));
}

// Sizes that do not fit the snapshot's 32 bits are asked for one by one.
async::Task<Result<>> Maildrop::read_large_sizes(std::size_t folder, store::UidSet uids) {
  for (const auto& range : uids.ranges()) {
    for (store::Uid uid = range.lo; uid <= range.hi; ++uid) {
      auto info = co_await session_->info(folders_[folder].id, store::UidSet{{uid, uid}}, store::meta_none);
      if (!info) co_return std::unexpected(info.error());
      for (auto& message : messages_) {
        if (!info->empty() && message.folder == folder && message.uid == uid) message.size = info->front().size;
      }
    }
  }
  co_return Result<>();
}

Maildrop::Message* Maildrop::find(std::uint32_t number) {
  if (number == 0 || number > messages_.size()) return nullptr;
  auto& message = messages_[number - 1];
  return message.deleted ? nullptr : &message;
}

std::size_t Maildrop::count() const {
  return static_cast<std::size_t>(std::ranges::count_if(messages_, [](const Message& m) { return !m.deleted; }));
}

std::uint64_t Maildrop::octets() const {
  std::uint64_t sum = 0;
  for (const auto& message : messages_) sum += message.deleted ? 0 : message.size;
  return sum;
}

// RFC 1939 §7
std::string Maildrop::unique_id(const Message& message) const {
  const Folder& folder = folders_[message.folder];
  const auto plain = fmt::format("{:x}.{:x}", folder.uidvalidity, message.uid);
  return message.uid < folder.old_ids ? plain : store::make_object_id('P', {folder.id_key, plain});
}

void Maildrop::reset() {
  for (auto& message : messages_) message.deleted = false;
}

async::Task<Result<std::unique_ptr<store::BodyReader>>> Maildrop::body(const Message& message) {
  co_return co_await session_->body(mailbox_of(message), message.uid);
}

async::Task<std::string_view> Maildrop::start_of(const Message& message) {
  const auto uid = message.uid;
  const auto find = [&] { return std::ranges::find(ahead_.texts, uid, &store::StoredText::uid); };
  if (ahead_folder_ != message.folder || find() == ahead_.texts.end()) {
    // Only who asked for the message before this one will ask for those behind it.
    const bool in_order = &message == messages_.data() || &message - 1 == last_asked_;
    const store::UidSet uids{{uid, in_order ? UINT32_MAX : uid}};
    ahead_ = {};
    ahead_folder_ = message.folder;
    auto texts = co_await session_->read(mailbox_of(message), uids, {.per_message = read_ahead, .total = read_ahead});
    if (texts) ahead_ = *std::move(texts);
  }
  last_asked_ = &message;
  const auto text = find();
  co_return text == ahead_.texts.end() ? std::string_view() : std::string_view(text->octets);
}

/// The folder that deleted mail goes to; made when the account has none.
async::Task<Result<store::MailboxId>> Maildrop::trash() {
  const auto mailboxes = co_await session_->list();
  if (!mailboxes) co_return std::unexpected(mailboxes.error());
  const auto found = std::ranges::find(*mailboxes, store::SpecialUse::trash, &store::MailboxInfo::use);
  if (found != mailboxes->end()) co_return found->id;
  const auto named = std::ranges::find(*mailboxes, "Trash", &store::MailboxInfo::name);
  if (named != mailboxes->end()) co_return named->id;
  const auto made = co_await session_->create("Trash", store::SpecialUse::trash);
  if (!made) co_return std::unexpected(made.error());
  co_return made->id;
}

// Each folder in one durable step.
async::Task<Result<>> Maildrop::commit() {
  for (std::size_t folder = 0; folder < folders_.size(); ++folder) {
    store::UidSet uids;
    for (const auto& message : messages_) {
      if (message.deleted && message.folder == folder) uids.add(message.uid);
    }
    if (uids.empty()) continue;
    if (auto removed = co_await remove(folders_[folder], std::move(uids)); !removed) co_return removed;
  }
  co_return Result<>();
}

async::Task<Result<>> Maildrop::remove(const Folder& folder, store::UidSet uids) {
  if (choice_.removal == Removal::to_trash) {
    const auto target = co_await trash();
    if (!target) co_return std::unexpected(target.error());
    // What is deleted from the Trash itself goes.
    if (*target != folder.id) {
      auto moved = co_await session_->copy(folder.id, std::move(uids), *target, store::CopyMode::move);
      if (!moved) co_return std::unexpected(moved.error());
      trace_.transferred({folder.id, folder.name}, {*target, "Trash"}, *moved, store::CopyMode::move);
      co_return Result<>();
    }
  }
  auto gone = co_await session_->expunge(folder.id, std::move(uids), store::ExpungeMode::any);
  if (!gone) co_return std::unexpected(gone.error());
  trace_.expunged({folder.id, folder.name}, *gone);
  co_return Result<>();
}

}  // namespace postern::pop3
