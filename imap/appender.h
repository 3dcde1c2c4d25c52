// SPDX-License-Identifier: Apache-2.0
// Appender: the part of APPEND and REPLACE that takes messages in. The literal streams into the spool and the MIME parser at
// once; nothing of it is asked for before mailbox, size and quota allow it. All messages are stored or none.
//
// With CATENATE (RFC 4469) a message is put together from literals and from parts of messages that are here already.
// Whatever happens, the literals that the client sends are consumed, or the connection ends.
#pragma once

#include <optional>
#include <vector>

#include "imap/session.h"
#include "mime/part.h"

namespace postern::imap {

class Appender {
 public:
  /// How many messages one command may bring.
  enum class Count : bool { one, many };
  Appender(Session& session, Count count) : session_(session), count_(count) {}

  /// mailbox [SP flag-list] [SP date-time] SP literal …; the parser stands before the mailbox. After OK appended() is set.
  /// Throws ConnectionOver.
  async::Task<Reply> run(Parser in);
  const std::optional<store::Appended>& appended() const { return appended_; }
  store::MailboxId mailbox() const { return mailbox_; }

 private:
  /// One message before its octets.
  struct Head {
    FlagList flags;
    UnixTime internal_date = 0;
    bool in_utf8_group = false;  ///< "UTF8 (~{n}", a ")" follows
    bool in_parts = false;       ///< CATENATE: the parts of the message follow
  };
  /// What stands behind that which was read last, up to a literal or the end of the command.
  struct Text {
    std::string rest{};
    std::optional<LiteralMark> mark{};  ///< the literal at its end, cut off
  };
  /// A message that is being put together.
  struct Assembly {
    std::unique_ptr<store::Spool> spool;
    mime::PartParser parser{};
    std::uint64_t size = 0;
  };
  Head read_head(Parser& in, const std::optional<LiteralMark>& mark) const;
  Reply next_head(Text& text, Head& head) const;
  async::Task<Reply> check_target(std::string name);
  Reply check_size(std::uint64_t octets, std::uint64_t before = 0);
  async::Task<Reply> receive(const LiteralMark& mark, Assembly& out);
  async::Task<Text> next_text();
  async::Task<Reply> take_message(Text& text, const Head& head);
  async::Task<Reply> take_parts(Text& text, const Head& head);
  async::Task<Reply> take_part(Text& text, Assembly& out);
  async::Task<Reply> take_literal(Text& text, Assembly& out);
  async::Task<Reply> take_url(Text& text, Parser& in, Assembly& out);
  async::Task<Reply> copy_url(std::string url, Assembly& out);
  Reply add(store::Spool& spool, mime::PartParser& parser, const Head& head);
  async::Task<Reply> finish();

  Session& session_;
  const Count count_;
  store::MailboxId mailbox_ = 0;
  std::uint64_t total_ = 0;
  std::vector<store::NewMessage> messages_;
  std::optional<store::Appended> appended_;
};

/// "APPENDUID 38505 3955" (RFC 4315 §3)
std::string append_uid(const store::Appended& appended);

}  // namespace postern::imap
