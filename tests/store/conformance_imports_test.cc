// SPDX-License-Identifier: Apache-2.0
// The journal of imports: no key twice, in the same unit as the message.
#include "tests/store/conformance.h"

namespace postern::store::test {
namespace {

class Imports : public Conformance {
 protected:
  static NewMessage marked(std::string body, std::string key, bool beyond_quota = false) {
    auto one = message(std::move(body));
    one.import = ImportMark{std::move(key), beyond_quota};
    return one;
  }
  Appended append(Session& session, MailboxId to, std::vector<NewMessage> messages) {
    return must(session.append(to, std::move(messages)));
  }
};

TEST_P(Imports, AKeyComesInOnce) {
  std::vector<NewMessage> first;
  first.push_back(marked("one", "k1"));
  first.push_back(message("by hand"));
  first.push_back(marked("two", std::string("k\0 2", 4)));
  EXPECT_EQ(append(alice(), inbox(), std::move(first)).uids.to_string(), "1:3");
  std::vector<NewMessage> second;
  second.push_back(marked("one", "k1"));
  second.push_back(marked("three", "k3"));
  second.push_back(marked("three again", "k3"));
  EXPECT_EQ(append(alice(), inbox(), std::move(second)).uids.to_string(), "4");
  EXPECT_EQ(body_of_message(inbox(), 4), "three");
  EXPECT_EQ(alice().quota().used_messages, 4u);
}

TEST_P(Imports, TheJournalKnowsWhatCameIn) {
  std::vector<NewMessage> some;
  some.push_back(marked("one", "k1"));
  some.push_back(marked("two", std::string("k\0 2", 4)));
  append(alice(), inbox(), std::move(some));
  const std::vector<bool> known{true, false, true, false};
  EXPECT_EQ(must(alice().imported({"k1", "K1", std::string("k\0 2", 4), "k"})), known);
  EXPECT_EQ(must(alice().imported({})), std::vector<bool>());
  EXPECT_EQ(must(session_of(bob_)->imported({"k1"})), std::vector<bool>{false});
  EXPECT_EQ(error_of(alice().imported(std::vector<std::string>(1001, "k"))), ErrorKind::limit);
}

TEST_P(Imports, ExpungedMessagesDoNotComeBack) {
  std::vector<NewMessage> one;
  one.push_back(marked("one", "k1"));
  append(alice(), inbox(), std::move(one));
  must(alice().expunge(inbox(), UidSet::all(), ExpungeMode::any));
  std::vector<NewMessage> again;
  again.push_back(marked("one", "k1"));
  EXPECT_TRUE(append(alice(), inbox(), std::move(again)).uids.empty());
  EXPECT_EQ(must(alice().imported({"k1"})), std::vector<bool>{true});
}

TEST_P(Imports, ARefusedAppendLeavesNoKeys) {
  const AccountId small = add_account(*store_, "small@example.org", 0, 1);
  const auto session = session_of(small);
  const MailboxId in = must(session->status("INBOX")).id;
  std::vector<NewMessage> two;
  two.push_back(marked("one", "k1"));
  two.push_back(marked("two", "k2"));
  EXPECT_EQ(error_of(session->append(in, std::move(two))), ErrorKind::over_quota);
  const std::vector<bool> none{false, false};
  EXPECT_EQ(must(session->imported({"k1", "k2"})), none);
  std::vector<NewMessage> beyond;
  beyond.push_back(marked("one", "k1", true));
  beyond.push_back(marked("two", "k2", true));
  EXPECT_EQ(append(*session, in, std::move(beyond)).uids.to_string(), "1:2");
  EXPECT_EQ(session->quota().used_messages, 2u);
}

TEST_P(Imports, TheJournalGoesWithItsAccount) {
  std::vector<NewMessage> one;
  one.push_back(marked("one", "k1"));
  append(alice(), inbox(), std::move(one));
  must(store_->accounts().remove_account(alice_));
  EXPECT_EQ(error_of(alice().imported({"k1"})), ErrorKind::not_found);
}

POSTERN_CONFORMANCE(Imports);

}  // namespace
}  // namespace postern::store::test
