// SPDX-License-Identifier: Apache-2.0
#include "tests/transfer/house.h"
#include "transfer/mbox_source.h"

namespace postern::transfer::test {
namespace {

namespace flag = store::flag;

TEST(MboxFormat, FromLines) {
  constexpr UnixTime at = 1704207845;  // Tue, 02 Jan 2024 15:04:05 UTC
  for (const auto& [line, time] : std::initializer_list<std::pair<const char*, UnixTime>>{
           {"From alice@example.org Tue Jan  2 15:04:05 2024\n", at},
           {"From alice@example.org Tue Jan 02 15:04:05 2024", at},
           {"From - Tue Jan 02 15:04:05 2024\r\n", at},
           {"From alice@example.org Tue, 2 Jan 2024 15:04:05 +0000", at},
           {"From alice@example.org Tue Jan  2 15:04:05 +0100 2024", at - 3600},
           {"From alice@example.org Tue Jan  2 15:04:05 2024 -0100", at + 3600},
           {"From alice@example.org Tue Jan  2 15:04:05 MET 2024", at},
           {"From alice@example.org  Tue Jan  2 15:04:05 2024 remote from host", at},
           {"From a b c Tue Jan  2 15:04 2024", at - 5}}) {
    const auto parsed = parse_from_line(line);
    ASSERT_TRUE(parsed) << line;
    EXPECT_EQ(*parsed, time) << line;
  }
  for (const char* line :
       {"From here on everything was fine.", "From Tue Jan", "From", "From: alice", ">From a Tue Jan  2 15:04:05 2024",
        "From a Tue Jan 32 15:04:05 2024", "From a Tue Foo  2 15:04:05 2024", "From a Tue Jan  2 25:04:05 2024",
        "From a Tue Jan  2 2024", "from a Tue Jan  2 15:04:05 2024", "From a Tue Jan  2 15:04:05 24"}) {
    EXPECT_FALSE(parse_from_line(line)) << line;
  }
  EXPECT_EQ(format_from_line("a@b", at), "From a@b Tue Jan  2 15:04:05 2024\n");
  EXPECT_EQ(format_from_line("a b", at), "From MAILER-DAEMON Tue Jan  2 15:04:05 2024\n");
  EXPECT_EQ(parse_from_line(format_from_line("", at)), at);
}

TEST(MboxFormat, Quoting) {
  for (const auto& [line, rd, o] : std::initializer_list<std::tuple<const char*, std::size_t, std::size_t>>{
           {">From x", 1, 1}, {">>From x", 1, 0}, {"From x", 0, 0}, {">from x", 0, 0}, {"> From x", 0, 0}, {">", 0, 0}}) {
    EXPECT_EQ(quoting_of(line, MboxQuoting::rd), rd) << line;
    EXPECT_EQ(quoting_of(line, MboxQuoting::o), o) << line;
    EXPECT_EQ(quoting_of(line, MboxQuoting::none), 0u) << line;
  }
}

TEST(MboxFormat, OwnFields) {
  MboxMarks marks;
  for (const char* field :
       {"Status: RO\n", "X-Status: AFDT\r\n", "x-keywords: one  two", "X-UID: 7", "X-IMAPbase: 1 2", "X-Mozilla-Keys: $label1",
        "X-Mozilla-Status: 1001", "X-Mozilla-Status2: 00000000", "Content-Length: 12"}) {
    EXPECT_TRUE(take_mbox_field(field, marks)) << field;
  }
  EXPECT_EQ(marks.flags, flag::seen | flag::answered | flag::flagged | flag::deleted | flag::draft);
  EXPECT_EQ(marks.keywords, (std::vector<std::string>{"one", "two", "$label1", "$Forwarded"}));
  EXPECT_EQ(marks.content_length, 12u);
  EXPECT_FALSE(marks.gone);
  take_mbox_field("X-Mozilla-Status: 0009", marks);
  EXPECT_TRUE(marks.gone);
  for (const char* field : {"Subject: Status: RO", "Received: x", "no colon", ""}) EXPECT_FALSE(take_mbox_field(field, marks));
  MboxMarks junk;
  for (const char* field : {"X-Mozilla-Status: zzzz", "Content-Length: -1", "Status:", "X-Status: zz"})
    take_mbox_field(field, junk);
  EXPECT_EQ(junk.flags, 0u);
  EXPECT_FALSE(junk.content_length);
}

class Mbox : public TransferHouse {
 protected:
  ImportReport import_mbox(const std::string& name, store::AccountId account, ImportOptions options = {},
                           MboxSource::Options how = {}) {
    auto source = MboxSource::open_at(path(name), how);
    if (!source) throw std::runtime_error(source.error().text);
    auto target = box(account);
    return import(**source, target, std::move(options));
  }
  static std::string from(int minute) { return fmt::format("From a@b Tue Jan  2 15:{:02}:05 2024\n", minute); }
};

TEST_F(Mbox, MessagesFlagsAndQuoting) {
  write("INBOX.mbox", from(1) + "Status: RO\nSubject: one\nX-Keywords: work\n\nHello\n>From the start\n>>From deeper\n\n" +
                          from(2) + "Subject: two\nX-Status: F\n\nFrom here on it is text\nlast\n\n" + from(3) +
                          "Subject: three\n\n");
  const auto report = import_mbox("INBOX.mbox", alice_);
  EXPECT_FALSE(report.error) << report.error->text;
  EXPECT_EQ(report.total.added, 3u);
  const auto seen = mailbox(alice_, "INBOX");
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].text, "Subject: one\r\n\r\nHello\r\nFrom the start\r\n>From deeper\r\n");
  EXPECT_EQ(seen[0].flags, flag::seen);
  EXPECT_EQ(seen[0].keywords, std::vector<std::string>{"work"});
  EXPECT_EQ(seen[0].date, 1704207665);
  EXPECT_EQ(seen[1].text, "Subject: two\r\n\r\nFrom here on it is text\r\nlast\r\n");
  EXPECT_EQ(seen[1].flags, flag::flagged);
  EXPECT_EQ(seen[2].text, "Subject: three\r\n\r\n");
}

