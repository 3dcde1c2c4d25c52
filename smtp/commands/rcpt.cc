// SPDX-License-Identifier: Apache-2.0
// RCPT (RFC 5321 §4.1.1.3): one more recipient.
#include "smtp/commands.h"
#include "smtp/tracing.h"

namespace postern::smtp {
namespace {

namespace status = mail::status;

// RFC 5321 §4.5.1: "<Postmaster>" without domain is the postmaster of our first domain.
std::optional<mail::Recipient> postmaster(const Conversation& talk) {
  const auto table = talk.parts.directory.table();
  if (table->domains.empty()) return std::nullopt;
  auto domain = mail::Domain::parse(table->domains.front().name);
  if (!domain) return std::nullopt;
  return mail::Recipient{mail::Address("postmaster", std::move(*domain)), mail::notify_unset, {}};
}

/// Tells the log (product.md promise 5).
Reply tell_refused(const Conversation& talk, const mail::Address& recipient, Reply refusal) {
  talk.parts.log.info(talk.options.service, "recipient refused",
                      {{"ip", talk.ip()},
                       {"helo", talk.helo},
                       {"from", mail::to_string(talk.transaction->envelope.sender)},
                       {"to", recipient.to_string()},
                       {"reply", fmt::format("{} {}", refusal.code, refusal.text)}});
  trace_recipient(talk, recipient, refusal);
  return refusal;
}

/// Counts refused recipients, so that the loop delays and closes by it.
Reply refuse(Conversation& talk, const mail::Address& recipient, Reply refusal) {
  if (refusal.is_permanent()) ++talk.tally.unknown_recipients;
  return tell_refused(talk, recipient, std::move(refusal));
}

}  // namespace

async::Task<Reply> run_rcpt(Context& context, std::string_view arguments) {
  auto& talk = context.talk;
  auto& transaction = *talk.transaction;
  const auto offer = context.handler.offer(talk);
  transaction.rcpt_tried = true;
  transaction.refusing = {};
  if (transaction.chunking) co_return reply(status::bad_sequence, "The message has begun");
  auto parsed = parse_rcpt(arguments, offer.parameters(talk.esmtp), transaction.envelope.smtputf8);
  if (!parsed) co_return reply(parsed.error());
  auto recipient = parsed->recipient ? std::move(parsed->recipient) : postmaster(talk);
  if (!recipient) co_return reply(status::no_such_mailbox);
  // RFC 5321 §4.5.3.1.10
  if (transaction.envelope.recipients.size() >= offer.recipients) co_return reply(status::too_many_recipients);
  recipient->notify = parsed->notify;
  recipient->orcpt = parsed->orcpt;
  auto route = context.handler.route(talk, *recipient);
  if (!route) co_return refuse(talk, recipient->address, std::move(route.error()));
  if (auto refused = co_await context.handler.judge_recipient(talk, *recipient)) {
    const bool unknown = refused->enhanced == status::no_such_mailbox.enhanced;
    co_return unknown ? refuse(talk, recipient->address, std::move(*refused))
                      : tell_refused(talk, recipient->address, std::move(*refused));
  }
  transaction.add(*recipient, std::move(*route));
  talk.connection.settle();
  co_return reply(status::recipient_ok);
}

}  // namespace postern::smtp
