// SPDX-License-Identifier: Apache-2.0
#include "queue/login_notice.h"

#include <gtest/gtest.h>

namespace postern::queue {
namespace {

auth::NewNetworkLogin login(std::string label) {
  auth::NewNetworkLogin out;
  out.account = 7;
  out.login = "alice@example.org";
  out.row.at = 1'800'000'000;
  out.row.ip = "203.0.113.5";
  out.row.network = "203.0.113.0/24";
  out.row.protocol = "smtp";
  out.row.label = std::move(label);
  return out;
}

TEST(LoginNotice, TellsWhenFromWhereWithWhatAndWhatToDo) {
  const auto letter = new_network_letter(login("phone"), "mail.example.org");
  EXPECT_EQ(letter.to, "alice@example.org");
  EXPECT_EQ(letter.subject, "New login to your mail account from 203.0.113.5");
  for (const auto* part : {"15 Jan 2027 08:00:00", "203.0.113.5 (network 203.0.113.0/24)", "sending mail (SMTP)",
                           "the app password \"phone\"", "postmaster of mail.example.org"}) {
    EXPECT_NE(letter.text.find(part), std::string::npos) << part << "\n" << letter.text;
  }
  EXPECT_NE(new_network_letter(login("password"), "x").text.find("the main password"), std::string::npos);
}

// A label is the user's; nothing of it may become a field.
TEST(LoginNotice, StaysOneMessageWhateverTheLabel) {
  const auto text = compose_letter(new_network_letter(login("x\"\r\nBcc: eve@example.net\r\n\r\n"), "h"), 1'800'000'000);
  ASSERT_TRUE(text);
  const auto header = text->substr(0, text->find("\r\n\r\n"));
  EXPECT_EQ(header.find("Bcc"), std::string::npos);
}

}  // namespace
}  // namespace postern::queue
