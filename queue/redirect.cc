// SPDX-License-Identifier: Apache-2.0
#include "queue/redirect.h"

#include "mime/date.h"
#include "queue/copy.h"
#include "store/queue_clock.h"

namespace postern::queue {

Result<> Redirector::address(Arrival& arrival, const store::QueueRecipient& from) const {
  // What waits for its sender's time comes home only then (queue/homeward.h).
  if (arrival.envelope.hold_until > 0 || to_.domain() == nullptr || !parts_.directory.is_local(*to_.domain())) {
    arrival.remote.push_back(RemoteRecipient::by_redirect(to_, from));
    return {};
  }
  const auto found = parts_.directory.resolve(to_);
  if (!found) return std::unexpected(found.error());
  const mail::Recipient original{to_, from.recipient.notify, from.recipient.orcpt};
  for (const auto& mailbox : found->mailboxes) {
    arrival.local.push_back({mailbox.account, to_.to_string(), original.notify, original.orcpt});
  }
  for (const auto& forward : found->forwards) arrival.remote.push_back(RemoteRecipient::by_forward(forward, original));
  return {};
}

async::Task<Result<>> Redirector::move(const store::QueueEntry& entry) {
  Arrival arrival;
  if (store::chosen_time_since(entry.recipients.front())) arrival.envelope.hold_until = entry.created;
  if (auto addressed = address(arrival, entry.recipients.front()); !addressed) co_return addressed;
  if (auto carried = co_await carry_over(parts_.store, entry, arrival); !carried) co_return carried;
  const std::string id = parts_.door.new_id();
  arrival.trace = fmt::format("Received: by {} (redirected)\r\n\tid {}; {}\r\n", parts_.config.get()->server.hostname, id,
                              mime::format_date({parts_.clock.unix_now(), 0}));
  const auto receipt = co_await parts_.door.accept(std::move(arrival), id);
  if (!receipt) co_return std::unexpected(receipt.error());
  parts_.log.info("queue", "redirected",
                  {{"entry", entry.id}, {"id", receipt->id}, {"to", to_.to_string()}, {"recipients", entry.recipients.size()}});
  co_return Result<>();
}

}  // namespace postern::queue
