// SPDX-License-Identifier: Apache-2.0
// Reading the arguments between literals, and the literals themselves.
#include "imap/appender.h"

#include "imap/limits.h"
#include "mime/body_structure.h"
#include "mime/part_codec.h"

namespace postern::imap {
namespace {

store::MessageMeta describe(mime::PartParser& parser) {
  const auto tree = parser.finish();
  return {.envelope = tree.root().envelope,
          .bodystructure = mime::imap_bodystructure(tree, mime::Structure::extended),
          .parts = mime::encode_parts(tree)};
}

Reply keep(std::string_view chunk, const LiteralMark& mark, store::Spool& spool, mime::PartParser& parser) {
  // RFC 3501 §4.3: a literal holds no NUL. RFC 3516 §4.3: a literal8 may, but whoever cannot keep that refuses it.
  if (chunk.find('\0') != std::string_view::npos) {
    return mark.binary ? no("UNKNOWN-CTE", "Messages with NUL octets cannot be kept") : bad("NUL in a message");
  }
  parser.feed(chunk);
  const auto written = spool.write(chunk);
  return written ? ok("") : from_error(written.error());
}

// RFC 3501 §6.3.11: TRYCREATE when the mailbox is missing
Reply no_target(const Error& error) {
  return error.kind == ErrorKind::not_found ? no("TRYCREATE", "No such mailbox") : from_error(error);
}

}  // namespace

std::string append_uid(const store::Appended& appended) {
  return fmt::format("APPENDUID {} {}", appended.uidvalidity, appended.uids.to_string());
}

async::Task<Reply> Appender::run(Parser in) {
  auto mark = session_.message_literal();
  auto name = in.mailbox();
  if (in.ok() && !mark) in.fail("Expected a message literal");
  auto head = read_head(in, mark.value_or(LiteralMark()));
  auto refusal = in.ok() ? co_await check_target(std::move(name)) : in.fault();
  while (refusal.status == Reply::Status::ok) {
    refusal = check_size(*mark);
    if (refusal.status != Reply::Status::ok) break;
    refusal = co_await receive(*mark, head);
    auto line = co_await session_.read_line(limits::after_login.line);
    std::string_view rest = line;
    if (head.in_utf8_group && !rest.empty() && rest.front() == ')') {
      rest.remove_prefix(1);
    } else if (head.in_utf8_group && refusal.status == Reply::Status::ok) {
      refusal = bad("Expected ) behind the message");
    }
    mark = literal_mark(rest);
    if (refusal.status != Reply::Status::ok) break;
    if (rest.empty()) co_return co_await finish();
    if (!mark) co_return bad("Expected another message or the end");
    refusal = next_head(rest, *mark, head);
  }
  if (mark) co_await session_.drop_literal(*mark);
  co_return refusal;
}

// RFC 3501 §6.3.11: [SP flag-list] [SP date-time] SP literal; RFC 6855 §4: or "UTF8" SP "(" literal8 ")". The parser stands
// before the first SP, the literal is cut off.
Appender::Head Appender::read_head(Parser& in, const LiteralMark& mark) const {
  Head head{.internal_date = session_.services().clock.unix_now()};
  in.sp();
  if (in.is('(')) {
    head.flags = in.flag_list();
    in.sp();
  }
  if (in.is('"')) {
    head.internal_date = in.date_time();
    in.sp();
  }
  if (in.take_keyword("UTF8")) {
    head.in_utf8_group = true;
    in.sp();
    in.expect('(');
    if (!session_.utf8()) in.fail("UTF8=ACCEPT is not enabled");
    if (!mark.binary) in.fail("Expected a literal8");
  }
  in.end();
  return head;
}

Reply Appender::next_head(std::string_view rest, const LiteralMark& mark, Head& head) const {
  if (count_ == Count::one) return bad("One message is enough");
  if (messages_.size() == limits::append_messages) return no("LIMIT", "Too many messages at once");
  Parser in(rest.substr(0, rest.size() - mark.mark));
  head = read_head(in, mark);
  return in.ok() ? ok("") : in.fault();
}

async::Task<Reply> Appender::check_target(std::string name) {
  const auto info = co_await session_.store().status(std::move(name));
  if (!info) co_return no_target(info.error());
  mailbox_ = info->id;
  co_return ok("");
}

// RFC 7889 §4 (TOOBIG), RFC 9208 §4.3 (OVERQUOTA); security.md D86: before the client sends it
Reply Appender::check_size(const LiteralMark& mark) {
  if (mark.size > session_.config()->limits.append_bytes) return no("TOOBIG", "The message is too large");
  if (mark.size == 0) return no("CANNOT", "A message cannot be empty");
  const auto quota = session_.store().quota();
  const bool bytes = quota.limit_bytes != 0 && quota.used_bytes + total_ + mark.size > quota.limit_bytes;
  const bool count = quota.limit_messages != 0 && quota.used_messages + messages_.size() + 1 > quota.limit_messages;
  total_ += mark.size;
  return bytes || count ? no("OVERQUOTA", "The quota of this account is used up") : ok("");
}

/// Reads the whole literal, whatever happens to it.
async::Task<Reply> Appender::receive(const LiteralMark& mark, const Head& head) {
  if (mark.waits) {
    session_.out().append("+ Send the message\r\n");
    co_await session_.flush();
  }
  const auto spool = session_.services().store.spool();
  mime::PartParser parser;
  Reply reply = ok("");
  session_.connection().begin_transfer({});
  for (auto left = mark.size; left > 0;) {
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(left, limits::body_chunk));
    const auto chunk = co_await session_.connection().read_chunk(most);
    if (!chunk) throw ConnectionOver{chunk.error().text};
    left -= chunk->size();
    if (reply.status == Reply::Status::ok) reply = keep(*chunk, mark, *spool, parser);
  }
  session_.connection().end_transfer();
  if (reply.status != Reply::Status::ok) co_return reply;
  co_return add(*spool, parser, head);
}

Reply Appender::add(store::Spool& spool, mime::PartParser& parser, const Head& head) {
  auto body = spool.finish();
  if (!body) return from_error(body.error());
  messages_.push_back({.body = *std::move(body),
                       .meta = describe(parser),
                       .flags = head.flags.system,
                       .keywords = head.flags.keywords,
                       .internal_date = head.internal_date});
  return ok("");
}

async::Task<Reply> Appender::finish() {
  auto appended = co_await session_.store().append(mailbox_, std::move(messages_));
  if (!appended) co_return no_target(appended.error());
  appended_ = *std::move(appended);
  co_return ok(append_uid(*appended_), "Stored");
}

}  // namespace postern::imap
