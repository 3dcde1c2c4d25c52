// SPDX-License-Identifier: Apache-2.0
// The IMAP client against answers as servers give them, and as none should; then against a server of the test's own that plays
// its part line by line.
#include "tests/transfer/house.h"
#include "transfer/imap_source.h"

namespace postern::transfer::test {
namespace {

using namespace imap_client;
namespace flag = store::flag;

Answer answer(std::string text, std::vector<std::string> literals = {}) { return {std::move(text), std::move(literals), false}; }

TEST(ImapAnswer, Literals) {
  EXPECT_EQ(literal_at_end("* 1 FETCH (BODY[] {12}")->size, 12u);
  EXPECT_EQ(literal_at_end("x {12+}")->size, 12u);
  for (const char* none : {"", "}", "{}", "{12} ", "{-1}", "{1 2}", "{99999999999999999999}", "{12++}"})
    EXPECT_FALSE(literal_at_end(none)) << none;
  EXPECT_TRUE(announces_message("* 1 FETCH (UID 3 BODY[] "));
  EXPECT_TRUE(announces_message("* 1 FETCH (body[] "));
  for (const char* no : {"* LIST () \"/\" ", "BODY[]", "* 1 FETCH (BODY[TEXT] "}) EXPECT_FALSE(announces_message(no)) << no;
}

TEST(ImapAnswer, Conditions) {
  const auto ok = parse_condition("OK [UIDVALIDITY 3857529045] UIDs valid");
  ASSERT_TRUE(ok);
  EXPECT_EQ(ok->code, "UIDVALIDITY 3857529045");
  EXPECT_EQ(ok->text, "UIDs valid");
  EXPECT_EQ(parse_condition("no")->kind, Condition::Kind::no);
  EXPECT_EQ(parse_condition("BYE [x")->code, "x");
  for (const char* none : {"", "OKAY", "12 EXISTS", "FLAGS ()"}) EXPECT_FALSE(parse_condition(none)) << none;
  EXPECT_EQ(parse_capabilities("CAPABILITY IMAP4rev1 auth=PLAIN]")->at(1), "AUTH=PLAIN");
}

TEST(ImapAnswer, Lists) {
  struct Case {
    Answer answer;
    char separator;
    const char* name;
  };
  const Case cases[] = {{answer("* LIST (\\HasNoChildren \\Sent) \"/\" Sent"), '/', "Sent"},
                        {answer("* LIST () \".\" \"INBOX.A \\\"b\\\"\""), '.', "INBOX.A \"b\""},
                        {answer("* list () NIL inbox"), '\0', "inbox"},
                        {answer("* LSUB () \"\\\\\" a]b%c"), '\\', "a]b%c"},
                        {answer("* LIST () \"/\" {4}\n", {"a\"bc"}), '/', "a\"bc"}};
  for (const auto& c : cases) {
    const auto entry = parse_list(c.answer);
    ASSERT_TRUE(entry) << c.answer.text;
    EXPECT_EQ(entry->separator, c.separator);
    EXPECT_EQ(entry->name, c.name);
  }
  EXPECT_TRUE(parse_list(cases[0].answer)->has("\\sent"));
  for (const char* bad :
       {"* LIST", "* LIST (", "* LIST () ", "* LIST () \"/\"", "* LIST () \"//\" a", "* LIST () \"/\" ", "* LIST () \"/\" \"a",
        "* LIST () \"/\" {4}", "* LIST () \"/\" {4}\n", "* LIST () \"/\" \"\"", "* LIST (\\a", "LIST () \"/\" a"}) {
    EXPECT_FALSE(parse_list(answer(bad))) << bad;
  }
  EXPECT_FALSE(parse_list(answer("* LIST () \"/\" {2}\n", {std::string("a\0", 2)})));
  EXPECT_FALSE(parse_list(answer("* LIST () \"/\" {2}\n", {"a\n"})));
}

TEST(ImapAnswer, StatusAndNamespace) {
  const auto status = parse_status(answer("* STATUS \"a b\" (MESSAGES 231 UIDVALIDITY 44292 SIZE 12)"));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->messages, 231u);
  EXPECT_EQ(status->uidvalidity, 44292u);
  EXPECT_EQ(status->size, 12u);
  for (const char* bad : {"* STATUS a", "* STATUS a (", "* STATUS a (MESSAGES", "* STATUS a (MESSAGES x)", "* STATUS (1)"})
    EXPECT_FALSE(parse_status(answer(bad))) << bad;
  EXPECT_EQ(parse_namespace(answer("* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL")).value(), "INBOX.");
  EXPECT_EQ(parse_namespace(answer("* NAMESPACE NIL NIL NIL")).value(), "");
  EXPECT_FALSE(parse_namespace(answer("* NAMESPACE ((")));
}

TEST(ImapAnswer, Fetches) {
  const auto all =
      parse_fetch(answer("* 12 FETCH (UID 7 FLAGS (\\Seen $Label \\Recent) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
                         "RFC822.SIZE 4286 MODSEQ (624) BODY[] \"a\\\\b\")"));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->sequence, 12u);
  EXPECT_EQ(all->uid, 7u);
  EXPECT_EQ(all->flags, flag::seen);
  EXPECT_EQ(all->keywords, std::vector<std::string>{"$Label"});
  EXPECT_EQ(all->internal_date, 837596665);
  EXPECT_EQ(all->size, 4286u);
  EXPECT_EQ(all->text, "a\\b");
  EXPECT_TRUE(parse_fetch(answer("* 1 FETCH (BODY[] NIL UID 3)"))->no_text);
  Answer streamed = answer("* 1 FETCH (BODY[] {5}\n UID 3)");
  streamed.streamed = true;
  EXPECT_EQ(parse_fetch(streamed)->uid, 3u);
  for (const char* bad : {"* FETCH (UID 1)", "* 1 FETCH", "* 1 FETCH (", "* 1 FETCH (UID)", "* 1 FETCH (UID 0)",
                          "* 1 FETCH (UID 4294967296)", "* 1 FETCH (FLAGS (a)", "* 1 FETCH (FLAGS)", "* 1 FETCH (RFC822.SIZE x)",
                          "* 1 FETCH (BODY[] {5}\n UID 3)", "* 1 FETCH (UID 1 X ((((1))))", "* 1 FETCH (INTERNALDATE \"x)"})
    EXPECT_FALSE(parse_fetch(answer(bad))) << bad;
}

