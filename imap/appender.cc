// SPDX-License-Identifier: Apache-2.0
// Reading the arguments between literals, the literals themselves, and what URLs name.
#include "imap/appender.h"

#include "base/encoding.h"
#include "imap/capabilities.h"
#include "imap/limits.h"
#include "imap/message_limit.h"
#include "imap/message_url.h"
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

/// "BADURL …" with the URL, where a response code can hold it.
std::string bad_url_code(std::string_view url) {
  const bool fits = !url.empty() && std::ranges::all_of(url, [](char c) { return c > ' ' && c < '\x7f' && c != ']'; });
  return "BADURL " + (fits ? std::string(url) : percent_encode(url));
}

}  // namespace

std::string append_uid(const store::Appended& appended) {
  return fmt::format("APPENDUID {} {}", appended.uidvalidity, appended.uids.to_string());
}

async::Task<Reply> Appender::run(Parser in) {
  Text text{.mark = session_.message_literal()};
  auto name = in.mailbox();
  auto head = read_head(in, text.mark);
  if (in.ok() && !text.mark && !head.in_parts) in.fail("Expected a message literal");
  auto refusal = in.ok() ? co_await check_target(std::move(name)) : in.fault();
  text.rest = in.rest();
  while (refusal.status == Reply::Status::ok) {
    refusal = head.in_parts ? co_await take_parts(text, head) : co_await take_message(text, head);
    if (refusal.status != Reply::Status::ok) break;
    if (text.rest.empty() && !text.mark) co_return co_await finish();
    refusal = next_head(text, head);
  }
  if (text.mark) co_await session_.drop_literal(*text.mark);
  co_return refusal;
}

// RFC 3501 §6.3.11: [SP flag-list] [SP date-time] SP literal; RFC 6855 §4: or "UTF8" SP "(" literal8 ")"; RFC 4469 §5: or
// "CATENATE" SP "(" cat-part …. The parser stands before the first SP, the literal is cut off.
Appender::Head Appender::read_head(Parser& in, const std::optional<LiteralMark>& mark) const {
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
  const bool may_catenate = !is_capability_off(*session_.config(), session_.capabilities_off(), "CATENATE");
  if (may_catenate && in.take_keyword("CATENATE")) {
    head.in_parts = true;
    in.sp();
    in.expect('(');
    return head;
  }
  if (in.take_keyword("UTF8")) {
    head.in_utf8_group = true;
    in.sp();
    in.expect('(');
    if (!session_.utf8()) in.fail("UTF8=ACCEPT is not enabled");
    if (!mark || !mark->binary) in.fail("Expected a literal8");
  }
  in.end();
  return head;
}

Reply Appender::next_head(Text& text, Head& head) const {
  if (count_ == Count::one) return bad("One message is enough");
  // RFC 9738 §3.1: APPEND is all or nothing.
  if (const MessageLimit limit(session_); limit.is_exceeded_by(messages_.size() + 1)) return limit.refusal();
  if (messages_.size() == limits::append_messages) return no("LIMIT", "Too many messages at once");
  Parser in(text.rest, session_.names());
  head = read_head(in, text.mark);
  if (in.ok() && !text.mark && !head.in_parts) return bad("Expected another message or the end");
  const auto fault = in.ok() ? ok("") : in.fault();
  text.rest = std::string(in.rest());
  return fault;
}

async::Task<Reply> Appender::check_target(std::string name) {
  const auto mailbox = co_await session_.store().find(std::move(name));
  if (!mailbox) co_return no_target(mailbox.error());
  mailbox_ = *mailbox;
  co_return ok("");
}

// RFC 7889 §4 (TOOBIG), RFC 9208 §4.3 (OVERQUOTA); security.md D86: before the client sends it
Reply Appender::check_size(std::uint64_t octets, std::uint64_t before) {
  const auto most = session_.config()->limits.append_bytes;
  if (octets > most || before > most - octets) return no("TOOBIG", "The message is too large");
  const auto quota = session_.store().quota();
  const bool bytes = quota.limit_bytes != 0 && quota.used_bytes + total_ + octets > quota.limit_bytes;
  const bool count = quota.limit_messages != 0 && quota.used_messages + messages_.size() + 1 > quota.limit_messages;
  total_ += octets;
  return bytes || count ? no("OVERQUOTA", "The quota of this account is used up") : ok("");
}

/// Reads the whole literal, whatever happens to it.
async::Task<Reply> Appender::receive(const LiteralMark& mark, Assembly& out) {
  if (mark.waits) {
    session_.out().append("+ Send the message\r\n");
    co_await session_.flush();
  }
  Reply reply = ok("");
  session_.connection().begin_transfer({});
  for (auto left = mark.size; left > 0;) {
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(left, limits::body_chunk));
    const auto chunk = co_await session_.connection().read_chunk(most);
    if (!chunk) throw ConnectionOver{chunk.error().text};
    left -= chunk->size();
    if (reply.status == Reply::Status::ok) reply = keep(*chunk, mark, *out.spool, out.parser);
  }
  session_.connection().end_transfer();
  out.size += mark.size;
  co_return reply;
}

