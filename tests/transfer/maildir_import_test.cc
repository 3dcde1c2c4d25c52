// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "tests/transfer/house.h"

namespace postern::transfer::test {
namespace {

namespace flag = store::flag;

class MaildirImport : public TransferHouse {
 protected:
  static std::string mail(const std::string& subject) { return "Subject: " + subject + "\n\ntext of " + subject + "\n"; }
  /// n messages 1000000001 … in cur, without flags.
  void fill(const std::string& root, int n) {
    for (int i = 1; i <= n; ++i) write(fmt::format("{}/cur/{}.M1P1.h:2,", root, 1'000'000'000 + i), mail(std::to_string(i)));
  }
  static std::string subject(const Seen& seen) { return seen.text.substr(9, seen.text.find('\r') - 9); }
  std::string subjects(store::AccountId account, const std::string& name) {
    std::string out;
    for (const auto& seen : mailbox(account, name)) out += subject(seen) + " ";
    return out;
  }
};

TEST_F(MaildirImport, FlagsKeywordsDatesAndOrder) {
  write("m/cur/1000000002.b.h,S=20:2,FSa", mail("two"), 1'500'000'002);
  write("m/cur/1000000001.a.h:2,DPRTbz", mail("one"), 1'500'000'001);
  write("m/new/1000000003.c.h", mail("three"), 1'500'000'003);
  write("m/tmp/1000000004.d.h", mail("never"));
  write("m/dovecot-keywords", "0 $Label1\n1 Later\n");
  const auto report = import_maildir(path("m"), alice_);
  ASSERT_FALSE(report.error) << report.error->text;
  EXPECT_EQ(report.total.added, 3u);
  const auto seen = mailbox(alice_, "INBOX");
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0], (Seen{"Subject: one\r\n\r\ntext of one\r\n",
                           flag::draft | flag::answered | flag::deleted,
                           {"$Forwarded", "Later"},
                           1'500'000'001}));
  EXPECT_EQ(seen[1], (Seen{"Subject: two\r\n\r\ntext of two\r\n", flag::flagged | flag::seen, {"$Label1"}, 1'500'000'002}));
  EXPECT_EQ(seen[2], (Seen{"Subject: three\r\n\r\ntext of three\r\n", 0, {}, 1'500'000'003}));
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_NE(report.notes[0].what.find("keyword letter z"), std::string::npos);
}

TEST_F(MaildirImport, UidlistGivesTheOrder) {
  fill("m", 4);
  write("m/dovecot-uidlist", "3 V1 N9\n1 :1000000003.M1P1.h,S=1\n2 S5 :1000000001.M1P1.h:2,S\n7 :1000000099.gone\nrubbish\n");
  import_maildir(path("m"), alice_);
  EXPECT_EQ(subjects(alice_, "INBOX"), "3 1 2 4 ");
}

TEST_F(MaildirImport, FoldersSpecialFoldersAndSubscriptions) {
  fill("m", 1);
  fill("m/.Sent Items", 2);
  fill("m/.Work.Entw&APw-rfe", 3);
  fill("m/fs/deep", 1);
  write("m/.NoMaildir/readme", "x");
  write("m/subscriptions", "Sent Items\nWork.Entw&APw-rfe\nGone\n");
  const auto report = import_maildir(path("m"), alice_);
  ASSERT_FALSE(report.error);
  EXPECT_EQ(mailbox(alice_, "Sent").size(), 2u);
  EXPECT_EQ(mailbox(alice_, "Work/Entwürfe").size(), 3u);
  EXPECT_EQ(mailbox(alice_, "fs/deep").size(), 1u);
  EXPECT_EQ(report.subscriptions, 3u);
  const auto names = subscriptions(alice_);
  for (const char* name : {"Sent", "Work/Entwürfe", "Gone"}) EXPECT_NE(std::ranges::find(names, name), names.end()) << name;
}

TEST_F(MaildirImport, TwiceIsOnce) {
  fill("m", 700);
  EXPECT_EQ(import_maildir(path("m"), alice_).total.added, 700u);
  // Flags and place of a file may change between two runs.
  std::filesystem::rename(path("m/cur/1000000007.M1P1.h:2,"), path("m/cur/1000000007.M1P1.h,S=30:2,FS"));
  write("m/new/1000009999.M1P1.h", mail("new"));
  const auto again = import_maildir(path("m"), alice_);
  EXPECT_EQ(again.total.found, 701u);
  EXPECT_EQ(again.total.known, 700u);
  EXPECT_EQ(again.total.added, 1u);
  EXPECT_EQ(mailbox(alice_, "INBOX").size(), 701u);
  EXPECT_EQ(import_maildir(path("m"), bob_).total.added, 701u);
}

TEST_F(MaildirImport, OneNameInTwoFoldersIsTwoMessages) {
  fill("m", 1);
  fill("m/.Work", 1);
  EXPECT_EQ(import_maildir(path("m"), alice_).total.added, 2u);
}

TEST_F(MaildirImport, StopsAndGoesOn) {
  fill("m", 1000);
  fill("m/.Work", 10);
  progress_.stop_after = 300;
  const auto first = import_maildir(path("m"), alice_);
  EXPECT_TRUE(first.stopped);
  EXPECT_EQ(first.total.added, 300u);
  progress_ = {};
  const auto second = import_maildir(path("m"), alice_);
  EXPECT_FALSE(second.stopped);
  EXPECT_EQ(second.total.known, 300u);
  EXPECT_EQ(second.total.added, 710u);
  EXPECT_EQ(mailbox(alice_, "INBOX").size(), 1000u);
  EXPECT_EQ(progress_.planned.messages, 1010u);
  EXPECT_EQ(progress_.messages, 1010u);
}

TEST_F(MaildirImport, ADeletedMessageDoesNotComeBack) {
  fill("m", 2);
  import_maildir(path("m"), alice_);
  const auto session = store_->session(postern::test::identity(alice_));
  const auto inbox = loop_.run(session->status("INBOX")).value().id;
  ASSERT_TRUE(loop_.run(session->expunge(inbox, store::UidSet::all(), store::ExpungeMode::any)));
  EXPECT_EQ(import_maildir(path("m"), alice_).total.added, 0u);
}

TEST_F(MaildirImport, DryRunChangesNothing) {
  fill("m", 3);
  fill("m/.Work", 2);
  ImportOptions dry;
  dry.run = ImportOptions::Run::dry;
  const auto report = import_maildir(path("m"), alice_, dry);
  EXPECT_EQ(report.total.added, 5u);
  ASSERT_EQ(report.folders.size(), 2u);
  EXPECT_EQ(report.folders[1].mailbox, "Work");
  EXPECT_TRUE(mailbox(alice_, "INBOX").empty());
  EXPECT_FALSE(loop_.run(store_->session(postern::test::identity(alice_))->status("Work")));
}

TEST_F(MaildirImport, IntoAnotherMailboxIsAnotherImport) {
  fill("m", 2);
  import_maildir(path("m"), alice_);
  ImportOptions options;
  options.into = "Old";
  EXPECT_EQ(import_maildir(path("m"), alice_, options).total.added, 2u);
  EXPECT_EQ(mailbox(alice_, "Old").size(), 2u);
}

TEST_F(MaildirImport, QuotaIsSaidBeforeAnythingMoves) {
  const auto small = add("small@example.org", 5);
  fill("m", 6);
  const auto refused = import_maildir(path("m"), small);
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->kind, ErrorKind::over_quota);
  EXPECT_NE(refused.error->text.find("room for 5 messages, and 6 are new"), std::string::npos) << refused.error->text;
  EXPECT_TRUE(mailbox(small, "INBOX").empty());
  ImportOptions options;
  options.quota = ImportOptions::Quota::ignored;
  EXPECT_EQ(import_maildir(path("m"), small, options).total.added, 6u);
  // What came in before needs no room: nothing is new now.
  EXPECT_FALSE(import_maildir(path("m"), small).error);
}

TEST_F(MaildirImport, AQuotaInOctets) {
  const auto small = add("small@example.org", 0, 100);
  fill("m", 10);
  const auto refused = import_maildir(path("m"), small);
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->kind, ErrorKind::over_quota);
}

TEST_F(MaildirImport, NothingIsLeftOutInSilence) {
  fill("m", 1);
  write("m/cur/1000000005.empty.h:2,S", "");
  write("m/cur/1000000006.nul.h:2,S", std::string("Subject: nul\n\na\0b\n", 18));
  write("secret", "root:x:0:0\n");
  std::filesystem::create_symlink(path("secret"), path("m/cur/1000000007.link.h:2,S"));
  std::filesystem::create_symlink(path("secret"), path("m/.Linked"));
  ASSERT_EQ(::mkfifo(path("m/cur/1000000008.fifo.h:2,").c_str(), 0600), 0);
  std::filesystem::create_directories(path("m/cur/1000000009.dir.h:2,"));
  const auto report = import_maildir(path("m"), alice_);
  ASSERT_FALSE(report.error);
  EXPECT_EQ(report.total.added, 2u);
  EXPECT_EQ(report.total.failed, 4u);
  std::string failures;
  for (const auto& note : report.failures) failures += note.where.substr(note.where.rfind('.', note.where.find(".h") - 1)) + "|";
  EXPECT_EQ(failures, ".empty.h:2,S|.link.h:2,S|.fifo.h:2,|.dir.h:2,|");
  EXPECT_EQ(mailbox(alice_, "INBOX").at(1).text,
            "Subject: nul\r\n\r\na\x80"
            "b\r\n");
  std::string notes;
  for (const auto& note : report.notes) notes += note.what + "|";
  EXPECT_NE(notes.find("NUL octets"), std::string::npos);
  EXPECT_NE(notes.find("symbolic link"), std::string::npos);
}

TEST_F(MaildirImport, KeywordsThatAreNoneAndTooMany) {
  fill("m", 1);
  std::string names = "0 bad(word\n1 \\Seen\n";
  write("m/dovecot-keywords", names);
  write("m/cur/1000000002.k.h:2,ab", mail("bad"));
  auto report = import_maildir(path("m"), alice_);
  EXPECT_EQ(report.total.added, 2u);
  EXPECT_TRUE(mailbox(alice_, "INBOX").at(1).keywords.empty());
  EXPECT_EQ(report.notes.size(), 2u);
  // 52 keywords of two folders with 26 each, and then a third folder: 55 fit.
  for (int part = 0; part < 3; ++part) {
    std::string list, letters;
    for (int i = 0; i < 26; ++i) {
      list += fmt::format("{} k{}x{}\n", i, part, i);
      letters += static_cast<char>('a' + i);
    }
    const std::string root = fmt::format("n{}", part);
    write(root + "/dovecot-keywords", list);
    write(fmt::format("{}/cur/{}.k.h:2,{}", root, 2'000'000'000 + part, letters), mail("many"));
    report = import_maildir(path(root), bob_);
    ASSERT_FALSE(report.error) << report.error->text;
  }
  const auto seen = mailbox(bob_, "INBOX");
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[2].keywords.size(), 3u);
  EXPECT_EQ(report.notes.size(), 23u);
}

TEST_F(MaildirImport, AFullDiskEndsTheRunAndTheNextGoesOn) {
  fill("m", 300);
  store_->fail_writes(Error{ErrorKind::no_space, "the disk is full"});
  const auto first = import_maildir(path("m"), alice_);
  ASSERT_TRUE(first.error);
  EXPECT_EQ(first.error->kind, ErrorKind::no_space);
  store_->fail_writes(std::nullopt);
  EXPECT_EQ(import_maildir(path("m"), alice_).total.added, 300u);
}

TEST_F(MaildirImport, WhatIsNoMaildirIsSaidWithAHint) {
  fill("home/Maildir", 1);
  const auto source = MaildirSource::open_at(path("home"));
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().kind, ErrorKind::invalid);
  EXPECT_NE(source.error().text.find("did you mean " + path("home/Maildir").string()), std::string::npos);
  EXPECT_EQ(MaildirSource::open_at(path("nothing")).error().kind, ErrorKind::not_found);
}

TEST_F(MaildirImport, LargeMessagesComeWhole) {
  std::string text = "Subject: large\n\n";
  for (int i = 0; i < 20'000; ++i) text += fmt::format("line {} of a message that does not fit into memory at once\n", i);
  write("m/cur/1000000001.l.h:2,S", text);
  import_maildir(path("m"), alice_);
  std::string wire;
  char last = 0;
  append_with_crlf(text, last, wire);
  const auto seen = mailbox(alice_, "INBOX");
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_TRUE(seen[0].text == wire);
}

}  // namespace
}  // namespace postern::transfer::test
