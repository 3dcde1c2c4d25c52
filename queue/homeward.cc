// SPDX-License-Identifier: Apache-2.0
#include "queue/homeward.h"

#include "mail/status.h"
#include "queue/copy.h"

namespace postern::queue {

namespace {

mail::Outcome outcome_of(const Error& error) {
  mail::Outcome out;
  out.text = error.text;
  out.kind = is_temporary(error.kind) ? mail::Outcome::Kind::deferred : mail::Outcome::Kind::failed;
  out.enhanced = {out.kind == mail::Outcome::Kind::failed ? std::uint8_t{5} : std::uint8_t{4}, 3, 0};
  // RFC 3463 §3.2, §3.3: no such mailbox; mailbox full; a loop.
  if (error.kind == ErrorKind::not_found || error.kind == ErrorKind::denied) out.enhanced = {5, 1, 1};
  if (error.kind == ErrorKind::over_quota) out.enhanced = {4, 2, 2};
  if (error.kind == ErrorKind::limit) out.enhanced = {5, 4, 6};
  return out;
}

}  // namespace

/// A destination that [[relay]] names differs from the domain, or that domain is not ours.
bool Homeward::is_ours(const store::QueueRecipient& recipient) const {
  const auto* const domain = recipient.recipient.address.domain();
  return domain != nullptr && recipient.domain == domain->ascii() && parts_.directory.is_local(*domain);
}

async::Task<std::vector<mail::Outcome>> Homeward::deliver(const store::Claim& claim) {
  // All recipients of a claim have one destination.
  if (!is_ours(claim.entry.recipients.front())) co_return co_await parts_.outward.deliver(claim);
  std::vector<mail::Outcome> out;
  for (const auto& one : claim.entry.recipients) out.push_back(co_await bring(claim.entry, one));
  co_return out;
}

async::Task<mail::Outcome> Homeward::bring(const store::QueueEntry& entry, const store::QueueRecipient& recipient) {
  const auto found = parts_.directory.resolve(recipient.recipient.address);
  if (!found) co_return outcome_of(found.error());
  Arrival arrival;
  for (const auto& mailbox : found->mailboxes) {
    if (!mailbox.takes_mail) continue;
    arrival.local.push_back(
        {mailbox.account, recipient.recipient.address.to_string(), recipient.recipient.notify, recipient.recipient.orcpt});
  }
  for (const auto& forward : found->forwards) {
    arrival.remote.push_back(RemoteRecipient::by_forward(forward, recipient.recipient));
  }
  if (arrival.local.empty() && arrival.remote.empty()) {
    co_return outcome_of(Error{ErrorKind::not_found, "the account takes no mail any more"});
  }
  const auto carried = co_await carry_over(parts_.store, entry, arrival);
  if (!carried) co_return outcome_of(carried.error());
  const auto receipt = co_await parts_.door.accept(std::move(arrival), parts_.door.new_id());
  if (!receipt) co_return outcome_of(receipt.error());
  mail::Outcome out;
  out.kind = mail::Outcome::Kind::delivered;
  out.enhanced = mail::status::recipient_ok.enhanced;
  out.text = "delivered here";
  out.dsn_passed = true;  // the door reports success of local deliveries itself
  parts_.log.info("queue", "brought_home", {{"entry", entry.id}, {"to", recipient.recipient.address.to_string()}});
  co_return out;
}

}  // namespace postern::queue
