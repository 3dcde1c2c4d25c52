// SPDX-License-Identifier: Apache-2.0
// security.md D91: whatever command names a mailbox, message, id or quota root of somebody else, it gets nothing and changes
// nothing. The attempts cover the whole command table: a command without an entry here fails.
#include <map>

#include "base/encoding.h"
#include "imap/commands.h"
#include "tests/imap/client.h"

namespace postern::test {
namespace {

constexpr std::string_view marker = "wine-cellar";  // in alice's messages and nowhere else

/// % is one of alice's mailboxes, ^ the same in a URL, ! one below it, # the EMAILID of one of her messages.
const std::map<std::string, std::vector<std::string>> attempts = {
    {"CREATE", {"%", "!"}},
    {"SELECT", {"%", "% (CONDSTORE)"}},
    {"EXAMINE", {"%"}},
    {"DELETE", {"%"}},
    {"RENAME", {"% Mine", "INBOX !", "% \"Other Users/bob/Secret\""}},
    {"SUBSCRIBE", {"%"}},
    {"UNSUBSCRIBE", {"%"}},
    {"LIST", {"\"\" %", "\"Other Users/\" *", "(SUBSCRIBED) \"\" * RETURN (STATUS (MESSAGES) MYRIGHTS)", "\"\" (% *)"}},
    {"LSUB", {"\"\" %", "\"Other Users/\" *"}},
    {"STATUS", {"% (MESSAGES UIDNEXT UNSEEN SIZE)"}},
    {"APPEND",
     {"% {5+}\r\nhello", "% {5+}\r\nhello {5+}\r\nhello", "INBOX CATENATE (URL \"/^/;UID=1\")",
      "INBOX CATENATE (URL \"imap://alice@mx.example.org/Secret/;UID=1\")"}},
    {"ESEARCH", {"IN (mailboxes %) ALL", "IN (subtree %) ALL", "IN (subtree \"Other Users\") TEXT wine-cellar"}},
    {"NOTIFY",
     {"SET STATUS (mailboxes % (MessageNew MessageExpunge))", "SET STATUS (subtree \"Other Users\" (MessageNew MessageExpunge))",
      "NONE"}},
    {"GETQUOTA", {"alice", "alice@example.org", "%"}},
    {"GETQUOTAROOT", {"%"}},
    {"SETACL", {"% bob lrswipkxtea", "% anyone lr"}},
    {"DELETEACL", {"% alice"}},
    {"GETACL", {"%"}},
    {"LISTRIGHTS", {"% bob"}},
    {"MYRIGHTS", {"%"}},
    {"GETMETADATA", {"% /shared/comment", "(DEPTH infinity) % /private/comment"}},
    {"SETMETADATA", {"% (/shared/comment \"x\")", "% (/private/comment \"x\")"}},
    {"REPLACE", {"1 % {5+}\r\nhello"}},
    {"UID REPLACE", {"1 % {5+}\r\nhello"}},
    {"COPY", {"1:* %"}},
    {"UID COPY", {"1:* %"}},
    {"MOVE", {"1:* %"}},
    {"UID MOVE", {"1:* %"}},
    {"SEARCH", {"EMAILID #", "TEXT wine-cellar", "RETURN (ALL) EMAILID #"}},
    {"UID SEARCH", {"EMAILID #", "TEXT wine-cellar"}},
    {"SORT", {"(SUBJECT) UTF-8 EMAILID #"}},
    {"UID SORT", {"(SUBJECT) UTF-8 EMAILID #"}},
    {"THREAD", {"REFERENCES UTF-8 EMAILID #"}},
    {"UID THREAD", {"REFERENCES UTF-8 EMAILID #"}},
    {"FETCH", {"1:* (UID EMAILID BODY.PEEK[])"}},
    {"UID FETCH", {"1:* (UID EMAILID BODY.PEEK[])"}},
    {"STORE", {"1:* +FLAGS ($Seized)"}},
    {"UID STORE", {"1:* +FLAGS ($Seized)"}},
    {"UID EXPUNGE", {"1:*"}},
};
/// They name nothing but what the session has open or is.
const std::set<std::string> nameless = {"CAPABILITY", "NOOP",           "LOGOUT",   "ID",      "STARTTLS",    "AUTHENTICATE",
                                        "LOGIN",      "UNAUTHENTICATE", "COMPRESS", "ENABLE",  "NAMESPACE",   "IDLE",
                                        "CHECK",      "CLOSE",          "UNSELECT", "EXPUNGE", "CANCELUPDATE"};
/// They may agree and give nothing.
const std::set<std::string> agreeing = {"SUBSCRIBE", "UNSUBSCRIBE", "LIST", "LSUB", "ESEARCH", "NOTIFY"};

std::string with(std::string text, std::string_view sign, std::string_view value) {
  for (auto at = text.find(sign); at != std::string::npos; at = text.find(sign, at + value.size()))
    text.replace(at, sign.size(), value);
  return text;
}

/// The lines without tag; a tag in parentheses of ESEARCH left out.
std::string untagged(const std::string& said) {
  const auto text = said.substr(0, said.rfind("\r\nt") + 2);
  const auto tag = text.find(" (TAG ");
  return tag == std::string::npos ? text : text.substr(0, tag) + text.substr(text.find(')', tag) + 1);
}

class ImapOwner : public testing::TestWithParam<HouseStore> {
 protected:
  ImapOwner() : house_(GetParam()) {
    for (const std::string user : {"alice", "bob"}) {
      const std::string text = user == "alice" ? std::string(marker) : "nothing";
      for (int n = 0; n < 2; ++n) house_.deliver(user, "Subject: " + text + "\r\n\r\n" + text + " of " + user + "\r\n");
    }
    ImapClient alice(house_);
    for (const std::string command : {"LOGIN alice secret", "CREATE Secret", "SELECT INBOX", "COPY 1:* Secret",
                                      "SUBSCRIBE Secret", "SETMETADATA Secret (/shared/comment \"wine-cellar\")"}) {
      EXPECT_NE(alice.command(command).find(" OK "), std::string::npos) << command;
    }
    const auto fetched = alice.command("FETCH 1 EMAILID");
    const auto at = fetched.find("EMAILID (") + 9;
    email_id_ = fetched.substr(at, fetched.find(')', at) - at);
  }