TEST_F(Mbox, ASecondRunAddsNothingAlsoAfterFlagsChangedAndMessagesWent) {
  const std::string one = "Subject: one\n\nx\n\n", two = "Subject: two\n\nx\n\n";
  write("a.mbox", from(1) + one + from(2) + two);
  EXPECT_EQ(import_mbox("a.mbox", alice_).total.added, 2u);
  const auto again = import_mbox("a.mbox", alice_);
  EXPECT_EQ(again.total.added, 0u);
  EXPECT_EQ(again.total.known, 2u);
  // The first is gone, the second was read, a third came.
  write("a.mbox", from(2) + "Status: RO\n" + two + from(3) + "Subject: three\n\nx\n\n");
  EXPECT_EQ(import_mbox("a.mbox", alice_).total.added, 1u);
  EXPECT_EQ(mailbox(alice_, "a").size(), 3u);
}

TEST_F(Mbox, EqualMessagesAreAllImported) {
  write("a.mbox", from(1) + "Subject: same\n\nx\n\n" + from(1) + "Subject: same\n\nx\n\n" + from(1) + "Subject: same\n\nx\n\n");
  EXPECT_EQ(import_mbox("a.mbox", alice_).total.added, 3u);
  EXPECT_EQ(import_mbox("a.mbox", alice_).total.added, 0u);
  EXPECT_EQ(mailbox(alice_, "a").size(), 3u);
}

