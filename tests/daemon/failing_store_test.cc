// SPDX-License-Identifier: Apache-2.0
// security.md D68 on the wire: when the store cannot say who somebody is, every protocol and mechanism answers "temporary", never
// "wrong", the session goes on, nothing is counted, and afterwards the same login works.
#include <gtest/gtest.h>

#include "tests/auth/three_doors.h"

namespace postern::daemon {
namespace {

using auth::testing::plain_message;
using auth::testing::right_password;
using auth::testing::ScramClient;
using auth::testing::ThreeDoors;

struct Case {
  const char* name;
  ThreeDoors::Door door;
  std::string input;
  const char* temporary;
  const char* permanent;  ///< what must not be said
  const char* success;
};

std::vector<Case> cases() {
  const std::string alice = "alice@example.org";
  const auto plain = plain_message("", alice, right_password);
  const auto user = base64_encode(alice);
  const auto password = base64_encode(right_password);
  const auto scram = base64_encode(ScramClient{}.first());
  const std::string imap_password = std::string("\"") + right_password + "\"";
  constexpr auto smtp = ThreeDoors::submission_door;
  constexpr auto imap = ThreeDoors::imap_door;
  constexpr auto pop3 = ThreeDoors::pop3_door;
  return {
      {"smtp PLAIN", smtp, "EHLO a\r\nAUTH PLAIN " + plain + "\r\nNOOP\r\nQUIT\r\n", "454 4.7.0", "535", "235"},
      {"smtp LOGIN", smtp, "EHLO a\r\nAUTH LOGIN\r\n" + user + "\r\n" + password + "\r\nNOOP\r\nQUIT\r\n", "454 4.7.0", "535",
       "235"},
      {"smtp SCRAM", smtp, "EHLO a\r\nAUTH SCRAM-SHA-256 " + scram + "\r\nNOOP\r\nQUIT\r\n", "454 4.7.0", "535", "334"},
      {"imap PLAIN", imap, "a AUTHENTICATE PLAIN " + plain + "\r\nb NOOP\r\nc LOGOUT\r\n", "a NO [UNAVAILABLE]",
       "AUTHENTICATIONFAILED", "a OK"},
      {"imap LOGIN", imap, "a LOGIN " + alice + " " + imap_password + "\r\nb NOOP\r\nc LOGOUT\r\n", "a NO [UNAVAILABLE]",
       "AUTHENTICATIONFAILED", "a OK"},
      {"imap SCRAM", imap, "a AUTHENTICATE SCRAM-SHA-256 " + scram + "\r\nb NOOP\r\nc LOGOUT\r\n", "a NO [UNAVAILABLE]",
       "AUTHENTICATIONFAILED", "+ "},
      {"pop3 PLAIN", pop3, "AUTH PLAIN " + plain + "\r\nCAPA\r\nQUIT\r\n", "-ERR [SYS/TEMP]", "[AUTH]", "+OK"},
      {"pop3 PASS", pop3, "USER " + alice + "\r\nPASS " + right_password + "\r\nCAPA\r\nQUIT\r\n", "-ERR [SYS/TEMP]", "[AUTH]",
       "+OK"},
      {"pop3 SCRAM", pop3, "AUTH SCRAM-SHA-256 " + scram + "\r\nCAPA\r\nQUIT\r\n", "-ERR [SYS/TEMP]", "[AUTH]", "+ "},
  };
}

TEST(FailingStore, IsTemporaryOnEveryProtocolAndNeverAWrongPassword) {
  ThreeDoors doors;
  doors.house.credentials.broken = Error{ErrorKind::io, "disk I/O error"};
  for (int round = 0; round < 20; ++round) {
    for (const auto& one : cases()) {
      const auto said = doors.answer(one.input, one.door);
      ASSERT_NE(said.find(one.temporary), std::string::npos) << one.name << ": " << said;
      ASSERT_EQ(said.find(one.permanent), std::string::npos) << one.name << ": " << said;
      ASSERT_EQ(said.find("disk I/O error"), std::string::npos) << one.name;
    }
  }
  doors.house.credentials.broken.reset();
  for (const auto& one : cases()) {
    const auto said = doors.answer(one.input, one.door);
    EXPECT_NE(said.find(one.success), std::string::npos) << one.name << ": " << said;
  }
}

TEST(FailingStore, ThreeFailuresOfOursCloseNoSession) {
  ThreeDoors doors;
  doors.house.credentials.broken = Error{ErrorKind::io, "disk I/O error"};
  const auto plain = plain_message("", "alice@example.org", right_password);
  std::string smtp = "EHLO a\r\n";
  std::string imap;
  std::string pop3;
  for (int i = 0; i < 5; ++i) {
    smtp += "AUTH PLAIN " + plain + "\r\n";
    imap += fmt::format("a{} AUTHENTICATE PLAIN {}\r\n", i, plain);
    pop3 += "AUTH PLAIN " + plain + "\r\n";
  }
  EXPECT_NE(doors.answer(smtp + "QUIT\r\n", ThreeDoors::submission_door).find("221 "), std::string::npos);
  EXPECT_NE(doors.answer(imap + "z LOGOUT\r\n", ThreeDoors::imap_door).find("z OK"), std::string::npos);
  EXPECT_NE(doors.answer(pop3 + "QUIT\r\n", ThreeDoors::pop3_door).find("+OK bye"), std::string::npos);
}

}  // namespace
}  // namespace postern::daemon
