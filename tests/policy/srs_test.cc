// SPDX-License-Identifier: Apache-2.0
#include "policy/srs.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/ascii.h"
#include "base/file.h"
#include "tests/support/folder.h"

namespace postern::policy {
namespace {

constexpr UnixTime now = 1'750'000'000;
constexpr UnixTime day = 86400;
constexpr std::chrono::seconds valid{21 * day};

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }
const mail::Domain here = mail::Domain::parse("example.org").value();

class SrsTest : public testing::Test {
 protected:
  std::string forward(std::string_view sender, UnixTime when = now) {
    const auto made = srs_.forward(address(sender), here, when);
    return made ? made->to_string() : "nothing";
  }
  /// The address, or the error's kind.
  std::string reverse(std::string_view text, UnixTime when = now) {
    const auto back = srs_.reverse(address(text), when, valid);
    return back ? back->to().to_string() : std::string(to_string(back.error().kind));
  }
  Srs srs_{Secret("0123456789abcdef0123456789abcdef")};
};

TEST_F(SrsTest, TheWayThereAndBack) {
  for (const std::string sender :
       {"carol@example.net", "Carol.Long-Name+tag@example.net", "a=b=c@example.net", "\"odd name\"@example.net",
        "j\u00f6rg@example.net", "carol@b\u00fccher.example", "srs0@example.net", "SRS0x=a@example.net"}) {
    const auto made = forward(sender);
    EXPECT_TRUE(made.starts_with("SRS0=") || made.starts_with("\"SRS0=")) << made;
    EXPECT_TRUE(made.ends_with("@example.org")) << made;
    EXPECT_EQ(reverse(made), address(sender).to_string()) << made;
  }
}

TEST_F(SrsTest, AnAddressWrittenBeforeKeepsItsFirstHost) {
  const std::string first = "SRS0=HHHH=TT=example.net=carol@forward.example";
  const auto made = forward(first);
  EXPECT_TRUE(made.starts_with("SRS1=")) << made;
  EXPECT_TRUE(made.ends_with("=forward.example==HHHH=TT=example.net=carol@example.org")) << made;
  EXPECT_EQ(reverse(made), first);
  // The host in between is left out.
  Srs other(Secret("another key of thirty two octets"));
  const auto second = other.forward(address(made), mail::Domain::parse("second.example").value(), now).value();
  EXPECT_NE(second.to_string().find("=forward.example==HHHH"), std::string::npos) << second.to_string();
  EXPECT_EQ(other.reverse(second, now, valid).value().to().to_string(), first);
  EXPECT_EQ(reverse(forward("SRS0+HHHH=TT=example.net=carol@forward.example")), "SRS0+HHHH=TT=example.net=carol@forward.example");
}

TEST_F(SrsTest, CaseIsLostOnTheWay) {
  const auto made = forward("carol@example.net");
  EXPECT_EQ(reverse(ascii::upper(made)), "CAROL@example.net");
  EXPECT_EQ(reverse(ascii::lower(made)), "carol@example.net");
}

TEST_F(SrsTest, NobodyElseMakesOne) {
  const auto made = forward("carol@example.net");
  const auto changed = [&](std::string_view from, std::string_view to) {
    auto text = made;
    return text.replace(text.find(from), from.size(), to);
  };
  EXPECT_EQ(reverse(changed("carol", "david")), "denied");
  EXPECT_EQ(reverse(changed("example.net", "victim.test")), "denied");
  for (std::size_t i = 5; i < 16; ++i) {
    auto text = made;
    text[i] = text[i] == 'b' ? 'c' : 'b';
    EXPECT_NE(reverse(text), "carol@example.net") << text;
  }
  Srs other(Secret("another key of thirty two octets"));
  EXPECT_EQ(other.reverse(address(made), now, valid).error().kind, ErrorKind::denied);
  for (const std::string bad : {"SRS0=aaaaaaaa=aa=example.net=victim@example.org", "SRS0==aa=example.net=victim@example.org",
                                "SRS1=aaaaaaaa=example.net==x=y=z@example.org"}) {
    EXPECT_EQ(reverse(bad), "denied") << bad;
  }
  for (const std::string bad :
       {"carol@example.org", "SRS0@example.org", "SRS0=@example.org", "SRS0=abc@example.org", "SRS2=a=b=c=d@example.org"}) {
    EXPECT_EQ(reverse(bad), "invalid") << bad;
  }
}

TEST_F(SrsTest, ItExpires) {
  const auto made = forward("carol@example.net");
  struct Row {
    UnixTime days;
    const char* end;
  };
  for (const Row row : {Row{-2, "limit"}, Row{-1, "carol@example.net"}, Row{0, "carol@example.net"}, Row{21, "carol@example.net"},
                        Row{22, "limit"}, Row{500, "limit"}, Row{1022, "limit"}}) {
    EXPECT_EQ(reverse(made, now + row.days * day), row.end) << row.days << " days";
  }
}

TEST_F(SrsTest, WhatDoesNotFitIsLeft) {
  EXPECT_EQ(forward("carol@[192.0.2.1]"), "nothing");
  EXPECT_EQ(forward(std::string(50, 'a') + "@example.net"), "nothing");
  const auto longest = forward(std::string(64 - 17 - 12, 'a') + "@example.net");
  EXPECT_EQ(longest.find('@'), 64U) << longest;
}

TEST(SrsKey, IsMadeOnceAndReadAgain) {
  const test::Folder folder;
  const auto path = folder / "srs.key";
  const auto made = Srs::open(path).value().forward(address("carol@example.net"), here, now).value();
  struct stat found{};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
  EXPECT_EQ(Srs::open(path).value().forward(address("carol@example.net"), here, now).value(), made);
  ::chmod(path.c_str(), 0644);
  EXPECT_EQ(Srs::open(path).error().kind, ErrorKind::denied);
  ASSERT_TRUE(write_file_durably(path, "short"));
  const auto broken = Srs::open(path);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().kind, ErrorKind::corrupt);
  EXPECT_NE(broken.error().text.find("srs.key"), std::string::npos);
}

}  // namespace
}  // namespace postern::policy
