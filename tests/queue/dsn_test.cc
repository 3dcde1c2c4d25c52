// SPDX-License-Identifier: Apache-2.0
// Notices, parsed back by our own MIME parser.
#include "queue/dsn.h"

#include "mime/header.h"
#include "mime/part.h"
#include "mime/transfer_encoding.h"
#include "tests/queue/house.h"

namespace postern::queue {
namespace {

Dsn failure() {
  Dsn dsn;
  dsn.to = address("alice@example.org");
  dsn.about.push_back({{address("bob@example.net"), 0, "rfc822;robert+2Btag+zz@example.net"}, CourierFake::failed(), false});
  dsn.envid = "env-1";
  dsn.arrived = 1'800'000'000;
  dsn.retry_until = dsn.arrived + 5 * 86400;
  dsn.now = dsn.arrived + 60;
  dsn.hostname = "mx.example.org";
  dsn.header = "From: alice@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@x>\r\n";
  return dsn;
}

std::string part(const std::string& message, std::uint32_t number) {
  const auto tree = mime::parse_message(message);
  const auto index = tree.child(0, number);
  if (index == mime::no_part) return "no such part";
  const auto& one = tree.parts[index];
  return message.substr(one.header_begin, one.body_end - one.header_begin);
}

std::string unwrapped(std::string text) {
  for (auto at = text.find("\r\n"); at != std::string::npos; at = text.find("\r\n", at)) text.replace(at, 2, " ");
  return text;
}

// RFC 3464 §2, RFC 3462 §2
TEST(Dsn, IsAReportOfThreeParts) {
  const auto text = compose(failure());
  ASSERT_TRUE(text) << text.error().text;
  const auto tree = mime::parse_message(*text);
  EXPECT_TRUE(tree.root().type.is("multipart", "report"));
  EXPECT_EQ(tree.root().type.parameter("report-type"), "delivery-status");
  ASSERT_NE(tree.child(0, 3), mime::no_part);
  EXPECT_EQ(tree.child(0, 4), mime::no_part);
  EXPECT_TRUE(tree.parts[tree.child(0, 1)].type.is("text", "plain"));
  EXPECT_TRUE(tree.parts[tree.child(0, 2)].type.is("message", "delivery-status"));
  EXPECT_TRUE(tree.parts[tree.child(0, 3)].type.is("text", "rfc822-headers"));
  const mime::Header header(*text);
  EXPECT_EQ(header.value("To"), "alice@example.org");
  EXPECT_NE(header.value("From").find("<MAILER-DAEMON@mx.example.org>"), std::string::npos);
  EXPECT_EQ(header.value("Auto-Submitted"), "auto-replied");
  EXPECT_EQ(header.value("In-Reply-To"), "<1@x>");
  EXPECT_EQ(header.value("Date"), "Fri, 15 Jan 2027 08:01:00 +0000");
}

TEST(Dsn, StatusFieldsAreThoseOfTheRfc) {
  const auto status = part(compose(failure()).value(), 2);
  EXPECT_TRUE(
      status.ends_with("\r\n\r\n"
                       "Original-Envelope-Id: env-1\r\n"
                       "Reporting-MTA: dns; mx.example.org\r\n"
                       "Arrival-Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"
                       "\r\n"
                       "Original-Recipient: rfc822;robert+tag+zz@example.net\r\n"
                       "Final-Recipient: rfc822; bob@example.net\r\n"
                       "Action: failed\r\n"
                       "Status: 5.1.1\r\n"
                       "Remote-MTA: dns; mx.remote.example\r\n"
                       "Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n"
                       "Last-Attempt-Date: Fri, 15 Jan 2027 08:01:00 +0000\r\n"))
      << status;
}

TEST(Dsn, TellsPeopleWhatHappenedAndWhatToDo) {
  const auto tree = compose(failure()).value();
  const auto text = mime::decode_transfer(part(tree, 1), mime::TransferEncoding::quoted_printable);
  for (const std::string_view words :
       {"<bob@example.net>", "mx.remote.example said: 550 5.1.1 No such user", "This address does not exist there.",
        "Subject of your message: Gr\xc3\xbc\xc3\x9f"
        "e"}) {
    EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
  }
}

TEST(Dsn, TextForPeopleIsWrapped) {
  constexpr std::size_t width = 72;
  auto dsn = failure();
  dsn.about[0].outcome.text = "many words of a server that has much to say about this address and its owner and the weather";
  const auto text = part(compose(dsn).value(), 1);
  const auto body = text.substr(text.find("\r\n\r\n") + 4);
  std::size_t fullest = 0;
  for (std::size_t begin = 0; begin < body.size();) {
    const auto end = std::min(body.find("\r\n", begin), body.size());
    fullest = std::max(fullest, end - begin);
    EXPECT_LE(end - begin, width) << body.substr(begin, end - begin);
    begin = end + 2;
  }
  EXPECT_GT(fullest, width - 12) << "lines are filled";
  EXPECT_TRUE(unwrapped(text).contains("about this address and its owner")) << text;
}

// What we found out about a server ourselves is not put into its mouth.
TEST(Dsn, OurOwnFindingIsNoReplyOfTheServer) {
  auto dsn = failure();
  auto& outcome = dsn.about[0].outcome;
  outcome.code = 0;
  outcome.enhanced = {5, 3, 4};
  outcome.text = "mx.remote.example takes messages of up to 10 octets, and this one has 11";
  const auto tree = compose(dsn).value();
  const auto text = mime::decode_transfer(part(tree, 1), mime::TransferEncoding::quoted_printable);
  EXPECT_EQ(text.find("said"), std::string::npos) << text;
  EXPECT_NE(text.find("Reason: mx.remote.example takes messages"), std::string::npos) << text;
  EXPECT_NE(text.find("too large for the other side"), std::string::npos) << text;
  const auto status = part(tree, 2);
  EXPECT_NE(status.find("Remote-MTA: dns; mx.remote.example\r\nDiagnostic-Code: x-postern; mx.remote.example takes"),
            std::string::npos)
      << status;
}

TEST(Dsn, EveryActionHasItsOwnWords) {
  for (const auto action : {Dsn::Action::failed, Dsn::Action::delayed, Dsn::Action::relayed, Dsn::Action::delivered}) {
    auto dsn = failure();
    dsn.action = action;
    const auto text = compose(dsn).value();
    EXPECT_EQ(part(text, 2).find("Will-Retry-Until:") != std::string::npos, action == Dsn::Action::delayed);
    EXPECT_TRUE(unwrapped(part(text, 1)).contains("the following address")) << text;
    EXPECT_FALSE(part(text, 1).contains("addresses")) << text;
    dsn.about.push_back(dsn.about.front());
    EXPECT_TRUE(unwrapped(part(compose(dsn).value(), 1)).contains("the following addresses")) << text;
  }
}

TEST(Dsn, ReturnsTheWholeMessageWhenGiven) {
  auto dsn = failure();
  dsn.whole = dsn.header + "\r\nbody caf\xc3\xa9\r\n";
  const auto text = compose(dsn).value();
  const auto third = part(text, 3);
  EXPECT_NE(third.find("Content-Type: message/rfc822"), std::string::npos);
  EXPECT_NE(third.find("Content-Transfer-Encoding: 8bit"), std::string::npos);
  EXPECT_NE(third.find(dsn.whole.substr(0, dsn.whole.size() - 2)), std::string::npos);
}

// RFC 6533
TEST(Dsn, InternationalAddressesHaveTheirOwnTypes) {
  auto dsn = failure();
  dsn.about[0].recipient.address = address("j\xc3\xb6rg@example.net");
  EXPECT_NE(part(compose(dsn).value(), 2).find("Final-Recipient: utf-8; j\\x{F6}rg@example.net"), std::string::npos);
  dsn.smtputf8 = true;
  const auto text = compose(dsn).value();
  EXPECT_NE(part(text, 2).find("message/global-delivery-status"), std::string::npos);
  EXPECT_NE(part(text, 2).find("Final-Recipient: utf-8; j\xc3\xb6rg@example.net"), std::string::npos);
  EXPECT_NE(part(text, 3).find("message/global-headers"), std::string::npos);
}

// security.md D80: what outsiders wrote can start no header line and no status field.
TEST(Dsn, NothingFromOutsideBecomesAField) {
  auto dsn = failure();
  dsn.envid = "x\r\nX-Evil: 1";
  dsn.about[0].recipient.orcpt = "rfc822;a+0D+0AX-Evil: 2";
  dsn.about[0].outcome.text = "no\r\nX-Evil: 3\r\n\r\nAction: delivered";
  dsn.about[0].outcome.remote_host = "host\r\nX-Evil: 4";
  dsn.header = "Subject: =?utf-8?q?=0D=0AX-Evil:_5?=\r\nMessage-ID: <a\x01@x>\r\n\tX-Evil: 6\r\n";
  const auto text = compose(dsn);
  ASSERT_TRUE(text) << text.error().text;
  const auto head_and_status = text->substr(0, text->find("text/rfc822-headers"));
  EXPECT_EQ(head_and_status.find("\nX-Evil"), std::string::npos) << head_and_status;
  EXPECT_EQ(head_and_status.find("\nAction: delivered"), std::string::npos);
}

TEST(Dsn, AHostnameThatIsNoDomainIsAnError) {
  auto dsn = failure();
  dsn.hostname = "bad host";
  EXPECT_FALSE(compose(dsn));
}

TEST(Advice, FitsTheStatus) {
  struct Row {
    std::uint16_t subject, detail;
    std::string_view words;
  };
  for (const auto& [subject, detail, words] : {Row{1, 1, "Check its spelling"},
                                               {1, 2, "Check the part after the @"},
                                               {1, 7, "your own address"},
                                               {1, 10, "accepts no mail at all"},
                                               {2, 1, "takes no mail at present"},
                                               {2, 2, "mailbox is full"},
                                               {3, 4, "smaller attachments"},
                                               {3, 2, "show this notice to your postmaster"},
                                               {4, 4, "could not be reached"},
                                               {4, 6, "goes round in circles"},
                                               {6, 1, "this form of message"},
                                               {6, 7, "in plain letters"},
                                               {7, 1, "by its rules"},
                                               {7, 4, "by its rules"},
                                               {7, 30, "only travel encrypted"}}) {
    mail::Outcome outcome;
    outcome.enhanced = {5, subject, detail};
    EXPECT_TRUE(advice(outcome).contains(words)) << subject << '.' << detail << ": " << advice(outcome);
  }
}

TEST(Advice, HasAnAnswerForEverySubject) {
  for (std::uint16_t subject = 0; subject < 10; ++subject) {
    for (std::uint16_t detail = 0; detail < 12; ++detail) {
      mail::Outcome outcome;
      outcome.enhanced = {5, subject, detail};
      EXPECT_TRUE(advice(outcome).ends_with('.')) << subject << '.' << detail;
    }
  }
}

}  // namespace
}  // namespace postern::queue
