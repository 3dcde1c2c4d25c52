// SPDX-License-Identifier: Apache-2.0
#include "queue/letter.h"

#include "mime/date.h"
#include "mime/transfer_encoding.h"
#include "mime/writer.h"

namespace postern::queue {

namespace {

Result<mail::Address> postmaster_of(const mail::Address& to) {
  if (to.domain() == nullptr) return fail(ErrorKind::invalid, "a letter needs an address with a domain");
  return mail::Address::parse("postmaster@" + to.domain()->ascii());
}

}  // namespace

std::string quoted_text(std::string_view text) {
  std::string lines;
  for (const char c : text) {
    if (c == '\n') lines += '\r';
    lines += c;
  }
  if (!lines.ends_with("\r\n")) lines += "\r\n";
  return mime::encode_transfer(lines, mime::TransferEncoding::quoted_printable);
}

Result<std::string> compose_letter(const Letter& letter, UnixTime now) {
  const auto to = mail::Address::parse(letter.to);
  if (!to) return std::unexpected(to.error());
  const auto from = postmaster_of(*to);
  if (!from) return std::unexpected(from.error());
  mime::HeaderWriter header;
  header.address("From", {"Postmaster", *from})
      .address("To", {"", *to})
      .text("Subject", letter.subject)
      .date("Date", {now, 0})
      .field("Message-ID", mime::make_message_id(now, *to->domain()))
      .field("Auto-Submitted", "auto-generated")
      .field("MIME-Version", "1.0")
      .field("Content-Type", "text/plain; charset=utf-8")
      .field("Content-Transfer-Encoding", "quoted-printable");
  auto fields = header.finish();
  if (!fields) return fields;
  return *fields + "\r\n" + quoted_text(letter.text);
}

async::Task<Result<>> send_letter(Writing writing, Letter letter) {
  const UnixTime now = writing.clock.unix_now();
  auto text = compose_letter(letter, now);
  if (!text) co_return std::unexpected(text.error());
  const auto to = mail::Address::parse(letter.to);
  const auto found = writing.directory.resolve(*to);
  if (!found) co_return std::unexpected(found.error());
  if (found->mailboxes.empty()) co_return fail(ErrorKind::not_found, letter.to + " leads to no mailbox here");
  Arrival arrival;
  for (const auto& mailbox : found->mailboxes) arrival.local.push_back({mailbox.account, letter.to});
  const std::string id = writing.door.new_id();
  arrival.trace = fmt::format("Received: by {} (notice)\r\n\tid {}; {}\r\n", writing.config.get()->server.hostname, id,
                              mime::format_date({now, 0}));
  arrival.body = store::body_of(std::move(*text));
  const auto receipt = co_await writing.door.accept(std::move(arrival), id);
  if (!receipt) co_return std::unexpected(receipt.error());
  writing.log.info("queue", "letter", {{"id", receipt->id}, {"to", letter.to}, {"subject", letter.subject}});
  co_return Result<>();
}

}  // namespace postern::queue
