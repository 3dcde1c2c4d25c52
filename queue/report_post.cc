// SPDX-License-Identifier: Apache-2.0
#include "queue/report_post.h"

#include "mime/date.h"
#include "mime/transfer_encoding.h"
#include "mime/writer.h"

namespace postern::queue {

namespace {

mime::BodyPart text_part(const std::string& text) {
  mime::BodyPart part;
  part.header.field("Content-Type", "text/plain; charset=utf-8").field("Content-Transfer-Encoding", "quoted-printable");
  part.body = quoted_text(text);
  return part;
}

mime::BodyPart file_part(const ReportMail& mail) {
  mime::BodyPart part;
  part.header.field("Content-Type", mail.media + "; name=\"" + mail.file_name + "\"")
      .field("Content-Transfer-Encoding", "base64")
      .field("Content-Disposition", "attachment; filename=\"" + mail.file_name + "\"");
  part.body = mime::encode_transfer(mail.file, mime::TransferEncoding::base64);
  return part;
}

}  // namespace

// RFC 7489 §7.2.1.1, RFC 8460 §5.3
Result<std::string> compose_report(const ReportMail& mail, UnixTime now) {
  const auto from = mail::Address::parse(mail.from);
  const auto to = mail::Address::parse(mail.to);
  if (!from) return std::unexpected(from.error());
  if (!to) return std::unexpected(to.error());
  if (from->domain() == nullptr) return fail(ErrorKind::invalid, "a report needs a sender with a domain");
  mime::Multipart out;
  out.header.address("From", {"", *from})
      .address("To", {"", *to})
      .text("Subject", mail.subject)
      .date("Date", {now, 0})
      .field("Message-ID", mime::make_message_id(now, *from->domain()))
      .field("Auto-Submitted", "auto-generated");
  for (const auto& [name, value] : mail.fields) out.header.field(name, value);
  if (!mail.report_type.empty()) {
    out.subtype = "report";
    out.parameters = {{"report-type", mail.report_type}};
  }
  out.boundary = mime::make_boundary();
  out.parts.push_back(text_part(mail.text));
  out.parts.push_back(file_part(mail));
  return mime::write_multipart(out);
}

async::Task<Result<>> ReportPost::send(ReportMail mail) {
  const UnixTime now = writing_.clock.unix_now();
  auto text = compose_report(mail, now);
  if (!text) co_return std::unexpected(text.error());
  auto to = mail::Address::parse(mail.to);
  if (to->domain() == nullptr || writing_.directory.is_local(*to->domain())) {
    co_return fail(ErrorKind::denied, mail.to + " is ours; nobody reports to himself");
  }
  Arrival arrival;
  arrival.remote.push_back(RemoteRecipient({*std::move(to), mail::notify_never, {}}));
  arrival.ours = true;
  const std::string id = writing_.door.new_id();
  arrival.trace = fmt::format("Received: by {} (report)\r\n\tid {}; {}\r\n", writing_.config.get()->server.hostname, id,
                              mime::format_date({now, 0}));
  arrival.body = store::body_of(*std::move(text));
  const auto receipt = co_await writing_.door.accept(std::move(arrival), id);
  if (!receipt) co_return std::unexpected(receipt.error());
  writing_.log.info("queue", "report", {{"id", receipt->id}, {"to", mail.to}, {"subject", mail.subject}});
  co_return Result<>();
}

}  // namespace postern::queue
