// SPDX-License-Identifier: Apache-2.0
// Ids of RFC 8474 as a client compares them: a copy is the same message, a renamed mailbox the same mailbox.
#include "tests/imap/client.h"

namespace postern::test {
namespace {

/// What stands in the parentheses behind the word.
std::string id_after(const std::string& response, const std::string& word) {
  const auto at = response.find(word + " (");
  if (at == std::string::npos) return {};
  const auto begin = at + word.size() + 2;
  return response.substr(begin, response.find(')', begin) - begin);
}

TEST(ImapObjectId, CopiesAndRenamesKeepIt) {
  ImapHouse house;
  house.act("mail alice 2");
  ImapClient client(house);
  client.command("LOGIN alice secret");
  const auto box = id_after(client.command("CREATE box"), "MAILBOXID");
  EXPECT_FALSE(box.empty());
  client.command("SELECT INBOX");
  const auto one = id_after(client.command("FETCH 1 EMAILID"), "EMAILID");
  const auto two = id_after(client.command("FETCH 2 EMAILID"), "EMAILID");
  EXPECT_NE(one, two);
  client.command("COPY 1 box");
  client.command("MOVE 2 box");
  EXPECT_NE(client.command("SEARCH EMAILID " + one).find("* SEARCH 1\r\n"), std::string::npos);
  client.command("RENAME box other");
  EXPECT_EQ(id_after(client.command("STATUS other (MAILBOXID)"), "MAILBOXID"), box);
  EXPECT_EQ(id_after(client.command("SELECT other"), "MAILBOXID"), box);
  EXPECT_EQ(id_after(client.command("FETCH 1 EMAILID"), "EMAILID"), one);
  EXPECT_EQ(id_after(client.command("FETCH 2 EMAILID"), "EMAILID"), two);
  EXPECT_NE(id_after(client.command("STATUS INBOX (MAILBOXID)"), "MAILBOXID"), box);
}

// security.md D91
TEST(ImapObjectId, OtherAccountsHaveOthers) {
  ImapHouse house;
  house.deliver("alice", "Subject: x\r\n\r\nsame\r\n");
  house.deliver("bob", "Subject: x\r\n\r\nsame\r\n");
  std::set<std::string> ids;
  for (const std::string user : {"alice", "bob"}) {
    ImapClient client(house);
    client.command("LOGIN " + user + " secret");
    client.command("SELECT INBOX");
    ids.insert(id_after(client.command("FETCH 1 EMAILID"), "EMAILID"));
  }
  EXPECT_EQ(ids.size(), 2U);
}

}  // namespace
}  // namespace postern::test