  /// All that alice has.
  std::string possessions() {
    ImapClient alice(house_);
    std::string out = alice.command("LOGIN alice secret");
    out += alice.command("LIST \"\" * RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ SIZE))");
    for (const std::string name : {"INBOX", "Secret"}) {
      out += alice.command("GETACL " + name) + alice.command("GETMETADATA (DEPTH infinity) " + name + " (/shared /private)");
      out += alice.command("EXAMINE " + name) + alice.command("FETCH 1:* (UID FLAGS EMAILID MODSEQ BODY.PEEK[])");
    }
    return out;
  }

  std::string filled(std::string text, const std::string& name) const {
    text = with(std::move(text), "%", '"' + name + '"');
    text = with(std::move(text), "!", '"' + name + "/below\"");
    return with(with(std::move(text), "^", percent_encode(name)), "#", email_id_);
  }

  void try_all() {
    const auto before = possessions();
    for (const std::string name :
         {"Other Users/alice/Secret", "Other Users/alice/INBOX", "Other Users/alice@example.org/Secret"}) {
      ImapClient bob(house_);
      bob.command("LOGIN bob secret");
      for (const auto& [command, texts] : attempts) {
        for (const auto& text : texts) {
          bob.command("SELECT INBOX");
          const bool foreign = text.find_first_of("%!^") != std::string::npos;
          const auto said = bob.command(command + " " + filled(text, name));
          const auto what = command + " " + text + " with " + name + ":\n" + said;
          EXPECT_EQ(said.find(marker), std::string::npos) << what;
          EXPECT_EQ(untagged(said).find("Secret"), std::string::npos) << what;
          EXPECT_EQ(said.find("* STATUS \"Other"), std::string::npos) << what;
          EXPECT_EQ(said.find(" BAD "), std::string::npos) << what;
          if (foreign && !agreeing.contains(command)) EXPECT_NE(said.find(" NO "), std::string::npos) << what;
          if (text.ends_with('#'))
            EXPECT_EQ(untagged(said), untagged(bob.command(command + ' ' + with(text, "#", "M0")))) << what;
          ASSERT_EQ(possessions(), before) << what;
        }
      }
    }
  }

  ImapHouse house_;
  std::string email_id_;
};

TEST(ImapOwners, EveryCommandHasAttempts) {
  for (const auto& row : imap::command_table()) {
    const std::string name(row.name);
    EXPECT_NE(attempts.contains(name), nameless.contains(name)) << name;
  }
}

TEST_P(ImapOwner, OthersGetNothing) { try_all(); }

TEST_P(ImapOwner, OthersGetNothingAnyMore) {
  ImapClient alice(house_);
  alice.command("LOGIN alice secret");
  ImapClient bob(house_);
  bob.command("LOGIN bob secret");
  for (const std::string name : {"INBOX", "Secret"}) {
    alice.command("SETACL " + name + " bob lrswipkxtea");
    EXPECT_NE(bob.command("SELECT \"Other Users/alice/" + name + "\"").find(" OK "), std::string::npos);
    bob.command("SELECT INBOX");
    alice.command("DELETEACL " + name + " bob");
  }
  try_all();
}

INSTANTIATE_TEST_SUITE_P(Imap, ImapOwner, testing::Values(HouseStore::memory, HouseStore::sqlite),
                         [](const auto& info) { return info.param == HouseStore::memory ? "Memory" : "Sqlite"; });

}  // namespace
}  // namespace postern::test
