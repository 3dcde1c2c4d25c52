// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/core.h"

#include <algorithm>

#include "async/executor.h"
#include "store/sqlite/access.h"
#include "store/sqlite/messages.h"
#include "store/sqlite/undelete.h"

namespace postern::store::sqlite {

namespace {

/// Expunged messages that one command ends, so that it stays short.
constexpr std::size_t reap_slice = 500;

/// Octets of bodies that one session compresses before others get a turn.
constexpr std::uint64_t turn_bytes = 512 * 1024;

/// The stored form of a small body, and its checksum.
void seal(NewBody& body, Codecs& codecs) {
  const std::string_view bytes = body.body->memory();
  if (auto shrunk = codecs.shrink(bytes)) {
    body.compressed = std::move(*shrunk);
    body.place.codec = Codec::zstd;
  }
  body.place.original = bytes.size();
  body.place.checksum = checksum(body.stored());
}

bool is_large(const Body& body) { return body.descriptor() >= 0 || body.size() > small_body; }

}  // namespace

void Core::publish(const Transaction& transaction) {
  for (const AccountState* account : transaction.touched_accounts())
    quotas->set_account(account->id, account->login, account->quota);
  for (const DomainState* domain : transaction.touched_domains()) quotas->set_domain(domain->name, domain->quota);
  for (const AccountId gone : transaction.gone_accounts()) quotas->remove_account(gone);
  refresh_guests(transaction);
  cache.publish(transaction);
  publish_feeds(transaction);
  if (text) text->publish(transaction);
  recent.written(transaction);
  queue_depth += transaction.depth_change();
  if (transaction.queue_signal()) queue_event.publish();
}

/// Before the rows are published, so that no guest sees a new row with an old picture.
void Core::refresh_guests(const Transaction& transaction) {
  for (const MailboxId mailbox : transaction.changed_for_guests()) {
    for (const auto& key : guests.guests(mailbox)) {
      const Grant grant = grant_of(*db, {key.account, key.mailbox});
      guests.set(key, {.may_read = (grant.rights & right::read) != 0,
                       .seen_each = grant.seen_each,
                       .seen = grant.seen_each ? read_seen(*db, {key.account, key.mailbox}) : UidSet()});
      cache.wake(key.mailbox);
    }
  }
}

void Core::publish_feeds(const Transaction& transaction) {
  const std::vector<AccountId> announced(transaction.announced().begin(), transaction.announced().end());
  std::vector<FeedTable::Touched> changed;
  for (const MailboxState* mailbox : transaction.touched_mailboxes()) changed.push_back({mailbox->account, mailbox->id});
  if (transaction.names_changed()) ++names;
  if (!announced.empty()) feeds.publish(announced);
  if (!changed.empty()) feeds.publish_messages(changed);
}

bool Core::reap(Transaction& transaction) {
  reap_removed_mailboxes(transaction, window_start());
  return reap_expired(transaction, window_start(), reap_slice);
}

Task<Result<std::vector<NewBody>>> Core::prepare(std::vector<NewBody> bodies) {
  if (auto room = space->admit(); !room) co_return std::unexpected(room.error());
  std::uint64_t since_turn = 0;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    NewBody& body = bodies[i];
    if (!is_large(*body.body)) {
      seal(body, folder.codecs());
      since_turn += body.body->size();
      if (since_turn > turn_bytes && i + 1 < bodies.size()) {
        since_turn = 0;
        co_await async::yield();
      }
      continue;
    }
    auto job = [this, bytes = body.body, arrival = body.arrival]() { return folder.adopt(*bytes, arrival); };
    const auto place = co_await file_lane->run_plain<Placement>(std::move(job));
    if (!place) {
      for (const NewBody& before : bodies) {
        if (before.placed) folder.remove(before.place.segment);
      }
      co_return std::unexpected(place.error());
    }
    body.place = *place;
    body.placed = true;
  }
  co_return bodies;
}

}  // namespace postern::store::sqlite
