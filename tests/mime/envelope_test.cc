// SPDX-License-Identifier: Apache-2.0
// ENVELOPE text: the RFC's example, NIL rules, literals, groups and hostile values.
#include "mime/envelope.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

TEST(Envelope, LikeTheExampleOfTheRfc) {
  // RFC 3501 §8
  EXPECT_EQ(imap_envelope("Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nFrom: Terry Gray <gray@cac.washington.edu>\r\n"
                          "Subject: IMAP4rev1 WG mtg summary and minutes\r\nTo: imap@cac.washington.edu\r\n"
                          "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\nMessage-Id: "
                          "<B27397-0100000@cac.washington.edu>\r\n\r\n"),
            "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg summary and minutes\" "
            "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
            "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" \"cac.washington.edu\")) "
            "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
            "\"<B27397-0100000@cac.washington.edu>\")");
}

TEST(Envelope, AbsentEmptyAndDoubleFields) {
  EXPECT_EQ(imap_envelope(""), "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
  EXPECT_EQ(imap_envelope("Subject:\r\nTo: \r\nIn-Reply-To:\r\n"), "(NIL \"\" NIL NIL NIL NIL NIL NIL \"\" NIL)");
  EXPECT_EQ(imap_envelope("Subject: one\r\nSubject: two\r\nSender: s@x\r\nFrom: f@x\r\nReply-To: r@x\r\n"),
            "(NIL \"one\" ((NIL NIL \"f\" \"x\")) ((NIL NIL \"s\" \"x\")) ((NIL NIL \"r\" \"x\")) NIL NIL NIL NIL NIL)");
  EXPECT_TRUE(summarize(Header("From: a@b\r\nFROM: c@d\r\n")).duplicate);
  EXPECT_FALSE(summarize(Header("From: a@b\r\nX: 1\r\nX: 2\r\n")).duplicate);
}

TEST(Envelope, GroupsRoutesAndMissingHosts) {
  EXPECT_EQ(imap_envelope("To: g: <@r:a@b>;, alice\r\n"),
            "(NIL NIL NIL NIL NIL ((NIL NIL \"g\" NIL)(NIL \"@r\" \"a\" \"b\")(NIL NIL NIL NIL)(NIL NIL \"alice\" \"\")) NIL NIL "
            "NIL NIL)");
}

TEST(Envelope, StringsAreAlwaysValid) {
  struct Case {
    std::string text, string;
  };
  const Case cases[] = {{"a", "\"a\""},
                        {"", "\"\""},
                        {"a\"b\\", "\"a\\\"b\\\\\""},
                        {"\xc3\xa4", "{2}\r\n\xc3\xa4"},
                        {"a\r\nb", "{4}\r\na\r\nb"},
                        {std::string("a\0b", 3), "{2}\r\nab"},
                        {std::string(2'000, 'x'), "{2000}\r\n" + std::string(2'000, 'x')},
                        {"\t\x01", "\"\t\x01\""}};
  for (const Case& one : cases) {
    std::string out;
    append_nstring(out, one.text);
    EXPECT_EQ(out, one.string);
  }
  std::string nil;
  append_nstring(nil, std::nullopt);
  append_nstring_or_nil(nil, "");
  EXPECT_EQ(nil, "NILNIL");
}

TEST(Envelope, FoldingNeverReachesTheText) {
  EXPECT_EQ(imap_envelope("Subject: a\r\n b\rc\r\n"), "(NIL \"a b c\" NIL NIL NIL NIL NIL NIL NIL NIL)");
  EXPECT_EQ(imap_envelope("From: \"a\r\n b\" <c\r\n @d>\r\n").find('\n'), std::string::npos);
}

TEST(Envelope, SummaryHasValues) {
  const auto summary = summarize(Header("Date: 1 Jan 2000 00:00 +0100\r\nFrom: A <a@x.test>, b@x.test\r\nMessage-ID: <1@x>\r\n"));
  ASSERT_TRUE(summary.date);
  EXPECT_EQ(summary.date->at, 946681200);
  EXPECT_EQ(summary.from.mailboxes(), 2u);
  EXPECT_EQ(summary.message_id, "<1@x>");
  EXPECT_EQ(summary.subject, std::nullopt);
}

}  // namespace
}  // namespace postern::mime
