// SPDX-License-Identifier: Apache-2.0
// What all handlers share: recipients of ours, and the refusal of AUTH where there are no logins.
#include "smtp/handler.h"

namespace postern::smtp {

namespace status = mail::status;

async::Task<Reply> Handler::authenticate(Conversation& /*talk*/, AuthArguments /*arguments*/, ChallengeLine& /*line*/) {
  co_return reply(status::not_implemented);
}

namespace {

/// Whether the account's mailbox takes a message of this size.
bool has_room(const Conversation& talk, store::AccountId account, std::uint64_t size) {
  const auto quota = talk.parts.store.quota(account);
  const bool bytes =
      quota.limit_bytes == 0 || (quota.used_bytes < quota.limit_bytes && size <= quota.limit_bytes - quota.used_bytes);
  return bytes && (quota.limit_messages == 0 || quota.used_messages < quota.limit_messages);
}

Reply refusal_for(const Error& error) {
  if (error.kind == ErrorKind::denied) return reply(status::relay_denied);
  if (error.kind == ErrorKind::not_found) return reply(status::no_such_mailbox);
  return reply(status::local_error);
}

}  // namespace

std::expected<Route, Reply> route_local(const Conversation& talk, const mail::Recipient& recipient) {
  const auto resolved = talk.parts.directory.resolve(recipient.address);
  if (!resolved) return std::unexpected(refusal_for(resolved.error()));
  const auto size = talk.transaction ? talk.transaction->envelope.declared_size.value_or(0) : 0;
  Route route;
  for (const auto& mailbox : resolved->mailboxes) {
    const auto account = talk.parts.directory.account(mailbox.account);
    if (!account || !account->enabled) continue;
    if (!has_room(talk, mailbox.account, size)) return std::unexpected(reply(status::mailbox_full));
    route.local.push_back({mailbox.account, recipient.address.to_string(), recipient.notify, recipient.orcpt});
  }
  for (const auto& forward : resolved->forwards) route.remote.push_back(queue::RemoteRecipient::by_forward(forward, recipient));
  if (route.local.empty() && route.remote.empty()) return std::unexpected(reply(status::mailbox_disabled));
  return route;
}

}  // namespace postern::smtp
