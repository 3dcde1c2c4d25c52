// SPDX-License-Identifier: Apache-2.0
// APPEND, also of several messages (RFC 3502). The literal streams into the spool and the MIME parser at once; nothing of it is
// asked for before mailbox, size and quota allow it. All messages are stored or none.
#include "imap/limits.h"
#include "imap/session.h"
#include "mime/body_structure.h"
#include "mime/part.h"
#include "mime/part_codec.h"

namespace postern::imap::commands {
namespace {

/// One message before its octets.
struct Head {
  FlagList flags;
  UnixTime internal_date = 0;
};

// RFC 3501 §6.3.11: [SP flag-list] [SP date-time] SP literal; the parser stands before the first SP, the literal is cut off.
Head read_head(Parser& in, UnixTime now) {
  Head head{.internal_date = now};
  in.sp();
  if (in.is('(')) {
    head.flags = in.flag_list();
    in.sp();
  }
  if (in.is('"')) {
    head.internal_date = in.date_time();
    in.sp();
  }
  in.end();
  return head;
}

store::MessageMeta describe(mime::PartParser& parser) {
  const auto tree = parser.finish();
  return {.envelope = tree.root().envelope,
          .bodystructure = mime::imap_bodystructure(tree, mime::Structure::extended),
          .parts = mime::encode_parts(tree)};
}

class Appender {
 public:
  explicit Appender(Session& session) : session_(session) {}

  async::Task<Reply> run(Parser in) {
    auto mark = session_.message_literal();
    in.sp();
    auto name = in.mailbox();
    if (in.ok() && !mark) in.fail("Expected a message literal");
    auto head = read_head(in, session_.services().clock.unix_now());
    auto refusal = in.ok() ? co_await check_target(std::move(name)) : in.fault();
    while (refusal.status == Reply::Status::ok) {
      refusal = check_size(*mark);
      if (refusal.status != Reply::Status::ok) break;
      refusal = co_await receive(*mark, std::move(head));
      const auto rest = co_await session_.read_line(limits::after_login.line);
      if (rest.empty() && refusal.status == Reply::Status::ok) co_return co_await finish();
      mark = literal_mark(rest);
      if (refusal.status == Reply::Status::ok) refusal = next_head(rest, mark, head);
    }
    if (mark) co_await session_.drop_literal(*mark);
    co_return refusal;
  }

 private:
  Reply next_head(std::string_view rest, const std::optional<LiteralMark>& mark, Head& head) {
    if (!mark) return bad("Expected another message or the end");
    if (messages_.size() == limits::append_messages) return no("LIMIT", "Too many messages at once");
    Parser in(rest.substr(0, rest.size() - mark->mark));
    head = read_head(in, session_.services().clock.unix_now());
    return in.ok() ? ok("") : in.fault();
  }

  // RFC 3501 §6.3.11: TRYCREATE when the mailbox is missing
  async::Task<Reply> check_target(std::string name) {
    const auto info = co_await session_.store().status(std::move(name));
    if (!info) {
      co_return info.error().kind == ErrorKind::not_found ? no("TRYCREATE", "No such mailbox") : from_error(info.error());
    }
    mailbox_ = info->id;
    co_return ok("");
  }

  // RFC 7889 §4 (TOOBIG), RFC 9208 §4.3 (OVERQUOTA); security.md D86: before the client sends it
  Reply check_size(const LiteralMark& mark) {
    if (mark.size > session_.config()->limits.append_bytes) return no("TOOBIG", "The message is too large");
    if (mark.size == 0) return no("CANNOT", "A message cannot be empty");
    const auto quota = session_.store().quota();
    const bool bytes = quota.limit_bytes != 0 && quota.used_bytes + total_ + mark.size > quota.limit_bytes;
    const bool count = quota.limit_messages != 0 && quota.used_messages + messages_.size() + 1 > quota.limit_messages;
    total_ += mark.size;
    return bytes || count ? no("OVERQUOTA", "The quota of this account is used up") : ok("");
  }

  /// Reads the whole literal, whatever happens to it.
  async::Task<Reply> receive(const LiteralMark& mark, Head head) {
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
      if (reply.status == Reply::Status::ok) reply = keep(*chunk, *spool, parser);
    }
    session_.connection().end_transfer();
    if (reply.status != Reply::Status::ok) co_return reply;
    co_return add(*spool, parser, std::move(head));
  }

  static Reply keep(std::string_view chunk, store::Spool& spool, mime::PartParser& parser) {
    // RFC 3501 §4.3: a literal holds no NUL.
    if (chunk.find('\0') != std::string_view::npos) return bad("NUL in a message");
    parser.feed(chunk);
    const auto written = spool.write(chunk);
    return written ? ok("") : from_error(written.error());
  }

  Reply add(store::Spool& spool, mime::PartParser& parser, Head head) {
    auto body = spool.finish();
    if (!body) return from_error(body.error());
    messages_.push_back({.body = *std::move(body),
                         .meta = describe(parser),
                         .flags = head.flags.system,
                         .keywords = std::move(head.flags.keywords),
                         .internal_date = head.internal_date});
    return ok("");
  }

  // RFC 4315 §3: APPENDUID
  async::Task<Reply> finish() {
    const auto appended = co_await session_.store().append(mailbox_, std::move(messages_));
    if (!appended) {
      co_return appended.error().kind == ErrorKind::not_found ? no("TRYCREATE", "No such mailbox") : from_error(appended.error());
    }
    co_return ok(fmt::format("APPENDUID {} {}", appended->uidvalidity, appended->uids.to_string()), "Stored");
  }

  Session& session_;
  store::MailboxId mailbox_ = 0;
  std::uint64_t total_ = 0;
  std::vector<store::NewMessage> messages_;
};

}  // namespace

async::Task<Reply> append(Session& session, Command& command) {
  Appender appender(session);
  co_return co_await appender.run(command.args);
}

}  // namespace postern::imap::commands