TEST(ImapAnswer, Dates) {
  EXPECT_EQ(parse_internal_date(" 2-Jan-2024 15:04:05 +0000"), 1704207845);
  EXPECT_EQ(parse_internal_date("02-jan-2024 15:04:05 +0130"), 1704207845 - 5400);
  for (const char* bad : {"", "32-Jan-2024 15:04:05 +0000", "30-Feb-2024 15:04:05 +0000", "2-Foo-2024 15:04:05 +0000",
                          "2-Jan-2024 15:04:05", "2-Jan-2024 15:04 +0000", "2-Jan-2024 15:04:05 +0099"})
    EXPECT_FALSE(parse_internal_date(bad)) << bad;
}

/// What the server waits for (without the tag), and what it answers; "%" is the tag.
struct Scene {
  std::string expect;
  std::string answer;
};

class Imap : public TransferHouse {
 protected:
  static async::Task<> play(net::Connection& server, std::vector<Scene> scenes, std::string& mismatch) {
    (void)co_await server.write("* OK ready\r\n");
    std::string tag;
    for (auto& scene : scenes) {
      if (!scene.expect.empty()) {
        const auto line = co_await server.read_line(10'000);
        if (!line) break;
        const auto space = line->find(' ');
        tag = std::string(line->substr(0, space));
        const auto rest = line->substr(std::min(line->size(), space + 1));
        if (rest != scene.expect && mismatch.empty()) mismatch = std::string(rest) + " instead of " + scene.expect;
      }
      for (auto at = scene.answer.find('%'); at != std::string::npos; at = scene.answer.find('%', at + tag.size()))
        scene.answer.replace(at, 1, tag);
      if (!co_await server.write(scene.answer)) break;
    }
    co_await server.close_gracefully();
  }
  static std::vector<Scene> entrance() {
    return {{"CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n% OK\r\n"},
            {"AUTHENTICATE PLAIN AHVzZXIAc2VjcmV0", "% OK\r\n"},
            {"CAPABILITY", "* CAPABILITY IMAP4rev1 NAMESPACE LIST-EXTENDED SPECIAL-USE\r\n% OK\r\n"}};
  }
  static std::vector<Scene> folder_scenes() {
    auto out = entrance();
    out.push_back({"NAMESPACE", "* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\r\n% OK\r\n"});
    out.push_back({"LIST \"\" \"*\" RETURN (SPECIAL-USE)",
                   "* LIST (\\HasChildren) \".\" INBOX\r\n* LIST (\\Noselect) \".\" INBOX.x\r\n* LIST (\\All) \".\" INBOX.all\r\n"
                   "* LIST (\\Sent) \".\" {14}\r\nINBOX.Gesendet\r\n% OK\r\n"});
    out.push_back({"STATUS \"INBOX\" (MESSAGES UIDVALIDITY)", "* STATUS INBOX (MESSAGES 3 UIDVALIDITY 5)\r\n% OK\r\n"});
    out.push_back(
        {"STATUS \"INBOX.Gesendet\" (MESSAGES UIDVALIDITY)", "* STATUS INBOX.Gesendet (MESSAGES 0 UIDVALIDITY 6)\r\n% OK\r\n"});
    return out;
  }
  static std::vector<Scene> with(std::vector<Scene> a, std::vector<Scene> b) {
    for (auto& one : b) a.push_back(std::move(one));
    return a;
  }
  /// Imports from a server that plays these scenes.
  ImportReport run(std::vector<Scene> scenes) {
    auto pair = loop_.make_pair();
    mismatch_.clear();
    loop_.spawn(play(*pair.server, std::move(scenes), mismatch_));
    ImapServer server;
    server.user = "user";
    server.password = Secret("secret");
    auto connection = loop_.run(ImapConnection::adopt(std::move(pair.client), server));
    ImportReport report;
    if (connection) {
      const auto source = ImapSource::on(*std::move(connection), "host user");
      auto target = box(alice_);
      report = import(*source, target);
    } else {
      report.error = connection.error();
    }
    connection = fail(ErrorKind::closed, "");
    loop_.finish();
    EXPECT_EQ(mismatch_, "");
    return report;
  }
  static std::vector<Scene> inbox_scenes() {
    return {{"EXAMINE \"INBOX\"", "* 3 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n% OK [READ-ONLY]\r\n"},
            {"FETCH 1:3 (UID FLAGS INTERNALDATE RFC822.SIZE)",
             "* 1 FETCH (UID 4 FLAGS (\\Seen) INTERNALDATE \"02-Jan-2024 15:04:05 +0000\" RFC822.SIZE 12)\r\n"
             "* 2 FETCH (UID 6 FLAGS (work) INTERNALDATE \"02-Jan-2024 15:04:06 +0000\" RFC822.SIZE 12)\r\n"
             "* 1 FETCH (FLAGS ())\r\n* 3 FETCH (UID 9 FLAGS () INTERNALDATE \"02-Jan-2024 15:04:07 +0000\" RFC822.SIZE 12)\r\n% "
             "OK\r\n"}};
  }
  static std::vector<Scene> sent_scenes() {
    return {{"EXAMINE \"INBOX.Gesendet\"", "* 0 EXISTS\r\n* OK [UIDVALIDITY 6] x\r\n% OK\r\n"},
            {"LSUB \"\" \"*\"", "* LSUB () \".\" INBOX.Gesendet\r\n% OK\r\n"}};
  }
  std::string mismatch_;
};

TEST_F(Imap, MessagesComeInAnyOrderAndNotTwice) {
  const auto scenes =
      with(with(folder_scenes(), inbox_scenes()),
           {{"UID FETCH 4,6,9 (UID BODY.PEEK[])",
             "* 2 FETCH (BODY[] {14}\r\nSubject: 6\r\n\r\n UID 6)\r\n* 9 EXISTS\r\n* 1 FETCH (UID 4 FLAGS (\\Seen x))\r\n"
             "* 1 FETCH (UID 4 BODY[] \"Subject: 4\")\r\n* 3 FETCH (UID 9 BODY[] {14}\r\nSubject: 9\r\n\r\n)\r\n% OK\r\n"}});
  const auto report = run(with(scenes, sent_scenes()));
  ASSERT_FALSE(report.error) << report.error->text;
  EXPECT_EQ(report.total.added, 3u);
  const auto seen = mailbox(alice_, "INBOX");
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0], (Seen{"Subject: 6\r\n\r\n", 0, {"work"}, 1704207846}));
  EXPECT_EQ(seen[1], (Seen{"Subject: 4", flag::seen, {}, 1704207845}));
  EXPECT_EQ(report.folders.at(1).mailbox, "Sent");
  ASSERT_EQ(report.notes.size(), 1u);  // \All
  const auto again = run(with(with(folder_scenes(), inbox_scenes()), sent_scenes()));
  EXPECT_EQ(again.total.known, 3u);
  EXPECT_EQ(mailbox(alice_, "INBOX").size(), 3u);
}

