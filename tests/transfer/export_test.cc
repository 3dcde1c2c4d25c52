// SPDX-License-Identifier: Apache-2.0
#include "tests/transfer/house.h"
#include "transfer/exporter.h"
#include "transfer/maildir_writer.h"
#include "transfer/mbox_source.h"
#include "transfer/mbox_writer.h"

namespace postern::transfer::test {
namespace {

namespace flag = store::flag;

class Export : public TransferHouse {
 protected:
  void SetUp() override {
    add_message("INBOX", "Return-Path: <s@example.net>\r\nSubject: one\r\n\r\nFrom here\r\n>From there\r\n", flag::seen, {"work"},
                1'500'000'001);
    add_message("INBOX", "Subject: two\r\n\r\nbare\rcr\r\n", flag::answered | flag::flagged | flag::deleted | flag::draft,
                {"$Forwarded", "a"}, 1'500'000'002);
    add_message("Work/Entwürfe", "Subject: three\r\n\r\n\r\n", 0, {}, 1'500'000'003);
    add_message("a.b", "Subject: dot\r\n\r\nx\r\n", 0, {}, 1'500'000'004);
  }
  void add_message(const std::string& name, std::string text, std::uint64_t flags, std::vector<std::string> keywords,
                   UnixTime date) {
    const auto session = store_->session(postern::test::identity(alice_));
    auto info = loop_.run(session->status(name));
    if (!info) info = loop_.run(session->create(name, store::SpecialUse::none));
    std::vector<store::NewMessage> one;
    one.push_back({store::body_of(std::move(text)), {}, flags, std::move(keywords), date, {}});
    ASSERT_TRUE(loop_.run(session->append(info->id, std::move(one))));
  }
  ExportReport run(ExportWriter& writer, std::vector<std::string> mailboxes = {}) {
    auto from = box(alice_);
    return loop_.run(Exporter(from, writer, progress_, std::move(mailboxes)).run());
  }
  ExportReport to_maildir(std::vector<std::string> mailboxes = {}) {
    auto writer = MaildirWriter::open_at(path("out")).value();
    return run(*writer, std::move(mailboxes));
  }
  ExportReport to_mbox(std::vector<std::string> mailboxes = {}) {
    auto writer = MboxWriter::open_at(path("out")).value();
    return run(*writer, std::move(mailboxes));
  }
  std::vector<std::string> files(const std::string& folder) {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(path(folder))) out.push_back(entry.path().filename());
    std::ranges::sort(out);
    return out;
  }
};

TEST_F(Export, MaildirThereAndBack) {
  const auto report = to_maildir();
  ASSERT_FALSE(report.error) << report.error->text;
  EXPECT_EQ(report.total.written, 4u);
  ASSERT_EQ(files("out/cur").size(), 2u);
  EXPECT_TRUE(files("out/cur")[0].starts_with("1500000001.V")) << files("out/cur")[0];
  EXPECT_TRUE(files("out/cur")[0].ends_with(":2,Sa")) << files("out/cur")[0];
  EXPECT_TRUE(files("out/tmp").empty());
  EXPECT_EQ(read(path("out/cur") / files("out/cur")[0]),
            "Return-Path: <s@example.net>\nSubject: one\n\nFrom here\n>From there\n");
  ASSERT_FALSE(import_maildir(path("out"), bob_).error);
  for (const char* name : {"INBOX", "Work/Entwürfe", "a.b"}) EXPECT_EQ(mailbox(bob_, name), mailbox(alice_, name)) << name;
  EXPECT_EQ(subscriptions(bob_), subscriptions(alice_));
}

TEST_F(Export, ASecondMaildirRunAddsWhatIsNewAndRenewsFlags) {
  to_maildir();
  const auto names = files("out/cur");
  add_message("INBOX", "Subject: new\r\n\r\n", 0, {}, 1'500'000'009);
  const auto session = store_->session(postern::test::identity(alice_));
  const auto inbox = loop_.run(session->status("INBOX")).value().id;
  store::FlagChange change;
  change.mode = store::FlagChange::Mode::replace;
  change.system = flag::flagged;
  ASSERT_TRUE(loop_.run(session->store_flags(inbox, store::UidSet{{1, 1}}, change)));
  const auto again = to_maildir();
  EXPECT_EQ(again.total.written, 1u);
  EXPECT_EQ(again.total.present, 4u);
  const auto now = files("out/cur");
  ASSERT_EQ(now.size(), 3u);
  EXPECT_EQ(now[0].substr(0, now[0].find(':')), names[0].substr(0, names[0].find(':')));
  EXPECT_TRUE(now[0].ends_with(":2,F")) << now[0];
  const std::string list = read(path("out/dovecot-uidlist"));
  EXPECT_TRUE(list.starts_with("3 V")) << list;
  EXPECT_NE(list.find("\n3 :" + now[2] + "\n"), std::string::npos) << list;
}

TEST_F(Export, AForeignUidlistStays) {
  write("out/cur/1.x:2,", "Subject: x\n\n");
  write("out/dovecot-uidlist", "3 V7 N8\n7 :1.x\n");
  to_maildir();
  EXPECT_EQ(read(path("out/dovecot-uidlist")), "3 V7 N8\n7 :1.x\n");
}

TEST_F(Export, MoreThan26KeywordsAreSaid) {
  for (int i = 0; i < 28; ++i) add_message("Work/Entwürfe", "Subject: k\r\n\r\n", 0, {fmt::format("k{}", i)}, 1'500'000'000);
  EXPECT_EQ(to_maildir().notes.size(), 2u);
}

TEST_F(Export, MboxThereAndBack) {
  const auto report = to_mbox();
  ASSERT_FALSE(report.error) << report.error->text;
  EXPECT_EQ(
      read(path("out/INBOX.mbox")),
      "From s@example.net Fri Jul 14 02:40:01 2017\nStatus: RO\nX-Keywords: work\nReturn-Path: <s@example.net>\nSubject: one\n\n"
      ">From here\n>>From there\n\n"
      "From MAILER-DAEMON Fri Jul 14 02:40:02 2017\nStatus: O\nX-Status: AFDT\nX-Keywords: $Forwarded a\nSubject: "
      "two\n\nbare\rcr\n\n");
  auto source = MboxSource::open_at(path("out"), {}).value();
  auto target = box(bob_);
  const auto imported = import(*source, target);
  ASSERT_FALSE(imported.error);
  for (const char* name : {"INBOX", "Work/Entwürfe", "a.b"}) EXPECT_EQ(mailbox(bob_, name), mailbox(alice_, name)) << name;
}

TEST_F(Export, ASecondMboxRunAddsWhatIsNewAndCutsATornTail) {
  to_mbox();
  const std::string before = read(path("out/INBOX.mbox"));
  {
    std::ofstream(path("out/INBOX.mbox"), std::ios::app) << "From torn";
  }
  add_message("INBOX", "Subject: new\r\n\r\n", 0, {}, 1'500'000'009);
  const auto again = to_mbox();
  EXPECT_EQ(again.total.written, 1u);
  EXPECT_EQ(read(path("out/INBOX.mbox")), before + "From MAILER-DAEMON Fri Jul 14 02:40:09 2017\nStatus: O\nSubject: new\n\n\n");
  std::filesystem::resize_file(path("out/INBOX.mbox"), 10);
  EXPECT_EQ(to_mbox().error->kind, ErrorKind::exists);
}

TEST_F(Export, FilesOfOthersAreNotTouched) {
  write("out/INBOX.mbox", "mine\n");
  EXPECT_EQ(to_mbox().error->kind, ErrorKind::exists);
  EXPECT_EQ(read(path("out/INBOX.mbox")), "mine\n");
}

TEST_F(Export, LongLinesAreQuotedAtTheirStartOnly) {
  const std::string line(5000, 'x');
  add_message("Long", "Subject: l\r\n\r\n" + line + "From x\r\nFrom " + line + "\r\nno end", 0, {}, 1'500'000'000);
  to_mbox({"Long"});
  const std::string text = read(path("out/Long.mbox"));
  EXPECT_TRUE(text.ends_with("\n\n" + line + "From x\n>From " + line + "\nno end\n\n"));
}

TEST_F(Export, OneMailboxAndOneThatIsNotThere) {
  const auto report = to_maildir({"a.b"});
  EXPECT_EQ(report.total.written, 1u);
  EXPECT_EQ(to_maildir({"nothing"}).error->kind, ErrorKind::not_found);
}

TEST_F(Export, AStoppedRunIsWholeAndTheNextGoesOn) {
  progress_.stop_after = 1;
  const auto first = to_maildir();
  EXPECT_TRUE(first.stopped);
  EXPECT_EQ(files("out/cur").size(), 1u);
  progress_ = {};
  EXPECT_EQ(to_maildir().total.written, 3u);
}

TEST(MboxStateFile, ThereAndBack) {
  const MboxState state{7, 99, store::UidSet{{1, 5}, {9, 9}}};
  EXPECT_EQ(parse_mbox_state(format_mbox_state(state)).value(), state);
  const MboxState empty{7, 0, {}};
  EXPECT_EQ(parse_mbox_state(format_mbox_state(empty)).value(), empty);
  const std::string good = format_mbox_state(state);
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(parse_mbox_state(good.substr(0, n))) << n;
  for (const char* uids : {"0", "5:1", "1,,2", "x", "1:4294967296"}) {
    EXPECT_FALSE(parse_mbox_state(fmt::format("postern mbox export 1\nuidvalidity 1\nsize 1\nuids {}\n", uids))) << uids;
  }
}

}  // namespace
}  // namespace postern::transfer::test
