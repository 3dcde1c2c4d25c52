// SPDX-License-Identifier: Apache-2.0
// What goes on the wire, and the envelope read back.
#include "imap/response.h"

#include "imap/envelope.h"

namespace postern::imap {
namespace {

TEST(ImapResponse, Strings) {
  const std::pair<std::string, std::string> rows[] = {
      {"", "\"\""},
      {"a b", "\"a b\""},
      {"a\"b\\", R"("a\"b\\")"},
      {"a\r\nb", "{4}\r\na\r\nb"},
      {"\xc3\xa4", "{2}\r\n\xc3\xa4"},
      {std::string(1'001, 'x'), "{1001}\r\n" + std::string(1'001, 'x')},
  };
  for (const auto& [in, out] : rows) {
    std::string text;
    append_string(text, in);
    EXPECT_EQ(text, out);
  }
}

TEST(ImapResponse, FlagsInOrder) {
  std::string out;
  append_flags(out, store::flag::seen | store::flag::answered | 1U << 9 | std::uint64_t{1} << 10, {"a", "b", ""});
  EXPECT_EQ(out, "\\Answered \\Seen b");
}

TEST(ImapResponse, DateTime) {
  std::string out;
  append_date_time(out, 837'596'665);
  EXPECT_EQ(out, "\"17-Jul-1996 09:44:25 +0000\"");
  out.clear();
  append_date_time(out, 0);
  EXPECT_EQ(out, "\" 1-Jan-1970 00:00:00 +0000\"");
}

TEST(ImapResponse, ErrorsTellNoCause) {
  for (const auto kind : {ErrorKind::not_found, ErrorKind::io, ErrorKind::internal, ErrorKind::limit, ErrorKind::denied}) {
    const auto reply = from_error({kind, "secret cause"});
    EXPECT_EQ(reply.status, Reply::Status::no);
    EXPECT_FALSE(reply.code.empty());
    EXPECT_EQ(reply.text.find("secret"), std::string::npos);
  }
}

TEST(ImapEnvelope, ReadsBackWhatIsCached) {
  const auto envelope = Envelope::parse(
      "(\"Mon, 02 Jan 2006 23:30:00 -0700\" \"=?utf-8?q?Gr=C3=BC=C3=9Fe?=\" ((\"A B\" NIL \"a\" \"x.example\")) NIL NIL "
      "((NIL NIL \"g\" NIL)(NIL NIL \"c\" \"y\")(NIL NIL NIL NIL)) NIL NIL {3}\r\n<1> \"<2@x>\")");
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(envelope->sent(), 13'150);  // 2 January, although it is the 3rd in UTC
  EXPECT_EQ(envelope->sent_at(), 1'136'269'800);
  EXPECT_EQ(envelope->subject(), "=?utf-8?q?Gr=C3=BC=C3=9Fe?=");
  EXPECT_EQ(envelope->from().name, "A B");
  EXPECT_EQ(envelope->from().mailbox, "a");
  EXPECT_EQ(envelope->from().host, "x.example");
  EXPECT_EQ(envelope->to().name, "");
  EXPECT_EQ(envelope->to().mailbox, "g");
  EXPECT_EQ(envelope->cc().mailbox, "");
  EXPECT_EQ(envelope->in_reply_to(), "<1>");
  EXPECT_EQ(envelope->message_id(), "<2@x>");
  for (const std::string bad : {"", "(", "NIL", "(NIL NIL)", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) x"}) {
    EXPECT_FALSE(Envelope::parse(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace postern::imap