TEST_F(Imap, WhatTheServerDoesNotGiveIsListed) {
  const auto report =
      run(with(with(with(folder_scenes(), inbox_scenes()),
                    {{"UID FETCH 4,6,9 (UID BODY.PEEK[])",
                      "* 1 FETCH (UID 4 BODY[] NIL)\r\n* 2 EXPUNGE\r\n* 2 FETCH (UID 9 BODY[] {1}\r\nx)\r\n% OK\r\n"}}),
               sent_scenes()));
  ASSERT_FALSE(report.error) << report.error->text;
  EXPECT_EQ(report.total.added, 1u);
  EXPECT_EQ(report.total.failed, 2u);
  EXPECT_EQ(report.failures.at(0).where, "INBOX, UID 4");
  EXPECT_NE(report.failures.at(1).what.find("vanished"), std::string::npos);
}

TEST_F(Imap, TwoMailboxesOfOneNameAreTwo) {
  run(with(with(folder_scenes(), inbox_scenes()),
           {{"UID FETCH 4,6,9 (UID BODY.PEEK[])",
             "* 1 FETCH (UID 4 BODY[] \"a\")\r\n* 2 FETCH (UID 6 BODY[] \"b\")\r\n* 3 FETCH (UID 9 BODY[] \"c\")\r\n% OK\r\n"},
            {"EXAMINE \"INBOX.Gesendet\"", "* 0 EXISTS\r\n* OK [UIDVALIDITY 6] x\r\n% OK\r\n"}}));
  EXPECT_EQ(mailbox(alice_, "INBOX").size(), 3u);
  // Made anew while we look: the UIDs mean something else.
  const auto report =
      run(with(folder_scenes(), {{"EXAMINE \"INBOX\"", "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n% OK\r\n"},
                                 {"EXAMINE \"INBOX.Gesendet\"", "* 0 EXISTS\r\n* OK [UIDVALIDITY 6] x\r\n% OK\r\n"},
                                 {"LSUB \"\" \"*\"", "% OK\r\n"}}));
  EXPECT_EQ(report.failures.size(), 1u);
}

