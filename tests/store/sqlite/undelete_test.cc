// SPDX-License-Identifier: Apache-2.0
// Undelete: what comes back, where, how long it can, and what it must not touch.
#include "tests/store/sqlite/recovery_fixture.h"

namespace postern::store::test {

namespace {

class UndeleteTest : public RecoveryTest {
 protected:
  std::vector<ExpungedMessage> list(ExpungedChoice choice = {}) {
    choice.account = alice_;
    return must(recovery().list_expunged(std::move(choice), 1000));
  }
  Undeleted undelete(ExpungedChoice choice = {}, const std::string& into = {}) {
    choice.account = alice_;
    return must(recovery().undelete({std::move(choice), into}));
  }
};

TEST_F(UndeleteTest, BringsBackOctetsFlagsKeywordsAndDates) {
  fill("INBOX");
  const auto before = mail_in(session(), "INBOX");
  const auto watch = must(session().open(inbox(session()).id));
  expunge("INBOX", UidSet{{2, 3}});
  ASSERT_EQ(mail_in(session(), "INBOX").size(), 1u);
  const auto listed = list();
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].mailbox, "INBOX");
  EXPECT_EQ(listed[0].keywords, (std::vector<std::string>{"Work", "$Later"}));
  EXPECT_EQ(listed[0].envelope, "env");
  EXPECT_EQ(listed[0].internal_date, 1'600'000'002);
  EXPECT_EQ(undelete().messages, 2u);
  EXPECT_EQ(mail_in(session(), "INBOX"), before);
  EXPECT_EQ(watch->latest()->row(1).uid, 4u) << "a UID is never used again, and open sessions see the message";
  EXPECT_TRUE(list().empty());
  expect_sound();
}

TEST_F(UndeleteTest, ChoosesByIdByMailboxAndByTime) {
  must(session().create("Other", SpecialUse::none));
  append("INBOX", {message("a"), message("b")});
  append("Other", {message("c")});
  expunge("INBOX", UidSet{{1, 1}});
  real_.clock.advance(std::chrono::hours(1));
  const UnixTime later = real_.clock.unix_now();
  expunge("INBOX", UidSet{{2, 2}});
  expunge("Other", UidSet{{1, 1}});
  EXPECT_EQ(list().size(), 3u);
  EXPECT_EQ(list({.since = later}).size(), 2u);
  EXPECT_EQ(list({.mailbox = "inbox"}).size(), 2u);
  ExpungedChoice one;
  one.ids = {{inbox(session()).id, 1}};
  EXPECT_EQ(undelete(one, "Found/Again").mailboxes, std::vector<std::string>{"Found/Again"});
  EXPECT_EQ(mail_in(session(), "Found/Again").front().octets, "a");
  EXPECT_EQ(undelete({.mailbox = "Other", .since = later}).messages, 1u);
  EXPECT_EQ(list().size(), 1u);
  EXPECT_EQ(error_of(recovery().undelete({{.account = alice_, .mailbox = "Nowhere"}})), ErrorKind::not_found);
  expect_sound();
}

TEST_F(UndeleteTest, MakesARemovedMailboxAgain) {
  must(session().create("Work/2026", SpecialUse::none));
  fill("Work/2026");
  const auto before = mail_in(session(), "Work/2026");
  must(session().remove("Work/2026"));
  EXPECT_EQ(list().size(), 3u);
  EXPECT_TRUE(list().front().mailbox_removed);
  EXPECT_EQ(undelete({.mailbox = "Work/2026"}).messages, 3u);
  EXPECT_EQ(mail_in(session(), "Work/2026"), before);
  EXPECT_TRUE(list().empty());
  expect_sound();
}

TEST_F(UndeleteTest, MakesAnEmptyMailboxAgainWithItsUse) {
  must(session().remove("Sent"));
  EXPECT_EQ(undelete({.mailbox = "Sent"}).messages, 0u);
  EXPECT_EQ(must(session().status("Sent")).use, SpecialUse::sent);
  EXPECT_EQ(error_of(recovery().undelete({{.account = alice_, .mailbox = "Sent"}})), ErrorKind::not_found);
}

TEST_F(UndeleteTest, FollowsARenamedMailbox) {
  must(session().create("Old", SpecialUse::none));
  append("Old", {message("x", 0, {"kw"})});
  expunge("Old", UidSet::all());
  must(session().rename("Old", "New"));
  EXPECT_EQ(undelete().mailboxes, std::vector<std::string>{"New"});
  EXPECT_EQ(mail_in(session(), "New").front().keywords, std::vector<std::string>{"kw"});
}

TEST_F(UndeleteTest, KeepsTheMeaningOfAKeywordBit) {
  append("INBOX", {message("x", 0, {"mine"}), message("y")});
  expunge("INBOX", UidSet{{1, 1}});
  // All other bits are taken and let go; the one of the expunged message must not be given to another name.
  for (unsigned i = 0; i < 2 * flag::max_keywords; ++i) {
    const FlagChange change{FlagChange::Mode::replace, 0, {fmt::format("k{}", i)}, {}};
    must(session().store_flags(inbox(session()).id, UidSet{{2, 2}}, change));
  }
  undelete();
  EXPECT_EQ(mail_in(session(), "INBOX").back().keywords, std::vector<std::string>{"mine"});
}

TEST_F(UndeleteTest, DoesNotOfferWhatWasMoved) {
  append("INBOX", {message("x")});
  must(session().copy(inbox(session()).id, UidSet::all(), must(session().status("Trash")).id, CopyMode::move));
  EXPECT_TRUE(list().empty());
}

TEST_F(UndeleteTest, AsksTheQuotaUnlessForced) {
  const AccountId small = add_account(*store_, "bob@example.org", 10);
  const auto bob = store_->session(identity(small, "bob@example.org"));
  must(bob->append(inbox(*bob).id, {message("12345678")}));
  must(bob->expunge(inbox(*bob).id, UidSet::all(), ExpungeMode::any));
  EXPECT_EQ(store_->quota(small).used_bytes, 0u) << "expunged mail is outside the quota";
  must(bob->append(inbox(*bob).id, {message("12345")}));
  EXPECT_EQ(error_of(recovery().undelete({{.account = small}})), ErrorKind::over_quota);
  EXPECT_EQ(must(recovery().undelete({{.account = small}, {}, QuotaRule::ignore})).messages, 1u);
  EXPECT_EQ(store_->quota(small).used_bytes, 13u);
  expect_sound();
}

TEST_F(UndeleteTest, EndsWithTheWindow) {
  must(session().create("Gone", SpecialUse::none));
  append("INBOX", {message("x")});
  append("Gone", {message("y", 0, {"kw"})});
  expunge("INBOX", UidSet::all());
  must(session().remove("Gone"));
  real_.clock.advance(std::chrono::hours(24 * 13));
  must(store_->reap());
  EXPECT_EQ(list().size(), 2u);
  real_.clock.advance(std::chrono::hours(24 * 2));
  EXPECT_TRUE(list().empty()) << "before anything was reaped";
  must(store_->reap());
  EXPECT_EQ(error_of(recovery().undelete({{.account = alice_, .mailbox = "Gone"}})), ErrorKind::not_found);
  expect_sound();
}

TEST_F(UndeleteTest, LeavesRemovedAccountsAlone) {
  must(session().create("Gone", SpecialUse::none));
  append("Gone", {message("y")});
  must(session().remove("Gone"));
  const AccountId id = alice_;
  must(store_->accounts().remove_account(id));
  EXPECT_EQ(error_of(recovery().list_expunged({.account = id}, 10)), ErrorKind::not_found);
  EXPECT_EQ(error_of(recovery().undelete({{.account = id}})), ErrorKind::not_found);
  must(store_->reap());
  expect_sound();
}

}  // namespace

}  // namespace postern::store::test
