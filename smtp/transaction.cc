// SPDX-License-Identifier: Apache-2.0
// Joining the routes of several recipients: two aliases of one account are one delivery.
#include "smtp/transaction.h"

#include <algorithm>

namespace postern::smtp {

void Transaction::add(const mail::Recipient& recipient, Route more) {
  envelope.recipients.push_back(recipient);
  for (auto& local : more.local) {
    const bool known = std::ranges::any_of(route.local, [&](const auto& other) { return other.account == local.account; });
    if (!known) route.local.push_back(std::move(local));
  }
  for (auto& hold : more.holds) route.holds.push_back(std::move(hold));
  for (auto& remote : more.remote) {
    const auto same = [&](const auto& other) { return other.recipient().address == remote.recipient().address; };
    if (std::ranges::none_of(route.remote, same)) route.remote.push_back(std::move(remote));
  }
}

}  // namespace postern::smtp