TEST_F(Mbox, ContentLengthIsBelievedWhenItFits) {
  const std::string body = "text\n" + from(9) + "still the body\n";
  const auto message = [&](std::size_t length) {
    return from(1) + fmt::format("Subject: one\nContent-Length: {}\n\n", length) + body;
  };
  write("fits.mbox", message(body.size()) + "\n" + from(2) + "Subject: two\n\n");
  EXPECT_EQ(import_mbox("fits.mbox", alice_, {}, {MboxQuoting::none, ""}).total.added, 2u);
  const auto seen = mailbox(alice_, "fits");
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].text, "Subject: one\r\n\r\ntext\r\nFrom a@b Tue Jan  2 15:09:05 2024\r\nstill the body\r\n");
  write("wrong.mbox", message(3) + "\n" + from(2) + "Subject: two\n\n");
  EXPECT_EQ(import_mbox("wrong.mbox", alice_).total.added, 3u);
  write("beyond.mbox", message(1'000'000));
  EXPECT_EQ(import_mbox("beyond.mbox", alice_).total.added, 2u);
}

TEST_F(Mbox, FilesWithCrlfAndWithoutALastLineEnd) {
  write("a.mbox",
        "From a@b Tue Jan  2 15:01:05 2024\r\nSubject: one\r\n\r\nx\r\n\r\nFrom a@b Tue Jan  2 15:02:05 2024\r\nSubject: "
        "two\r\n\r\ny");
  EXPECT_EQ(import_mbox("a.mbox", alice_).total.added, 2u);
  const auto seen = mailbox(alice_, "a");
  EXPECT_EQ(seen.at(0).text, "Subject: one\r\n\r\nx\r\n");
  EXPECT_EQ(seen.at(1).text, "Subject: two\r\n\r\ny");
}

TEST_F(Mbox, LongLinesAndLargeMessages) {
  const std::string line(700'000, 'x');
  write("a.mbox", from(1) + "Subject: one\n\n" + line + "\n" + line + "\n\n" + from(2) + "Subject: two\n\n");
  EXPECT_EQ(import_mbox("a.mbox", alice_).total.added, 2u);
  EXPECT_EQ(mailbox(alice_, "a").at(0).text, "Subject: one\r\n\r\n" + line + "\r\n" + line + "\r\n");
}

TEST_F(Mbox, ThunderbirdFolders) {
  write("tb/Inbox",
        from(1) + "X-Mozilla-Status: 0001\nSubject: read\n\n\n" + from(2) + "X-Mozilla-Status: 0009\nSubject: deleted\n\n\n");
  write("tb/Inbox.msf", "// <!-- <mdb:mork:z v=\"1.4\"/> -->");
  write("tb/Sent", "");
  write("tb/Archives.sbd/2020", from(3) + "Subject: old\n\n\n");
  write("tb/notes.txt", "no mail\n");
  const auto report = import_mbox("tb", alice_);
  EXPECT_FALSE(report.error);
  EXPECT_EQ(report.total.added, 2u);
  EXPECT_EQ(mailbox(alice_, "INBOX").at(0).flags, flag::seen);
  EXPECT_EQ(mailbox(alice_, "Archives/2020").size(), 1u);
  ASSERT_EQ(report.notes.size(), 2u);
  EXPECT_NE(report.notes[0].where.find("notes.txt") + report.notes[1].where.find("notes.txt"), 2 * std::string::npos);
}

TEST_F(Mbox, WhatIsNoMboxIsSaid) {
  write("junk", "This is no mbox\n");
  auto source = MboxSource::open_at(path("junk"), {});
  ASSERT_TRUE(source);
  auto target = box(alice_);
  const auto report = import(**source, target);
  ASSERT_TRUE(report.error);
  EXPECT_EQ(report.error->kind, ErrorKind::invalid);
  EXPECT_FALSE(MboxSource::open_at(path("nothing"), {}));
}

TEST_F(Mbox, TheInternalMessageOfUwImapIsNoMail) {
  write("a.mbox", from(1) + "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\ntext\n\n" + from(2) +
                      "Subject: two\n\n");
  EXPECT_EQ(import_mbox("a.mbox", alice_).total.added, 1u);
}

TEST_F(Mbox, AFileWithTheNameOfTheUserIsTheInbox) {
  write("alice", from(1) + "Subject: one\n\n");
  import_mbox("alice", alice_, {}, {MboxQuoting::rd, "alice"});
  EXPECT_EQ(mailbox(alice_, "INBOX").size(), 1u);
}

}  // namespace
}  // namespace postern::transfer::test
