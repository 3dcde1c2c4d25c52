// SPDX-License-Identifier: Apache-2.0
// How the queue's orders and filters act on one recipient, in every implementation of the store.
#pragma once

#include <string>

#include "store/store.h"

namespace postern::store {

/// The sender as filters and the sqlite store write it: "a@b", or "<>" for the null sender.
std::string sender_text(const mail::ReversePath& sender);
/// Whether the filter's id and sender fit this entry.
bool matches(const QueueFilter& filter, const QueueEntry& entry);
/// Whether its domain, recipient and reply fit this one.
bool matches(const QueueFilter& filter, const QueueRecipient& recipient);
/// Changes the recipient as ordered; false when the order does not apply to its state.
bool apply_order(QueueOrder order, UnixTime now, QueueRecipient& recipient);
/// Records an attempt. A recipient that was put on hold meanwhile stays on hold.
void apply_attempt(const Attempt& attempt, QueueRecipient& recipient);

}  // namespace postern::store
