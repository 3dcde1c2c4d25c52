// SPDX-License-Identifier: Apache-2.0
// Events and the words they are found by.
#include "smtp/tracing.h"

#include <fmt/format.h>

#include "mime/header.h"
#include "store/mailbox_trace.h"

namespace postern::smtp {
namespace {

/// Recipients of one message that are named and found; the rest is a number.
constexpr std::size_t named_recipients = 100;
/// Octets of a name that a stranger chose.
constexpr std::size_t name_max = 500;

std::int64_t now_ms(const Conversation& talk) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(talk.parts.clock.wall().time_since_epoch()).count();
}

std::string cut(std::string text) {
  if (text.size() > name_max) text.resize(name_max);
  return text;
}

/// Who is there: the same for each event of a connection.
store::TraceEvent begin(const Conversation& talk, std::string kind) {
  store::TraceEvent event;
  event.at_ms = now_ms(talk);
  event.kind = std::move(kind);
  event.add("door", talk.options.service);
  event.add("client", talk.ip());
  event.words.push_back(talk.ip());
  if (!talk.helo.empty()) event.add("helo", cut(talk.helo));
  if (const auto* const tls = talk.connection.tls()) event.add("tls", tls->version + ' ' + tls->cipher);
  return event;
}

void add_sender(store::TraceEvent& event, const mail::ReversePath& sender) {
  event.add("from", mail::to_string(sender));
  if (sender) event.words.push_back(sender->to_string());
}

void add_recipient(store::TraceEvent& event, const mail::Address& recipient) {
  event.add("to", recipient.to_string());
  event.words.push_back(recipient.lookup_key());
  event.words.push_back(recipient.to_string());
}

/// "stage|rule|outcome|points|reason": rules that passed have no reason and are kept too, so that the trace shows all of them.
void add_rules(store::TraceEvent& event, const std::vector<policy::Reason>& reasons) {
  for (const auto& reason : reasons) {
    event.add("rule", fmt::format("{}|{}|{}|{}|{}", policy::to_string(reason.stage), config::to_string(reason.rule),
                                  policy::to_string(reason.outcome), reason.points, reason.text));
  }
}

void add_reply(store::TraceEvent& event, const Reply& reply) {
  event.add("reply", fmt::format("{} {} {}", reply.code, reply.enhanced.to_string(), reply.text));
}

}  // namespace

std::string message_id_in(std::string_view header) {
  std::size_t at = 0;
  while (const auto field = mime::next_field(header, at)) {
    if (field->is("Message-ID")) return store::trace_word(cut(std::string(field->value())));
  }
  return {};
}

void note_places(const Conversation& talk, Transaction& transaction) {
  if (talk.parts.trace == nullptr) return;
  auto& places = transaction.places;
  for (const auto& one : transaction.route.local) {
    if (places.size() >= named_recipients) break;
    const auto account = talk.parts.directory.account(one.account);
    places.emplace_back("mailbox", account ? account->login : std::to_string(one.account));
  }
  for (const auto& one : transaction.route.remote) {
    if (places.size() >= named_recipients) break;
    const auto to = one.recipient().address.to_string();
    places.emplace_back("queue", one.forwarded_for().empty() ? to : to + ", forwarded for " + one.forwarded_for());
  }
}

void trace_recipient(const Conversation& talk, const mail::Address& recipient, const Reply& reply) {
  if (talk.parts.trace == nullptr) return;
  auto event = begin(talk, "recipient");
  add_sender(event, talk.transaction->envelope.sender);
  add_recipient(event, recipient);
  add_rules(event, talk.transaction->refusing.reasons);
  add_reply(event, reply);
  talk.parts.trace->note(std::move(event));
}

void trace_message(const Conversation& talk, const Transaction& transaction, const Reply& reply) {
  if (talk.parts.trace == nullptr) return;
  auto event = begin(talk, reply.is_success() ? "accepted" : "refused");
  event.message = transaction.id;
  event.words.push_back(transaction.id);
  add_sender(event, transaction.envelope.sender);
  const auto& recipients = transaction.envelope.recipients;
  for (std::size_t i = 0; i < std::min(recipients.size(), named_recipients); ++i) add_recipient(event, recipients[i].address);
  if (recipients.size() > named_recipients) event.add("more_recipients", std::to_string(recipients.size() - named_recipients));
  if (!transaction.message_id.empty()) {
    event.add("message_id", transaction.message_id);
    event.words.push_back(transaction.message_id);
  }
  if (transaction.account != 0) {
    const auto account = talk.parts.directory.account(transaction.account);
    event.add("account", account ? account->login : std::to_string(transaction.account));
  }
  event.add("size", std::to_string(transaction.intake ? transaction.intake->received() : 0));
  event.add("points", fmt::format("{}", transaction.points));
  add_rules(event, transaction.reasons);
  add_reply(event, reply);
  if (reply.is_success()) {
    for (const auto& [name, value] : transaction.places) event.add(name, value);
    const auto& delivered = transaction.delivered;
    for (std::size_t i = 0; i < std::min(delivered.size(), named_recipients); ++i) {
      event.add("at", store::trace_place(delivered[i].mailbox, delivered[i].uid));
    }
  }
  talk.parts.trace->note(std::move(event));
}

void trace_end(const Conversation& talk) {
  if (talk.parts.trace == nullptr || talk.tally.errors == 0 || talk.tally.messages != 0) return;
  auto event = begin(talk, "connection");
  event.add("errors", std::to_string(talk.tally.errors));
  event.add("last_refusal", cut(talk.last_refusal));
  talk.parts.trace->note(std::move(event));
}

}  // namespace postern::smtp
