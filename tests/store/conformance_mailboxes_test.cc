// SPDX-License-Identifier: Apache-2.0
#include "store/mailbox_name.h"
#include "tests/store/conformance.h"

namespace postern::store::test {

class Mailboxes : public Conformance {
 protected:
  std::string names() {
    std::string out;
    for (const auto& info : must(alice().list())) out += info.name + " ";
    return out;
  }
};

TEST_P(Mailboxes, EachAccountStartsWithTheStandardOnes) {
  EXPECT_EQ(names(), "INBOX Archive Drafts Junk Sent Trash ");
  EXPECT_EQ(must(alice().status("inbox")).name, "INBOX");
  EXPECT_EQ(must(alice().status("Junk")).use, SpecialUse::junk);
  EXPECT_EQ(must(alice().subscriptions()).size(), 6u);
  const auto info = must(alice().status("INBOX"));
  EXPECT_EQ(info.uidnext, 1u);
  EXPECT_GE(info.uidvalidity, 1'800'000'000u);
}

TEST_P(Mailboxes, CreateMakesParents) {
  const auto made = must(alice().create("a/b/c", SpecialUse::none));
  EXPECT_EQ(made.name, "a/b/c");
  EXPECT_EQ(must(alice().status("a/b")).messages, 0u);
  EXPECT_EQ(error_of(alice().create("a/b", SpecialUse::none)), ErrorKind::exists);
  EXPECT_EQ(error_of(alice().create("inbox", SpecialUse::none)), ErrorKind::exists);
  EXPECT_EQ(error_of(alice().create("a//b", SpecialUse::none)), ErrorKind::invalid);
  EXPECT_EQ(error_of(alice().create("1/2/3/4/5/6/7/8/9/10/11", SpecialUse::none)), ErrorKind::limit);
  EXPECT_EQ(must(alice().create("All", SpecialUse::all)).use, SpecialUse::all);
}

TEST_P(Mailboxes, RemoveLeavesChildrenAndNeverReusesIds) {
  const auto a = must(alice().create("a/b", SpecialUse::none));
  const auto watch = must(alice().open(a.id));
  must(alice().remove("a"));
  EXPECT_EQ(must(alice().status("a/b")).id, a.id);
  must(alice().remove("a/b"));
  EXPECT_EQ(watch->latest(), nullptr);
  EXPECT_EQ(error_of(alice().remove("a/b")), ErrorKind::not_found);
  EXPECT_EQ(error_of(alice().remove("INBOX")), ErrorKind::denied);
  const auto again = must(alice().create("a/b", SpecialUse::none));
  EXPECT_GT(again.id, a.id);
  EXPECT_GT(again.uidvalidity, a.uidvalidity);
  EXPECT_EQ(error_of(alice().open(a.id)), ErrorKind::not_found);
}

TEST_P(Mailboxes, FindFollowsNames) {
  const auto other = session_of(alice_);
  EXPECT_EQ(error_of(alice().find("Found")), ErrorKind::not_found);
  const auto first = must(other->create("Found", SpecialUse::none)).id;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(must(alice().find("Found")), first);
  must(other->rename("Found", "Gone"));
  EXPECT_EQ(error_of(alice().find("Found")), ErrorKind::not_found);
  EXPECT_EQ(must(alice().find("Gone")), first);
  must(other->rename("Gone", "Found"));
  EXPECT_EQ(must(alice().find("Found")), first);
  must(other->remove("Found"));
  EXPECT_EQ(error_of(alice().find("Found")), ErrorKind::not_found);
  EXPECT_GT(must(other->create("Found", SpecialUse::none)).id, first);
  EXPECT_GT(must(alice().find("Found")), first);
  must(other->rename("INBOX", "Old"));
  EXPECT_EQ(must(alice().find("INBOX")), inbox());
}

TEST_P(Mailboxes, RemoveFreesQuota) {
  const auto a = must(alice().create("a", SpecialUse::none));
  fill(a.id, 3);
  EXPECT_EQ(alice().quota().used_messages, 3u);
  must(alice().remove("a"));
  EXPECT_EQ(alice().quota().used_messages, 0u);
  EXPECT_EQ(alice().quota().used_bytes, 0u);
}

TEST_P(Mailboxes, RenameTakesChildrenAlong) {
  const auto a = must(alice().create("a/b", SpecialUse::none));
  must(alice().create("ab", SpecialUse::none));
  must(alice().rename("a", "x/y"));
  EXPECT_EQ(must(alice().status("x/y/b")).id, a.id);
  EXPECT_EQ(must(alice().status("x")).messages, 0u);
  EXPECT_EQ(error_of(alice().status("a")), ErrorKind::not_found);
  EXPECT_EQ(must(alice().status("ab")).name, "ab");
  EXPECT_EQ(error_of(alice().rename("x", "x/y/z")), ErrorKind::invalid);
  EXPECT_EQ(error_of(alice().rename("x", "Trash")), ErrorKind::exists);
  EXPECT_EQ(error_of(alice().rename("nowhere", "z")), ErrorKind::not_found);
  EXPECT_EQ(error_of(alice().rename("x", "1/2/3/4/5/6/7/8/9")), ErrorKind::limit);
  EXPECT_EQ(must(alice().status("x/y/b")).id, a.id);
  must(store_->accept(acceptance("m", {{alice_, "x/y/b", "", 0}})));
  EXPECT_EQ(must(alice().status("x/y/b")).messages, 1u);
}

// RFC 9051 §6.3.6
TEST_P(Mailboxes, RenamingInboxMovesItsMessages) {
  fill(inbox(), 2);
  must(alice().create("INBOX/sub", SpecialUse::none));
  must(alice().rename("INBOX", "old/mail"));
  EXPECT_EQ(must(alice().status("INBOX")).messages, 0u);
  EXPECT_EQ(must(alice().status("INBOX")).uidnext, 3u);
  EXPECT_EQ(must(alice().status("old/mail")).messages, 2u);
  EXPECT_EQ(must(alice().status("INBOX/sub")).messages, 0u);
  EXPECT_EQ(body_of_message(mailbox("old/mail"), 2), "body 2");
}

// RFC 9051 §6.3.7
TEST_P(Mailboxes, SubscriptionsOutliveMailboxes) {
  must(alice().create("list", SpecialUse::none));
  must(alice().subscribe("list", true));
  must(alice().subscribe("list", true));
  must(alice().subscribe("never/there", true));
  must(alice().subscribe("inbox", false));
  must(alice().remove("list"));
  std::string all;
  for (const auto& name : must(alice().subscriptions())) all += name + " ";
  EXPECT_EQ(all, "Archive Drafts Junk Sent Trash list never/there ");
  EXPECT_EQ(error_of(alice().subscribe("a//b", true)), ErrorKind::invalid);
}

// security.md D91
TEST_P(Mailboxes, AnotherAccountsAreNotThere) {
  fill(inbox(), 2);
  const auto bob = session_of(bob_);
  const MailboxId theirs = inbox();
  const MailboxId mine = must(bob->status("INBOX")).id;
  const UidSet one{{1, 1}};
  EXPECT_EQ(error_of(bob->open(theirs)), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob->take_recent(theirs)), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob->vanished_since(theirs, 0)), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob->info(theirs, one, meta_none)), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob->body(theirs, 1)), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob->store_flags(theirs, one, {FlagChange::Mode::add, flag::deleted, {}, {}})), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob->expunge(theirs, one, ExpungeMode::any)), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob->copy(theirs, one, mine, CopyMode::copy)), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob->copy(mine, one, theirs, CopyMode::move)), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob->append(theirs, {})), ErrorKind::not_found);
  // Also when it is cached because the owner has it open.
  const auto watch = must(alice().open(theirs));
  EXPECT_EQ(error_of(bob->open(theirs)), ErrorKind::not_found);
  EXPECT_EQ(must(alice().status("INBOX")).messages, 2u);
}

TEST_P(Mailboxes, AnAccountThatIsNotThereHasNothing) {
  const auto nobody = session_of(999);
  EXPECT_EQ(error_of(nobody->list()), ErrorKind::not_found);
  EXPECT_EQ(error_of(nobody->status("INBOX")), ErrorKind::not_found);
  EXPECT_EQ(error_of(nobody->create("a", SpecialUse::none)), ErrorKind::not_found);
  EXPECT_EQ(error_of(nobody->subscribe("a", true)), ErrorKind::not_found);
  EXPECT_EQ(error_of(nobody->subscriptions()), ErrorKind::not_found);
  EXPECT_EQ(nobody->quota().used_bytes, 0u);
}

POSTERN_CONFORMANCE(Mailboxes);

}  // namespace postern::store::test
