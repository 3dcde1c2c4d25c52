// SPDX-License-Identifier: Apache-2.0
// What sendmail's command lines mean, and what becomes of the messages that cron and scripts write.
#include <gtest/gtest.h>

#include "daemon/sendmail.h"
#include "daemon/sendmail_letter.h"
#include "daemon/sendmail_line.h"

namespace postern::daemon {
namespace {

using Line = SendmailLine;
using Words = std::vector<std::string>;

Line line_of(const Words& words, std::string_view program = "sendmail") {
  auto line = parse_sendmail_line(program, words);
  EXPECT_TRUE(line) << (line ? "" : line.error().text);
  return line.value_or(Line{});
}

TEST(SendmailLine, ReadsWhatProgramsSay) {
  // cron of Debian
  const auto cron = line_of({"-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root"});
  EXPECT_EQ(cron.end, Line::End::at_end);
  EXPECT_EQ(cron.name, "CronDaemon");
  EXPECT_EQ(cron.recipients, Words{"root"});
  // PHP, git
  EXPECT_EQ(line_of({"-t", "-i"}).from, Line::Recipients::of_header);
  EXPECT_EQ(line_of({"-ti"}).end, Line::End::at_end);
  const auto git = line_of({"-i", "-f", "ann@example.org", "--", "-odd@example.org"});
  EXPECT_EQ(git.sender, "ann@example.org");
  EXPECT_EQ(git.recipients, Words{"-odd@example.org"});
  // mutt with dsn_notify, dsn_return
  const auto mutt = line_of({"-oi", "-N", "failure,delay", "-R", "hdrs", "-V", "id", "bob"});
  EXPECT_EQ(mutt.end, Line::End::at_end);
  EXPECT_EQ(mutt.notify, mail::notify_failure | mail::notify_delay);
  EXPECT_EQ(mutt.ret, mail::Return::headers);
  EXPECT_EQ(mutt.envid, "id");
  EXPECT_EQ(line_of({"-f", "", "bob"}).sender, "");
  EXPECT_EQ(line_of({"-bm", "bob"}).end, Line::End::at_dot);
}

TEST(SendmailLine, KnowsItsOtherNames) {
  EXPECT_EQ(line_of({}, "mailq").task, Line::Task::list_queue);
  EXPECT_EQ(line_of({"-bp"}).task, Line::Task::list_queue);
  EXPECT_EQ(line_of({}, "newaliases").task, Line::Task::make_aliases);
  EXPECT_EQ(line_of({"-bi"}).task, Line::Task::make_aliases);
  EXPECT_TRUE(is_sendmail_name("sendmail"));
  EXPECT_FALSE(is_sendmail_name("postern"));
}

TEST(SendmailLine, RefusesWhatItCannotDo) {
  const std::pair<Words, std::string_view> cases[] = {{{}, "no recipients"},
                                                      {{"-f"}, "-f needs a value"},
                                                      {{"-bd"}, "postern serve"},
                                                      {{"-bs"}, "trusted listener"},
                                                      {{"-q"}, "queue retry"},
                                                      {{"-N", "sometimes", "a"}, "never"},
                                                      {{"-N", "never,delay", "a"}, "alone"},
                                                      {{"-R", "x", "a"}, "full"},
                                                      {{"-Y", "a"}, "-Y"},
                                                      {{"-o", "a"}, "-o needs"}};
  for (const auto& [words, text] : cases) {
    const auto line = parse_sendmail_line("sendmail", words);
    ASSERT_FALSE(line) << text;
    EXPECT_NE(line.error().text.find(text), std::string::npos) << line.error().text;
  }
}

TEST(SendmailText, EndsAtTheDot) {
  EXPECT_EQ(up_to_dot("a\n.\nb\n"), "a\n");
  EXPECT_EQ(up_to_dot("a\r\n.\r\nb\n"), "a\r\n");
  EXPECT_EQ(up_to_dot("a\n..\n.b\n"), "a\n..\n.b\n");
  EXPECT_EQ(up_to_dot(".\n"), "");
  EXPECT_EQ(up_to_dot("a\n."), "a\n");
}

const LocalUser ann{"ann", "Ann A.", "example.org"};

Letter letter_of(const Words& words, std::string_view text) {
  auto letter = make_letter(line_of(words), ann, text);
  EXPECT_TRUE(letter) << (letter ? "" : letter.error().text);
  return letter ? std::move(*letter) : Letter{};
}

std::string recipients_of(const Letter& letter) {
  std::string out;
  for (const auto& one : letter.envelope.recipients) out += one.address.to_string() + " ";
  return out;
}

TEST(SendmailText, CompletesWhatCronWrites) {
  const auto letter = letter_of({"-i", "-FCron", "root"},
                                "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@box> true\n\nline one\nline two");
  EXPECT_EQ(letter.text,
            "From: Cron Daemon <root@example.org>\r\nTo: root@example.org\r\nSubject: Cron <root@box> true\r\n\r\n"
            "line one\r\nline two\r\n");
  EXPECT_EQ(recipients_of(letter), "root@example.org ");
  EXPECT_EQ(mail::to_string(letter.envelope.sender),
            mail::to_string(mail::ReversePath(mail::Address::parse("ann@example.org").value())));
}

TEST(SendmailText, TakesRecipientsOfTheHeaderAndHidesBcc) {
  const auto letter =
      letter_of({"-t", "-f", "<ann@example.com>", "dan"},
                "To: bob, Carl <carl@example.net>\nBcc: eve@example.net,\n bob\nCc: team: fay@example.net;\n\nhi\n");
  EXPECT_EQ(recipients_of(letter), "dan@example.org bob@example.org carl@example.net eve@example.net fay@example.net ");
  EXPECT_EQ(letter.text.find("Bcc"), std::string::npos);
  EXPECT_NE(letter.text.find("To: bob@example.org, Carl <carl@example.net>\r\n"), std::string::npos) << letter.text;
  EXPECT_NE(letter.text.find("From: \"Ann A.\" <ann@example.com>\r\n"), std::string::npos) << letter.text;
}

TEST(SendmailText, ATextWithoutHeaderIsBody) {
  EXPECT_EQ(letter_of({"bob"}, "hello there\nbye\n").text, "From: \"Ann A.\" <ann@example.org>\r\n\r\nhello there\r\nbye\r\n");
  EXPECT_EQ(letter_of({"bob"}, "\nhello\n").text, "From: \"Ann A.\" <ann@example.org>\r\n\r\nhello\r\n");
  EXPECT_EQ(letter_of({"bob"}, "").text, "From: \"Ann A.\" <ann@example.org>\r\n\r\n");
  EXPECT_EQ(letter_of({"bob"}, "From ann Mon Jan  1 00:00:00 2026\nSubject: x\n\ny\n").text,
            "From: \"Ann A.\" <ann@example.org>\r\nSubject: x\r\n\r\ny\r\n");
}

TEST(SendmailText, SaysWhatItNeedsOfTheServer) {
  EXPECT_EQ(letter_of({"bob"}, "Subject: x\n\ny\n").envelope.body, mail::BodyType::seven_bit);
  EXPECT_EQ(letter_of({"bob"}, "Subject: x\n\n\xc3\xbc\n").envelope.body, mail::BodyType::eight_bit_mime);
  EXPECT_TRUE(letter_of({"bob"}, "Subject: \xc3\xbc\n\ny\n").envelope.smtputf8);
  EXPECT_FALSE(letter_of({"-f", "<>", "bob"}, "Subject: x\n\ny\n").envelope.sender);
}

TEST(SendmailText, RefusesWhatIsNoAddress) {
  for (const Words& words : {Words{"bob@"}, Words{"-f", "a b", "bob"}, Words{"-t"}, Words{"@example.org"}}) {
    EXPECT_FALSE(make_letter(line_of(words), ann, "Subject: x\n\ny\n")) << words.front();
  }
}

}  // namespace
}  // namespace postern::daemon
