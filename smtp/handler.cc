// SPDX-License-Identifier: Apache-2.0
// What all handlers share: recipients of ours, and the refusal of AUTH where there are no logins.
#include "smtp/handler.h"

#include <algorithm>

#include "config/gate.h"
#include "policy/spoof.h"

namespace postern::smtp {

namespace status = mail::status;

async::Task<Reply> Handler::authenticate(Conversation& /*talk*/, AuthArguments /*arguments*/, ChallengeLine& /*line*/) {
  co_return reply(status::not_implemented);
}

async::Task<Refusal> Handler::judge_recipient(Conversation& /*talk*/, const mail::Recipient& /*recipient*/) {
  co_return std::nullopt;
}
void Handler::see_body(Conversation& /*talk*/, std::string_view /*bytes*/) {}
async::Task<Refusal> Handler::judge_message(Conversation& /*talk*/, queue::Arrival& /*arrival*/) { co_return std::nullopt; }

namespace {

/// Whether an earlier recipient of this message leads to the same mailbox, which then has its room already.
bool has_room_already(const Conversation& talk, store::AccountId account) {
  return talk.transaction &&
         std::ranges::any_of(talk.transaction->route.local, [&](const auto& one) { return one.account == account; });
}

Reply refusal_for(const Error& error) {
  if (error.kind == ErrorKind::denied) return reply(status::relay_denied);
  if (error.kind == ErrorKind::not_found) return reply(status::no_such_mailbox);
  if (error.kind == ErrorKind::unsupported) return reply(status::refused_by_policy, error.text);
  return reply(status::local_error);
}

}  // namespace

Refusal refuse_by_way(const Conversation& talk, config::Way way, const mail::Address& recipient) {
  if (!talk.transaction) return std::nullopt;
  const auto& gate = *talk.config->gate;
  switch (policy::judge_way(gate.spoof, way, talk.transaction->envelope.sender, recipient)) {
    case config::Spoof::Action::allow: return std::nullopt;
    case config::Spoof::Action::defer: return reply(policy::refusal::put_off);
    case config::Spoof::Action::reject: break;
  }
  return reply(policy::refusal::not_this_way);
}

Reply mailbox_full_reply(const Conversation& talk) {
  const bool reject = talk.config->quota.when_full == config::OverQuota::reject;
  return reply(reject ? status::mailbox_full_for_good : status::mailbox_full);
}

std::optional<policy::RelayRoute> relay_for(const Conversation& talk, const mail::Address& recipient) {
  const auto& gate = *talk.config->gate;
  if (gate.relays.empty()) return std::nullopt;
  if (auto route = policy::RelayRoute::find_for_address(gate, recipient)) return route;
  if (talk.parts.directory.resolve(recipient)) return std::nullopt;
  return policy::RelayRoute::find_for_domain(gate, recipient);
}

std::expected<Route, Reply> route_local(const Conversation& talk, const mail::Recipient& recipient, const auth::Writer& writer) {
  if (const auto relay = relay_for(talk, recipient.address)) {
    Route onward;
    onward.remote.push_back(queue::RemoteRecipient::by_relay(recipient, *relay));
    return onward;
  }
  const auto resolved = talk.parts.directory.resolve(recipient.address, writer);
  if (!resolved) return std::unexpected(refusal_for(resolved.error()));
  const auto size = talk.transaction ? talk.transaction->envelope.declared_size.value_or(0) : 0;
  Route route;
  for (const auto& mailbox : resolved->mailboxes) {
    if (!mailbox.takes_mail) continue;
    if (!has_room_already(talk, mailbox.account)) {
      auto room = talk.parts.store.hold(mailbox.account, std::max<std::uint64_t>(size, 1));
      if (!room)
        return std::unexpected(room.error().kind == ErrorKind::over_quota ? mailbox_full_reply(talk)
                                                                          : reply(status::local_error));
      route.holds.push_back(std::move(*room));
    }
    route.local.push_back({mailbox.account, recipient.address.to_string(), recipient.notify, recipient.orcpt});
  }
  for (const auto& forward : resolved->forwards) route.remote.push_back(queue::RemoteRecipient::by_forward(forward, recipient));
  if (route.local.empty() && route.remote.empty()) return std::unexpected(reply(status::mailbox_disabled));
  return route;
}

}  // namespace postern::smtp
