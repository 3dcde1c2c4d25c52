// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "store/mailbox_name.h"
#include "transfer/folder_names.h"
#include "transfer/intake.h"
#include "transfer/maildir_names.h"

namespace postern::transfer {
namespace {

namespace flag = store::flag;
using store::SpecialUse;

TEST(MaildirNames, MessageFiles) {
  struct Case {
    const char* name;
    const char* base;
    std::uint64_t flags;
    bool forwarded;
    const char* letters;
    std::uint64_t size;
    UnixTime stamp;
  };
  const Case cases[] = {
      {"1276528487.M364837P9451.kurkku,S=1355,W=1394:2,FSab", "1276528487.M364837P9451.kurkku", flag::flagged | flag::seen, false,
       "FSab", 1355, 1276528487},
      {"1.host:2,DFPRST", "1.host", flag::draft | flag::flagged | flag::answered | flag::seen | flag::deleted, true, "DFPRST", 0,
       1},
      {"1.host", "1.host", 0, false, "", 0, 1},
      {"1.host:2,", "1.host", 0, false, "", 0, 1},
      {"1.host:1,S", "1.host", 0, false, "", 0, 1},
      {"1.host:2,S,x=1", "1.host", flag::seen, false, "S", 0, 1},
      {"nonumber:2,S", "nonumber", flag::seen, false, "S", 0, 0},
      {"1.h,S=abc:2,", "1.h", 0, false, "", 0, 1},
      {"1.h,S=99999999999999999999999:2,", "1.h", 0, false, "", 0, 1},
      {"99999999999999999999999.h", "99999999999999999999999.h", 0, false, "", 0, 0},
      {":2,S", "", flag::seen, false, "S", 0, 0},
      {"", "", 0, false, "", 0, 0},
  };
  for (const auto& c : cases) {
    const auto name = parse_maildir_name(c.name);
    EXPECT_EQ(name.base, c.base) << c.name;
    EXPECT_EQ(name.flags, c.flags) << c.name;
    EXPECT_EQ(name.forwarded, c.forwarded) << c.name;
    EXPECT_EQ(name.letters, c.letters) << c.name;
    EXPECT_EQ(name.size.value_or(0), c.size) << c.name;
    EXPECT_EQ(name.stamp, c.stamp) << c.name;
  }
}

TEST(MaildirNames, Keywords) {
  const auto names = parse_dovecot_keywords("0 $Label1\n2 Later\r\n25 z\n26 none\n3\n4 \nx y\n-1 a\n");
  EXPECT_EQ(names[0], "$Label1");
  EXPECT_EQ(names[1], "");
  EXPECT_EQ(names[2], "Later");
  EXPECT_EQ(names[25], "z");
  EXPECT_EQ(names[3] + names[4], "");
  EXPECT_EQ(format_dovecot_keywords(names), "0 $Label1\n2 Later\n25 z\n");
}

TEST(MaildirNames, Uidlist) {
  const auto third = parse_uidlist_header("3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1\n");
  ASSERT_TRUE(third);
  EXPECT_EQ(third->uidvalidity, 1275660208u);
  EXPECT_EQ(third->uidnext, 25022u);
  const auto first = parse_uidlist_header("1 1275660208 25022");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->uidnext, 25022u);
  for (const char* bad : {"", "2 1 2", "1 x 2", "1 1", "V1 N2"}) EXPECT_FALSE(parse_uidlist_header(bad)) << bad;

  const auto entry = parse_uidlist_entry("25006 W2481 S2400 :1276528487.M3.kurkku,S=1355:2,S\n");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->uid, 25006u);
  EXPECT_EQ(entry->base, "1276528487.M3.kurkku");
  EXPECT_EQ(parse_uidlist_entry("7 :1.h")->base, "1.h");
  EXPECT_EQ(parse_uidlist_entry("7 1.h:2,S")->base, "1.h");
  for (const char* bad : {"", "x", "0 :a", "7", "7 :", "4294967296 :a"}) EXPECT_FALSE(parse_uidlist_entry(bad)) << bad;
}

TEST(MaildirNames, Subscriptions) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(parse_dovecot_subscriptions("Sent\nWork.2020\nEntw&APw-rfe\n\nINBOX"),
            (Names{"Sent", "Work/2020", "Entwürfe", "INBOX"}));
  EXPECT_EQ(parse_dovecot_subscriptions("V\t2\n\nWork\t2020\nA\001tb\tc.d\n"), (Names{"Work/2020", "A\tb/c.d"}));
  EXPECT_EQ(parse_courier_subscriptions("INBOX\nINBOX.Sent\nINBOX.Work.2020\n"), (Names{"INBOX", "Sent", "Work/2020"}));
}

TEST(MaildirNames, FoldersThereAndBack) {
  for (const auto& [disk, name] : {std::pair{".Sent", "Sent"},
                                   {".Work.2020.Q1", "Work/2020/Q1"},
                                   {".Entw&APw-rfe", "Entwürfe"},
                                   {".a&AC4-b.c", "a.b/c"},
                                   {".Tom &- Jerry", "Tom & Jerry"},
                                   {"", "INBOX"}}) {
    EXPECT_EQ(maildirpp_to_name(disk), name);
    EXPECT_EQ(name_to_maildirpp(name), disk);
  }
  EXPECT_EQ(maildirpp_to_name(".Entwürfe"), "Entwürfe");
  EXPECT_EQ(maildirpp_to_name(".a/b"), "a_b");
  EXPECT_EQ(fs_to_name("Work/Entw&APw-rfe"), "Work/Entwürfe");
}

