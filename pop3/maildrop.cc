// SPDX-License-Identifier: Apache-2.0
#include "pop3/maildrop.h"

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

async::Task<Result<std::unique_ptr<Maildrop>>> Maildrop::open(DropLocks& locks, std::unique_ptr<store::Session> session,
                                                              Removal removal) {
  auto lock = locks.take(session->identity().account());
  if (!lock) co_return std::unexpected(lock.error());
  std::unique_ptr<Maildrop> drop(new Maildrop(std::move(*lock), std::move(session), removal));
  if (auto read = co_await drop->read_list(); !read) co_return std::unexpected(read.error());
  co_return drop;
}

async::Task<Result<>> Maildrop::read_list() {
  auto mailboxes = co_await session_->list();
  if (!mailboxes) co_return std::unexpected(mailboxes.error());
  if (mailboxes->empty()) co_return fail(ErrorKind::not_found, "the account has no INBOX");
  mailbox_ = mailboxes->front().id;  // INBOX comes first
  auto watch = co_await session_->open(mailbox_);
  if (!watch) co_return std::unexpected(watch.error());
  const auto snapshot = (*watch)->latest();
  if (!snapshot) co_return fail(ErrorKind::not_found, "the INBOX went away");

  uidvalidity_ = snapshot->uidvalidity;
  messages_.reserve(snapshot->size());
  store::UidSet large;
  for (const auto& chunk : snapshot->chunks()) {
    for (const auto& row : *chunk) {
      messages_.push_back({row.uid, row.size_hint, false});
      if (row.size_hint == UINT32_MAX) large.add(row.uid);
    }
  }
  co_return co_await read_large_sizes(std::move(large));
}

// Sizes that do not fit the snapshot's 32 bits are asked for one by one.
async::Task<Result<>> Maildrop::read_large_sizes(store::UidSet uids) {
  for (const auto& range : uids.ranges()) {
    for (store::Uid uid = range.lo; uid <= range.hi; ++uid) {
      auto info = co_await session_->info(mailbox_, store::UidSet{{uid, uid}}, store::meta_none);
      if (!info) co_return std::unexpected(info.error());
      for (auto& message : messages_) {
        if (!info->empty() && message.uid == uid) message.size = info->front().size;
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
std::string Maildrop::unique_id(const Message& message) const { return fmt::format("{:x}.{:x}", uidvalidity_, message.uid); }

void Maildrop::reset() {
  for (auto& message : messages_) message.deleted = false;
}

async::Task<Result<std::unique_ptr<store::BodyReader>>> Maildrop::body(const Message& message) {
  co_return co_await session_->body(mailbox_, message.uid);
}

async::Task<std::string_view> Maildrop::start_of(const Message& message) {
  const auto uid = message.uid;
  const auto find = [&] { return std::ranges::find(ahead_.texts, uid, &store::StoredText::uid); };
  if (find() == ahead_.texts.end()) {
    // Only who asked for the message before this one will ask for those behind it.
    const bool in_order = &message == messages_.data() || (&message - 1)->uid == last_asked_;
    const store::UidSet uids{{uid, in_order ? UINT32_MAX : uid}};
    ahead_ = {};
    auto texts = co_await session_->read(mailbox_, uids, {.per_message = read_ahead, .total = read_ahead});
    if (texts) ahead_ = *std::move(texts);
  }
  last_asked_ = uid;
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

async::Task<Result<>> Maildrop::commit() {
  store::UidSet uids;
  for (const auto& message : messages_) {
    if (message.deleted) uids.add(message.uid);
  }
  if (uids.empty()) co_return Result<>();
  if (removal_ == Removal::to_trash) {
    const auto target = co_await trash();
    if (!target) co_return std::unexpected(target.error());
    auto moved = co_await session_->copy(mailbox_, std::move(uids), *target, store::CopyMode::move);
    if (!moved) co_return std::unexpected(moved.error());
    trace_.transferred({mailbox_, "INBOX"}, {*target, "Trash"}, *moved, store::CopyMode::move);
    co_return Result<>();
  }
  auto gone = co_await session_->expunge(mailbox_, std::move(uids), store::ExpungeMode::any);
  if (!gone) co_return std::unexpected(gone.error());
  trace_.expunged({mailbox_, "INBOX"}, *gone);
  co_return Result<>();
}

}  // namespace postern::pop3