/// The line behind a literal that was read.
async::Task<Appender::Text> Appender::next_text() {
  Text out{.rest = co_await session_.read_line(limits::after_login.line)};
  out.mark = literal_mark(out.rest);
  if (out.mark) out.rest.resize(out.rest.size() - out.mark->mark);
  co_return out;
}

/// One message as one literal.
async::Task<Reply> Appender::take_message(Text& text, const Head& head) {
  if (text.mark->size == 0) co_return no("CANNOT", "A message cannot be empty");
  auto reply = check_size(text.mark->size);
  if (reply.status != Reply::Status::ok) co_return reply;
  Assembly whole{.spool = session_.services().store.spool()};
  reply = co_await receive(*text.mark, whole);
  text = co_await next_text();
  const bool closes = head.in_utf8_group && text.rest.starts_with(')');
  if (closes) text.rest.erase(0, 1);
  if (reply.status != Reply::Status::ok) co_return reply;
  if (head.in_utf8_group && !closes) co_return bad("Expected ) behind the message");
  co_return add(*whole.spool, whole.parser, head);
}

// RFC 4469 §5: "CATENATE" SP "(" cat-part *(SP cat-part) ")"; the text stands before the first part.
async::Task<Reply> Appender::take_parts(Text& text, const Head& head) {
  Assembly whole{.spool = session_.services().store.spool()};
  for (;;) {
    const auto reply = co_await take_part(text, whole);
    if (reply.status != Reply::Status::ok) co_return reply;
    const char next = text.rest.empty() ? '\0' : text.rest.front();
    if (next != ' ' && next != ')') co_return bad("Expected another part or )");
    text.rest.erase(0, 1);
    if (next == ')') break;
  }
  if (whole.size == 0) co_return no("CANNOT", "A message cannot be empty");
  co_return add(*whole.spool, whole.parser, head);
}

// RFC 4469 §5: cat-part = text-literal / url; RFC 6855 §4: / "UTF8" SP "(" literal8 ")"
async::Task<Reply> Appender::take_part(Text& text, Assembly& out) {
  Parser in(text.rest, session_.names());
  if (in.take_keyword("URL")) {
    in.sp();
    co_return co_await take_url(text, in, out);
  }
  const bool group = in.take_keyword("UTF8");
  if (!group && !in.take_keyword("TEXT")) in.fail("Expected TEXT or URL");
  in.sp();
  if (group) in.expect('(');
  if (group && !session_.utf8()) in.fail("UTF8=ACCEPT is not enabled");
  in.end();
  if (!text.mark || (group && !text.mark->binary)) in.fail("Expected a literal");
  if (!in.ok()) co_return in.fault();
  auto reply = co_await take_literal(text, out);
  if (reply.status != Reply::Status::ok || !group) co_return reply;
  if (!text.rest.starts_with(')')) co_return bad("Expected )");
  text.rest.erase(0, 1);
  co_return reply;
}

async::Task<Reply> Appender::take_literal(Text& text, Assembly& out) {
  auto reply = check_size(text.mark->size, out.size);
  if (reply.status != Reply::Status::ok) co_return reply;
  reply = co_await receive(*text.mark, out);
  text = co_await next_text();
  co_return reply;
}

// RFC 4469 §5: url = "URL" SP astring
async::Task<Reply> Appender::take_url(Text& text, Parser& in, Assembly& out) {
  std::string url;
  if (in.ok() && in.at_end() && text.mark) {
    if (text.mark->size > limits::url) co_return no("TOOBIG", "The URL is too long");
    if (text.mark->waits) {
      session_.out().append("+ Go on\r\n");
      co_await session_.flush();
    }
    const auto got = co_await session_.connection().read_exactly(static_cast<std::size_t>(text.mark->size), url);
    if (!got) throw ConnectionOver{got.error().text};
    text = co_await next_text();
  } else {
    url = in.astring();
    if (!in.ok()) co_return in.fault();
    text.rest.erase(0, in.position());
  }
  co_return co_await copy_url(std::move(url), out);
}

// RFC 4469 §4: BADURL names the URL that cannot be used.
async::Task<Reply> Appender::copy_url(std::string url, Assembly& out) {
  auto source = co_await open_url(session_, url);
  if (!source) co_return no(bad_url_code(url), "This URL names nothing that can be read here");
  const auto size = source->text.size() + source->range.size();
  if (auto reply = check_size(size, out.size); reply.status != Reply::Status::ok) co_return reply;
  if (!source->text.empty()) {
    if (auto reply = keep(source->text, {}, *out.spool, out.parser); reply.status != Reply::Status::ok) co_return reply;
  }
  for (auto at = source->range.begin; at < source->range.end;) {
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(source->range.end - at, limits::body_chunk));
    const auto octets = co_await source->message->read(at, most);
    if (!octets) co_return no(bad_url_code(url), "The message cannot be read");
    if (auto reply = keep(*octets, {}, *out.spool, out.parser); reply.status != Reply::Status::ok) co_return reply;
    at += octets->size();
  }
  out.size += size;
  co_return ok("");
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
  session_.made(mailbox_, appended_->uids);
  co_return ok(append_uid(*appended_), "Stored");
}

}  // namespace postern::imap
