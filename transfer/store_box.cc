// SPDX-License-Identifier: Apache-2.0
#include "transfer/store_box.h"

namespace postern::transfer {

namespace {

constexpr std::size_t read_piece = 256 * 1024;

BoxFolder describe(const store::MailboxInfo& info) {
  return {info.id, info.name, info.use, info.uidvalidity, info.uidnext, info.messages, info.bytes, {}};
}

}  // namespace

Task<Result<std::string>> StoreBox::login() { co_return session_->identity().login(); }

Task<Result<std::vector<BoxFolder>>> StoreBox::folders() {
  const auto list = co_await session_->list();
  if (!list) co_return std::unexpected(list.error());
  std::vector<BoxFolder> out;
  for (const auto& info : *list) out.push_back(describe(info));
  co_return out;
}

Task<Result<std::vector<std::string>>> StoreBox::subscriptions() { co_return co_await session_->subscriptions(); }

Task<Result<store::Quota>> StoreBox::quota() { co_return session_->quota(); }

Task<Result<BoxFolder>> StoreBox::make(std::string name) {
  auto info = co_await session_->status(name);
  if (!info && info.error().kind == ErrorKind::not_found) info = co_await session_->create(name, store::SpecialUse::none);
  if (!info) co_return std::unexpected(info.error());
  const auto watch = co_await session_->open(info->id);
  if (!watch) co_return std::unexpected(watch.error());
  auto out = describe(*info);
  if (const auto snapshot = (*watch)->latest()) out.keywords = snapshot->keywords;
  co_return out;
}

Task<Result<>> StoreBox::subscribe(std::string name) { co_return co_await session_->subscribe(std::move(name), true); }

Task<Result<std::vector<bool>>> StoreBox::known(std::vector<std::string> keys) {
  co_return co_await session_->imported(std::move(keys));
}

Task<Result<>> StoreBox::append(store::MailboxId mailbox, std::vector<store::NewMessage> messages) {
  const auto appended = co_await session_->append(mailbox, std::move(messages));
  if (appended)
    outcome_ = appended->uids.count();
  else
    outcome_ = std::unexpected(appended.error());
  co_return Result<>();
}

Task<Result<std::uint64_t>> StoreBox::outcome() { co_return outcome_; }

Task<Result<Listing>> StoreBox::listing(store::MailboxId mailbox) {
  const auto watch = co_await session_->open(mailbox);
  if (!watch) co_return std::unexpected(watch.error());
  const auto snapshot = (*watch)->latest();
  if (!snapshot) co_return fail(ErrorKind::not_found, "no such mailbox");
  Listing out{snapshot->keywords, {}};
  out.rows.reserve(snapshot->size());
  for (const auto& chunk : snapshot->chunks()) {
    for (const auto& row : *chunk) out.rows.push_back({row.uid, row.flags});
  }
  co_return out;
}

Task<Result<>> StoreBox::read_one(store::MailboxId mailbox, store::MessageInfo info, MessageSink& sink) {
  const auto body = co_await session_->body(mailbox, info.uid);
  if (!body && body.error().kind == ErrorKind::not_found) co_return Result<>();  // expunged meanwhile
  if (!body) co_return co_await sink.lost(info.uid, body.error().text);
  auto piece = co_await (*body)->read(0, read_piece);
  if (!piece) co_return co_await sink.lost(info.uid, piece.error().text);
  if (auto begun = co_await sink.begin({info.uid, info.internal_date, (*body)->size()}); !begun) co_return begun;
  for (std::uint64_t at = 0; at < (*body)->size();) {
    if (at > 0) piece = co_await (*body)->read(at, read_piece);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return fail(ErrorKind::corrupt, "the message is shorter than it should be");
    at += piece->size();
    if (auto taken = co_await sink.take(*piece); !taken) co_return taken;
  }
  co_return co_await sink.end();
}

/// Gives those of the texts that are whole and come next in `infos`; moves `next` on.
Task<Result<>> StoreBox::give_texts(const std::vector<store::StoredText>& texts, Infos& infos, MessageSink& sink) {
  for (const auto& text : texts) {
    const auto& info = infos.list[infos.next];
    if (info.uid != text.uid || text.octets.size() < text.size) break;
    if (auto begun = co_await sink.begin({text.uid, info.internal_date, text.size}); !begun) co_return begun;
    if (auto taken = co_await sink.take(text.octets); !taken) co_return taken;
    if (auto ended = co_await sink.end(); !ended) co_return ended;
    if (++infos.next == infos.list.size()) break;
  }
  co_return Result<>();
}

Task<Result<>> StoreBox::read(store::MailboxId mailbox, std::vector<store::Uid> uids, MessageSink& sink) {
  store::UidSet wanted;
  for (const auto uid : uids) wanted.add(uid);
  auto found = co_await session_->info(mailbox, std::move(wanted), store::meta_none);
  if (!found) co_return std::unexpected(found.error());
  Infos infos{std::move(*found)};
  while (infos.next < infos.list.size()) {
    // Many small messages in one visit; a long one, or one that cannot be read, by itself.
    store::UidSet rest;
    for (std::size_t i = infos.next; i < infos.list.size(); ++i) rest.add(infos.list[i].uid);
    const auto texts = co_await session_->read(mailbox, std::move(rest), {read_piece, store::max_read_total});
    if (!texts) co_return std::unexpected(texts.error());
    if (auto given = co_await give_texts(texts->texts, infos, sink); !given) co_return given;
    if (infos.next == infos.list.size()) break;
    auto one = co_await read_one(mailbox, infos.list[infos.next++], sink);
    if (!one) co_return one;
  }
  co_return Result<>();
}

}  // namespace postern::transfer