TEST_F(Imap, LoginIsRefusedInTheServersWordsWithoutItsControlCharacters) {
  const auto report =
      run({{"CAPABILITY", "* CAPABILITY IMAP4rev1\r\n% OK\r\n"}, {"LOGIN \"user\" \"secret\"", "% NO \x1b[31mnever\r\n"}});
  ASSERT_TRUE(report.error);
  EXPECT_EQ(report.error->kind, ErrorKind::denied);
  EXPECT_NE(report.error->text.find("user cannot log in"), std::string::npos);
  EXPECT_NE(report.error->text.find("?[31mnever"), std::string::npos) << report.error->text;
}

TEST_F(Imap, WithoutInitialResponseThePasswordWaitsForTheChallenge) {
  const auto report = run({{"CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n% OK\r\n"},
                           {"AUTHENTICATE PLAIN", "+ \r\n"},
                           {"", ""},
                           {"AHVzZXIAc2VjcmV0", "p2 NO no\r\n"}});
  ASSERT_TRUE(report.error);
  EXPECT_EQ(report.error->kind, ErrorKind::denied);
}

TEST_F(Imap, NonsenseEndsTheImport) {
  const auto scenes = with(folder_scenes(), inbox_scenes());
  for (const std::string& nonsense :
       {std::string("* 1 FETCH (UID 77 BODY[] {1}\r\nx)\r\n"), std::string("* 1 FETCH (UID\r\n"), std::string("p99 OK\r\n"),
        std::string("* 1 FETCH (UID 4 ENVELOPE {70000}\r\n"), "* " + std::string(70'000, 'x') + "\r\n", std::string()}) {
    const auto report = run(with(scenes, {{"UID FETCH 4,6,9 (UID BODY.PEEK[])", nonsense}}));
    EXPECT_TRUE(report.error) << nonsense.substr(0, 60);
    EXPECT_EQ(report.total.added, 0u);
  }
  const auto list = run(with(entrance(), {{"NAMESPACE", "% NO\r\n"}}));
  EXPECT_TRUE(list.error);
}

TEST_F(Imap, RefusedGreetings) {
  for (const char* greeting : {"* BYE full\r\n", "* PREAUTH welcome\r\n", "220 smtp\r\n", ""}) {
    auto pair = loop_.make_pair();
    const auto greet = [](net::Connection& server, std::string text) -> async::Task<> {
      (void)co_await server.write(text);
      co_await server.close_gracefully();
    };
    loop_.spawn(greet(*pair.server, greeting));
    EXPECT_FALSE(loop_.run(ImapConnection::adopt(std::move(pair.client), {}))) << greeting;
    loop_.finish();
  }
}

TEST(ImapQuoted, OrRefused) {
  EXPECT_EQ(imap_quoted("a\"b\\c").value(), "\"a\\\"b\\\\c\"");
  for (const auto& bad : {std::string("a\r"), std::string("a\n"), std::string("a\0", 2), std::string("\xc3\xbc")})
    EXPECT_FALSE(imap_quoted(bad));
}

}  // namespace
}  // namespace postern::transfer::test
