// SPDX-License-Identifier: Apache-2.0
#include "store/queue_match.h"

#include "base/ascii.h"
#include "store/queue_clock.h"

namespace postern::store {

using State = QueueRecipient::State;

std::string sender_text(const mail::ReversePath& sender) { return sender ? sender->to_string() : "<>"; }

bool matches(const QueueFilter& filter, const QueueEntry& entry) {
  if (filter.id && *filter.id != entry.id) return false;
  return filter.sender.empty() || filter.sender == sender_text(entry.sender);
}

bool matches(const QueueFilter& filter, const QueueRecipient& recipient) {
  if (!filter.domain.empty() && recipient.domain != filter.domain) return false;
  if (!filter.recipient.empty() && !ascii::iequals(recipient.recipient.address.to_string(), filter.recipient)) return false;
  return filter.reply.empty() || ascii::lower(recipient.last_reply).find(ascii::lower(filter.reply)) != std::string::npos;
}

bool apply_order(QueueOrder order, UnixTime now, QueueRecipient& recipient) {
  if (recipient.state == State::done) return false;
  switch (order) {
    case QueueOrder::retry_now:
      // RFC 4865: an order about many must not send what its sender wants sent later; release does, by name.
      if (recipient.state != State::waiting || chosen_time_since(recipient)) return false;
      recipient.next_at = now;
      return true;
    case QueueOrder::hold:
      if (recipient.state == State::held) return false;
      recipient.state = State::held;
      return true;
    case QueueOrder::release:
      if (recipient.state != State::held && !chosen_time_since(recipient)) return false;
      if (chosen_time_since(recipient)) recipient.last_reply.clear();
      recipient.state = State::waiting;
      recipient.next_at = now;
      return true;
    case QueueOrder::remove: recipient.state = State::done; return true;
  }
  return false;
}

void apply_attempt(const Attempt& attempt, QueueRecipient& recipient) {
  ++recipient.attempts;
  recipient.last_reply = attempt.reply;
  recipient.delay_told = recipient.delay_told || attempt.delay_told;
  switch (attempt.result) {
    case Attempt::Result::done: recipient.state = State::done; break;
    case Attempt::Result::hold:
      recipient.state = State::held;
      if (attempt.next_at != 0) recipient.next_at = attempt.next_at;
      break;
    case Attempt::Result::retry: recipient.next_at = attempt.next_at; break;
  }
}

}  // namespace postern::store
