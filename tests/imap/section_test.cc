// SPDX-License-Identifier: Apache-2.0
// Property: every section and every partial is exactly those octets of the stored message that the part tree names.
#include <random>

#include "tests/imap/client.h"

namespace postern::test {
namespace {

const std::string nested =
    "From: a@x.example\r\nSubject: outer\r\nContent-Type: multipart/mixed; boundary=out\r\n\r\npreamble\r\n"
    "--out\r\nContent-Type: text/plain\r\n\r\none\r\n"
    "--out\r\nContent-Type: message/rfc822\r\n\r\n"
    "Subject: inner\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n"
    "--in\r\n\r\nplain\r\n--in\r\nContent-Type: text/html\r\n\r\n<b>html</b>\r\n--in--\r\n"
    "--out\r\nContent-Type: application/octet-stream\r\n\r\n\x01\x02\xff\r\n--out--\r\nepilogue\r\n";

class ImapSections : public testing::Test {
 protected:
  std::string fetch(const std::string& section) { return first_literal(client_.command("FETCH 1 BODY.PEEK[" + section + "]")); }
  void open(const std::string& message) {
    ASSERT_EQ(house_.deliver("alice", message), "");
    client_.command("LOGIN alice secret");
    client_.command("SELECT INBOX");
    raw_ = ImapHouse::prefix() + message;
  }

  ImapHouse house_;
  ImapClient client_{house_};
  std::string raw_;
};

TEST_F(ImapSections, WholeIsWhole) {
  open(nested);
  EXPECT_EQ(fetch(""), raw_);
  EXPECT_EQ(fetch("HEADER") + fetch("TEXT"), raw_);
  EXPECT_EQ(first_literal(client_.command("FETCH 1 RFC822.HEADER")) + fetch("TEXT"), raw_);
}

TEST_F(ImapSections, PartsLieInTheMessage) {
  open(nested);
  const std::pair<std::string, std::string> rows[] = {
      {"1", "one"},
      {"1.MIME", "Content-Type: text/plain\r\n\r\n"},
      {"2.HEADER", "Subject: inner\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n"},
      {"2.1", "plain"},
      {"2.2", "<b>html</b>"},
      {"2.2.MIME", "Content-Type: text/html\r\n\r\n"},
      {"2.HEADER.FIELDS (Subject)", "Subject: inner\r\n\r\n"},
      {"3", "\x01\x02\xff"},
  };
  for (const auto& [section, octets] : rows) EXPECT_EQ(fetch(section), octets) << section;
  EXPECT_EQ(fetch("2.HEADER") + fetch("2.TEXT"), fetch("2"));
  EXPECT_NE(raw_.find(fetch("2")), std::string::npos);
  for (const std::string missing : {"4", "1.1.1", "2.3", "1.HEADER", "3.TEXT", "99.99"}) {
    EXPECT_NE(client_.command("FETCH 1 BODY.PEEK[" + missing + "]").find("] NIL)"), std::string::npos) << missing;
  }
}

TEST_F(ImapSections, PartialsAreSubstrings) {
  open(nested);
  std::mt19937 random(42);
  for (const std::string section : {"", "HEADER", "TEXT", "2", "2.1", "2.HEADER"}) {
    const auto whole = fetch(section);
    for (int i = 0; i < 30; ++i) {
      const auto origin = random() % (whole.size() + 3);
      const auto count = random() % (whole.size() + 3) + 1;
      const auto expected = origin < whole.size() ? whole.substr(origin, count) : std::string();
      const auto got = first_literal(client_.command(fmt::format("FETCH 1 BODY.PEEK[{}]<{}.{}>", section, origin, count)));
      EXPECT_EQ(got, expected) << section << " " << origin << "." << count;
    }
  }
}

TEST_F(ImapSections, LargePartialsCrossChunks) {
  std::string body;
  for (int i = 0; i < 40'000; ++i) body += fmt::format("line {}\r\n", i);
  open("Subject: large\r\n\r\n" + body);
  EXPECT_EQ(fetch("TEXT"), body);
  for (const std::size_t origin : {std::size_t{0}, std::size_t{65'535}, std::size_t{65'536}, std::size_t{131'071}}) {
    const auto got = first_literal(client_.command(fmt::format("FETCH 1 BODY.PEEK[TEXT]<{}.70000>", origin)));
    EXPECT_EQ(got, body.substr(origin, 70'000)) << origin;
  }
}

TEST_F(ImapSections, SizeIsWhatIsSent) {
  open(nested);
  EXPECT_NE(client_.command("FETCH 1 RFC822.SIZE").find(fmt::format("RFC822.SIZE {})", raw_.size())), std::string::npos);
}

}  // namespace
}  // namespace postern::test
