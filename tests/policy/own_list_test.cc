// SPDX-License-Identifier: Apache-2.0
// Our own list: subjects, which entry decides, expiry, the file.
#include "policy/own_list.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/file.h"
#include "tests/support/folder.h"

namespace postern::policy {
namespace {

using Kind = OwnEntry::Kind;
constexpr UnixTime now = 1'800'000'000;

class OwnListTest : public testing::Test {
 protected:
  std::unique_ptr<OwnList> open() { return *OwnList::open(folder_ / "gate.list"); }
  static OwnEntry entry(Kind kind, std::string subject, UnixTime until = 0) {
    return {kind, std::move(subject), now, until, "why"};
  }
  /// "allow", "block" or "".
  static std::string_view decide(const OwnList& list, std::string_view ip, std::string_view from,
                                 std::string_view to = "alice@example.org", UnixTime at = now) {
    const auto address = *IpAddress::parse(ip);
    const auto sender = from.empty() ? mail::ReversePath() : mail::ReversePath(*mail::Address::parse(from));
    const auto recipient = *mail::Address::parse(to);
    const auto found = list.find({address, sender, recipient}, at);
    return found ? to_string(found->kind) : std::string_view();
  }
  test::Folder folder_;
};

TEST_F(OwnListTest, SubjectsHaveOneForm) {
  struct Row {
    std::string_view text, canonical;
  };
  for (const auto& [text, canonical] : {Row{"192.0.2.1", "192.0.2.1/32"},
                                        {"192.0.2.0/24", "192.0.2.0/24"},
                                        {"2001:DB8:0::/32", "2001:db8::/32"},
                                        {"Example.ORG", "example.org"},
                                        {"b\xc3\xbc"
                                         "cher.example",
                                         "xn--bcher-kva.example"},
                                        {".example.org", ".example.org"},
                                        {"Eve@Example.org", "eve@example.org"},
                                        {"to:Alice@example.org", "to:alice@example.org"},
                                        {"to:example.org", "to:example.org"}}) {
    const auto subject = OwnList::canonical(text);
    ASSERT_TRUE(subject) << text;
    EXPECT_EQ(*subject, IpNetwork::parse(canonical) ? IpNetwork::parse(canonical)->to_string() : canonical);
  }
  for (const char* bad :
       {"", "192.0.2.1/24", "192.0.2.0/33", "a b", "to:", "@example.org", "eve@", "a@b@c", "to:to:x", "x\ty", ".."}) {
    EXPECT_FALSE(OwnList::canonical(bad)) << bad;
  }
  EXPECT_EQ(OwnList::canonical("192.0.2.0/33").error().text.substr(0, 29), "\"192.0.2.0/33\" is no network:");
}

TEST_F(OwnListTest, TheMostSpecificEntryDecides) {
  const auto list = open();
  for (const auto& one :
       {entry(Kind::block, "192.0.2.0/24"), entry(Kind::allow, "192.0.2.7"), entry(Kind::block, "2001:db8::/32"),
        entry(Kind::block, "bad.example"), entry(Kind::block, ".bad.example"), entry(Kind::allow, "good@bad.example"),
        entry(Kind::allow, "ok.sub.bad.example"), entry(Kind::block, "to:quiet@example.org"),
        entry(Kind::allow, "to:example.net"), entry(Kind::block, "both.example"), entry(Kind::allow, "both.example")}) {
    ASSERT_TRUE(list->add(one, now)) << one.subject;
  }
  struct Row {
    std::string_view ip, from, to, wanted;
  };
  for (const auto& [ip, from, to, wanted] : {Row{"192.0.2.9", "a@b.example", "alice@example.org", "block"},
                                             {"192.0.2.7", "a@b.example", "alice@example.org", "allow"},
                                             {"192.0.3.7", "a@b.example", "alice@example.org", ""},
                                             {"2001:db8:1::1", "", "alice@example.org", "block"},
                                             {"192.0.3.7", "eve@bad.example", "alice@example.org", "block"},
                                             {"192.0.3.7", "GOOD@bad.example", "alice@example.org", "allow"},
                                             {"192.0.3.7", "eve@x.y.bad.example", "alice@example.org", "block"},
                                             {"192.0.3.7", "eve@ok.sub.bad.example", "alice@example.org", "allow"},
                                             {"192.0.3.7", "eve@notbad.example", "alice@example.org", ""},
                                             {"192.0.2.7", "good@bad.example", "quiet@example.org", "block"},
                                             {"192.0.2.9", "eve@bad.example", "carol@example.net", "allow"},
                                             {"192.0.3.7", "eve@both.example", "alice@example.org", "allow"},
                                             {"192.0.3.7", "eve@[192.0.2.1]", "alice@example.org", ""}}) {
    EXPECT_EQ(decide(*list, ip, from, to), wanted) << ip << ' ' << from << ' ' << to;
  }
}

TEST_F(OwnListTest, EntriesEndAndAreForgotten) {
  const auto list = open();
  ASSERT_TRUE(list->add(entry(Kind::block, "192.0.2.1", now + 60), now));
  EXPECT_EQ(decide(*list, "192.0.2.1", ""), "block");
  EXPECT_EQ(decide(*list, "192.0.2.1", "", "alice@example.org", now + 60), "");
  EXPECT_TRUE(list->entries(now + 60).empty());
  EXPECT_FALSE(list->add(entry(Kind::block, "192.0.2.2", now), now));
  ASSERT_TRUE(list->add(entry(Kind::block, "192.0.2.2"), now + 61));
  EXPECT_EQ(open()->entries(now).size(), 1U);
}

TEST_F(OwnListTest, TheFileOutlivesARestart) {
  {
    const auto list = open();
    auto one = entry(Kind::allow, "Example.net", now + 99);
    one.note = "our printer, room 7";
    ASSERT_TRUE(list->add(one, now));
    ASSERT_TRUE(list->add(entry(Kind::block, "eve@example.net"), now));
    ASSERT_TRUE(list->add(entry(Kind::block, "eve@example.net"), now));
  }
  auto entries = open()->entries(now);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[1], (OwnEntry{Kind::allow, "example.net", now, now + 99, "our printer, room 7"}));
  const auto again = open();
  ASSERT_TRUE(again->remove("EVE@example.net", now));
  EXPECT_EQ(again->remove("eve@example.net", now).error().kind, ErrorKind::not_found);
  EXPECT_EQ(open()->entries(now).size(), 1U);
}

TEST_F(OwnListTest, RefusesNotesThatWouldBreakTheFile) {
  const auto list = open();
  for (const char* note : {"two\nlines", "a\ttab", "\x1b[2J"}) {
    auto one = entry(Kind::block, "example.net");
    one.note = note;
    EXPECT_FALSE(list->add(one, now)) << note;
  }
  auto one = entry(Kind::block, "example.net");
  one.note.assign(OwnList::max_note + 1, 'x');
  EXPECT_FALSE(list->add(one, now));
}

TEST_F(OwnListTest, ADamagedFileIsNamedByLine) {
  for (const char* line : {"nonsense", "block\texample.org\t1\t2", "ban\texample.org\t1\t2\tx", "block\ta b\t1\t2\tx",
                           "block\texample.org\t-1\t2\tx", "block\texample.org\t1\tnever\tx", "block\texample.org\t1\t2\tx\ty"}) {
    std::ofstream(folder_ / "gate.list") << "block\texample.org\t1\t0\t\n" << line << '\n';
    const auto list = OwnList::open(folder_ / "gate.list");
    ASSERT_FALSE(list) << line;
    EXPECT_EQ(list.error().kind, ErrorKind::corrupt);
    EXPECT_NE(list.error().text.find("line 2"), std::string::npos) << list.error().text;
  }
}

}  // namespace
}  // namespace postern::policy