TEST(FolderNames, MendedNamesAreAlwaysGood) {
  const std::string long_name(1200, 'x');
  for (const auto& [given, mended] :
       std::initializer_list<std::pair<std::string, std::string>>{{"Work", "Work"},
                                                                  {"inbox", "INBOX"},
                                                                  {"a//b", "a/_/b"},
                                                                  {"../etc", "_/etc"},
                                                                  {"a\rb", "a_b"},
                                                                  {"Entw\xfcrfe", "Entwürfe"},
                                                                  {"", "_"},
                                                                  {"1/2/3/4/5/6/7/8/9/10/11/12", "1/2/3/4/5/6/7/8/9/10-11-12"},
                                                                  {long_name, std::string(1000, 'x')}}) {
    EXPECT_EQ(mend_name(given), mended) << given;
    EXPECT_TRUE(store::canonical_mailbox(mend_name(given))) << given;
  }
  for (int octet = 0; octet < 256; ++octet) {
    for (const char* pattern : {"?", "a?", "?/b", "a/?"}) {
      std::string name = pattern;
      std::ranges::replace(name, '?', static_cast<char>(octet));
      EXPECT_TRUE(store::canonical_mailbox(mend_name(name))) << octet;
    }
  }
}

std::vector<SourceFolder> folders(std::initializer_list<std::pair<const char*, SpecialUse>> list) {
  std::vector<SourceFolder> out;
  for (const auto& [name, use] : list) out.push_back({.id = name, .name = name, .use = use});
  return out;
}

std::string plan(std::vector<SourceFolder> from, std::string_view into = {}) {
  std::string out;
  for (const auto& target : plan_targets(std::move(from), into)) out += target.source.name + ">" + target.mailbox + " ";
  return out;
}

TEST(FolderNames, SpecialFoldersFindTheirPlace) {
  using enum SpecialUse;
  EXPECT_EQ(plan(folders({{"INBOX", none}, {"Sent Items", none}, {"Papierkorb", none}, {"Work", none}})),
            "INBOX>INBOX Sent Items>Sent Papierkorb>Trash Work>Work ");
  // A declaration wins over a name, our own name over a known one.
  EXPECT_EQ(plan(folders({{"Sent", none}, {"Gesendete Objekte", sent}})), "Sent>Sent 2 Gesendete Objekte>Sent ");
  EXPECT_EQ(plan(folders({{"Sent Items", none}, {"Sent", none}})), "Sent Items>Sent Items Sent>Sent ");
  EXPECT_EQ(plan(folders({{"Spam", none}, {"Junk", none}})), "Spam>Spam Junk>Junk ");
  // Declared to be something else.
  EXPECT_EQ(plan(folders({{"Trash", archive}})), "Trash>Archive ");
  // Below another folder a name means nothing.
  EXPECT_EQ(plan(folders({{"Work/Sent", none}})), "Work/Sent>Work/Sent ");
}

TEST(FolderNames, IntoAMailbox) {
  using enum SpecialUse;
  EXPECT_EQ(plan(folders({{"INBOX", none}, {"Sent", sent}, {"a/b", none}}), "Old/2020"),
            "INBOX>Old/2020 Sent>Old/2020/Sent a/b>Old/2020/a/b ");
}

TEST(FolderNames, NoTwoFoldersBecomeOne) {
  EXPECT_EQ(plan(folders({{"a\r", SpecialUse::none}, {"a\n", SpecialUse::none}, {"a_", SpecialUse::none}})),
            "a\r>a_ a\n>a_ 2 a_>a_ 3 ");
}

TEST(Intake, LineEndsAcrossPieces) {
  for (const auto& [raw, wire] : std::initializer_list<std::pair<std::string, std::string>>{
           {"a\nb\n", "a\r\nb\r\n"}, {"a\r\nb\n", "a\r\nb\r\n"}, {"\n\n", "\r\n\r\n"}, {"a\rb\r\r\n", "a\rb\r\r\n"}, {"", ""}}) {
    for (std::size_t cut = 0; cut <= raw.size(); ++cut) {
      char last = 0;
      std::string out;
      append_with_crlf(std::string_view(raw).substr(0, cut), last, out);
      append_with_crlf(std::string_view(raw).substr(cut), last, out);
      EXPECT_EQ(out, wire) << cut;
    }
  }
  const std::string wire = "a\r\nb\r\r\nc\rd\r\n\r\n";
  for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
    bool held = false;
    std::string out;
    append_with_lf(std::string_view(wire).substr(0, cut), held, out);
    append_with_lf(std::string_view(wire).substr(cut), held, out);
    EXPECT_EQ(out, "a\nb\r\nc\rd\n\n") << cut;
    EXPECT_FALSE(held);
  }
}

}  // namespace
}  // namespace postern::transfer
