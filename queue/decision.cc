// SPDX-License-Identifier: Apache-2.0
// The table of the queue's decisions.
//
//   outcome    lifetime   sender                         becomes
//   delivered             NOTIFY=SUCCESS, not passed on  done, notice "relayed"
//   delivered             otherwise                      done
//   deferred   goes on    long delay, may be told        retry, notice "delayed" (once)
//   deferred   goes on    otherwise                      retry
//   deferred   over       as failed                      as failed
//   failed                NOTIFY without FAILURE         done: the sender asked not to hear of it
//   failed                may be told                    done, notice "failed"
//   failed                null, or never verified        hold, visible for 14 days; never dropped, never sent to a stranger
#include "queue/decision.h"

namespace postern::queue {

namespace {

constexpr std::size_t longest_reply = 500;  ///< octets of last_reply

void give_up(const store::QueueEntry& entry, const store::QueueRecipient& recipient, Moment moment, Decision& out) {
  out.attempt.result = store::Attempt::Result::done;
  if (!wants(recipient.recipient, mail::notify_failure) && entry.sender) return;
  if (may_tell_sender(entry)) {
    out.notice = Decision::Notice::failed;
    return;
  }
  out.attempt.result = store::Attempt::Result::hold;
  out.attempt.next_at = moment.now + std::chrono::seconds(undeliverable_kept).count();
  out.attempt.reply.insert(0, undeliverable_mark);
}

void try_again(const store::QueueEntry& entry, const store::QueueRecipient& recipient, const Schedule& schedule, Moment moment,
               Decision& out) {
  const std::uint32_t attempts = recipient.attempts + 1;
  out.attempt.result = store::Attempt::Result::retry;
  out.attempt.next_at = schedule.next_at(entry, attempts, moment.now, moment.roll);
  if (recipient.delay_told || !schedule.notice_due(attempts)) return;
  if (!may_tell_sender(entry) || !wants(recipient.recipient, mail::notify_delay)) return;
  out.notice = Decision::Notice::delayed;
  out.attempt.delay_told = true;
}

}  // namespace

bool may_tell_sender(const store::QueueEntry& entry) {
  return entry.sender.has_value() && entry.bounce != store::BounceRight::none;
}

bool wants(const mail::Recipient& recipient, mail::Notify what) {
  if (recipient.notify == mail::notify_unset) return what == mail::notify_failure || what == mail::notify_delay;
  return (recipient.notify & what) != 0;
}

std::string describe(const mail::Outcome& outcome) {
  std::string line;
  if (outcome.is_quoted()) line = outcome.remote_host + " said: ";
  if (outcome.code != 0) line += fmt::format("{} ", outcome.code);
  // Texts of peers carry their enhanced code themselves; ours do not.
  const bool named = mail::EnhancedStatus::parse(outcome.text).has_value();
  if (outcome.enhanced.klass != 0 && !named) line += outcome.enhanced.to_string() + " ";
  line += outcome.text;
  if (line.size() > longest_reply) line.resize(longest_reply);
  return line;
}

Decision decide(const store::QueueEntry& entry, const store::QueueRecipient& recipient, const mail::Outcome& outcome,
                const Schedule& schedule, Moment moment) {
  Decision out;
  out.attempt.recipient = recipient.id;
  out.attempt.delay_told = recipient.delay_told;
  out.attempt.reply = describe(outcome);
  switch (outcome.kind) {
    case mail::Outcome::Kind::delivered:
      out.attempt.result = store::Attempt::Result::done;
      if ((recipient.recipient.notify & mail::notify_success) != 0 && !outcome.dsn_passed && may_tell_sender(entry)) {
        out.notice = Decision::Notice::relayed;
      }
      break;
    case mail::Outcome::Kind::failed: give_up(entry, recipient, moment, out); break;
    case mail::Outcome::Kind::deferred:
      out.expired = schedule.expired(entry, recipient.attempts + 1, moment.now);
      if (out.expired) {
        give_up(entry, recipient, moment, out);
      } else {
        try_again(entry, recipient, schedule, moment, out);
      }
      break;
  }
  return out;
}

}  // namespace postern::queue
