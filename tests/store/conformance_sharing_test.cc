// SPDX-License-Identifier: Apache-2.0
// Shared mailboxes: rights, names, flags that are one's own, annotations and feeds, for every implementation of the store.
#include "store/sharing.h"
#include "tests/store/conformance.h"

namespace postern::store::test {
namespace {

class SharingTest : public Conformance {
 protected:
  void SetUp() override {
    Conformance::SetUp();
    guest_ = session_of(bob_);
    projects_ = must(alice().create("Projects", SpecialUse::none)).id;
    fill(projects_, 3);
  }
  Session& bob() { return *guest_; }
  static Sharing& of(Session& session) { return sharing_of(session); }
  void share(const std::string& who, const std::string& rights) {
    must(of(alice()).set_acl(projects_, {AclChange::Mode::replace, who, *parse_rights(rights)}));
  }
  ErrorKind kind(Result<> result) { return result ? ErrorKind::internal : result.error().kind; }
  std::string flags_for(Session& session) {
    std::string out;
    const auto now = snapshot(session, projects_);
    for (std::size_t i = 0; i < now->size(); ++i) out += fmt::format("{}:{} ", now->row(i).uid, now->row(i).flags);
    return out;
  }
  static FlagChange add(std::uint64_t flags) { return {FlagChange::Mode::add, flags, {}, {}}; }

  std::unique_ptr<Session> guest_;
  MailboxId projects_ = 0;
};

TEST_P(SharingTest, WithoutARightNothingIsThere) {
  EXPECT_EQ(error_of(bob().status("Other Users/alice/Projects")), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob().open(projects_)), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob().info(projects_, UidSet::all(), meta_none)), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob().body(projects_, 1)), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob().expunge(projects_, UidSet::all(), ExpungeMode::any)), ErrorKind::not_found);
  EXPECT_EQ(error_of(of(bob()).grant(projects_)), ErrorKind::not_found);
  EXPECT_EQ(error_of(of(bob()).acl(projects_)), ErrorKind::not_found);
  EXPECT_TRUE(must(of(bob()).shared_with_me()).empty());
}

TEST_P(SharingTest, FindFollowsRights) {
  share("bob@example.org", "lr");
  EXPECT_EQ(must(bob().find("Other Users/alice/Projects")), projects_);
  share("bob@example.org", "");
  EXPECT_EQ(error_of(bob().find("Other Users/alice/Projects")), ErrorKind::not_found);
  share("bob@example.org", "lri");
  EXPECT_EQ(must(bob().find("Other Users/alice/Projects")), projects_);
  must(alice().rename("Projects", "Plans"));
  EXPECT_EQ(error_of(bob().find("Other Users/alice/Projects")), ErrorKind::not_found);
}

TEST_P(SharingTest, NamesOfOthers) {
  share("bob@example.org", "lr");
  const auto shared = must(of(bob()).shared_with_me());
  ASSERT_EQ(shared.size(), 1u);
  EXPECT_EQ(shared[0].name, "Other Users/alice/Projects");
  EXPECT_EQ(shared[0].messages, 3u);
  const auto info = must(bob().status("Other Users/alice/Projects"));
  EXPECT_EQ(info.id, projects_);
  EXPECT_EQ(info.name, "Other Users/alice/Projects");
  EXPECT_EQ(must(bob().status("Other Users/alice@example.org/Projects")).id, projects_);
  EXPECT_EQ(error_of(bob().status("Other Users/alice/INBOX")), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob().status("Other Users/alice")), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob().status("Other Users")), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob().status("Shared/alice/Projects")), ErrorKind::not_found);
  // In the own list nothing changes.
  for (const auto& one : must(bob().list())) EXPECT_EQ(one.name.find("alice"), std::string::npos);
}

TEST_P(SharingTest, EachCallAsksForItsRight) {
  share("bob", "l");
  EXPECT_EQ(must(bob().status("Other Users/alice/Projects")).messages, 0u);  // no counters without "r"
  EXPECT_EQ(error_of(bob().open(projects_)), ErrorKind::denied);
  EXPECT_EQ(error_of(bob().info(projects_, UidSet::all(), meta_none)), ErrorKind::denied);
  EXPECT_EQ(error_of(bob().read(projects_, UidSet::all(), {})), ErrorKind::denied);
  EXPECT_EQ(error_of(bob().vanished_since(projects_, 0)), ErrorKind::denied);
  share("bob", "lr");
  EXPECT_EQ(snapshot(bob(), projects_)->size(), 3u);
  EXPECT_EQ(read_all(*must(bob().body(projects_, 2))), "body 2");
  EXPECT_EQ(error_of(bob().store_flags(projects_, UidSet{{1, 1}}, add(flag::seen))), ErrorKind::denied);
  EXPECT_EQ(error_of(bob().expunge(projects_, UidSet::all(), ExpungeMode::any)), ErrorKind::denied);
  EXPECT_EQ(error_of(bob().append(projects_, {message("x")})), ErrorKind::denied);
  EXPECT_EQ(error_of(bob().remove("Other Users/alice/Projects")), ErrorKind::denied);
  EXPECT_EQ(error_of(bob().create("Other Users/alice/Projects/Sub", SpecialUse::none)), ErrorKind::denied);
  EXPECT_EQ(error_of(bob().rename("Other Users/alice/Projects", "Other Users/alice/P")), ErrorKind::denied);
  EXPECT_EQ(error_of(of(bob()).acl(projects_)), ErrorKind::denied);
  EXPECT_EQ(error_of(of(bob()).set_acl(projects_, {AclChange::Mode::add, "bob", right::all})), ErrorKind::denied);
  const auto own = must(bob().status("INBOX")).id;
  EXPECT_EQ(must(bob().copy(projects_, UidSet{{1, 2}}, own, CopyMode::copy)).to.count(), 2u);
  EXPECT_EQ(error_of(bob().copy(projects_, UidSet{{1, 2}}, own, CopyMode::move)), ErrorKind::denied);
  EXPECT_EQ(error_of(bob().copy(own, UidSet{{1, 2}}, projects_, CopyMode::copy)), ErrorKind::denied);
  share("bob", "lrite");
  EXPECT_EQ(must(bob().copy(own, UidSet{{1, 1}}, projects_, CopyMode::copy)).to, (UidSet{{4, 4}}));
  EXPECT_EQ(must(bob().copy(projects_, UidSet{{4, 4}}, own, CopyMode::move)).from, (UidSet{{4, 4}}));
  EXPECT_EQ(must(bob().expunge(projects_, UidSet{{3, 3}}, ExpungeMode::any)), (UidSet{{3, 3}}));
}

TEST_P(SharingTest, FlagsThatOneMaySet) {
  share("bob", "lrs");
  must(bob().store_flags(projects_, UidSet{{1, 1}}, add(flag::seen | flag::flagged | flag::deleted)));
  EXPECT_EQ(flags_for(alice()), "1:1 2:0 3:0 ");
  must(alice().store_flags(projects_, UidSet{{1, 1}}, add(flag::flagged)));
  // A replacement leaves what may not be changed.
  must(bob().store_flags(projects_, UidSet{{1, 1}}, {FlagChange::Mode::replace, 0, {"Work"}, {}}));
  EXPECT_EQ(flags_for(alice()), "1:4 2:0 3:0 ");
  share("bob", "lrit");
  const auto uid = must(bob().append(projects_, {message("x", flag::seen | flag::deleted | flag::draft, {"Work"})})).uids;
  EXPECT_EQ(uid, (UidSet{{4, 4}}));
  EXPECT_EQ(flags_for(alice()), "1:4 2:0 3:0 4:8 ");
  EXPECT_TRUE(snapshot(alice(), projects_)->keywords.empty());
  const auto own = must(bob().status("INBOX")).id;
  must(bob().append(own, {message("y", flag::seen | flag::flagged, {"Mine"})}));
  must(bob().copy(own, UidSet{{1, 1}}, projects_, CopyMode::copy));
  EXPECT_EQ(flags_for(alice()), "1:4 2:0 3:0 4:8 5:0 ");
}

TEST_P(SharingTest, EverybodysOwnSeen) {
  share("bob", "lrswi");
  must(alice().store_flags(projects_, UidSet{{1, 2}}, add(flag::seen)));
  must(of(alice()).set_seen_each(projects_, true));
  EXPECT_EQ(flags_for(alice()), "1:1 2:1 3:0 ");
  EXPECT_EQ(flags_for(bob()), "1:0 2:0 3:0 ");
  const auto watch = must(bob().open(projects_));
  const auto before = watch->latest()->highest;
  const auto changed = must(bob().store_flags(projects_, UidSet{{2, 3}}, add(flag::seen | flag::flagged)));
  EXPECT_EQ(changed.changed, (UidSet{{2, 3}}));
  EXPECT_GT(changed.modseq, before);
  EXPECT_EQ(watch->latest()->row(2).modseq, changed.modseq);
  EXPECT_EQ(flags_for(bob()), "1:0 2:5 3:5 ");
  EXPECT_EQ(flags_for(alice()), "1:1 2:5 3:4 ");
  EXPECT_EQ(must(bob().status("Other Users/alice/Projects")).unseen, 1u);
  EXPECT_EQ(must(alice().status("Projects")).unseen, 1u);
  must(bob().store_flags(projects_, UidSet{{2, 2}}, {FlagChange::Mode::remove, flag::seen, {}, {}}));
  EXPECT_EQ(flags_for(bob()), "1:0 2:4 3:5 ");
  EXPECT_EQ(flags_for(alice()), "1:1 2:5 3:4 ");
  // What one has seen goes along with copies, both ways.
  const auto own = must(bob().status("INBOX")).id;
  must(bob().copy(projects_, UidSet{{1, 3}}, own, CopyMode::copy));
  EXPECT_EQ(snapshot(bob(), own)->row(0).flags, 0u);
  EXPECT_EQ(snapshot(bob(), own)->row(2).flags, flag::seen | flag::flagged);
  must(bob().copy(own, UidSet{{3, 3}}, projects_, CopyMode::copy));
  EXPECT_EQ(flags_for(bob()), "1:0 2:4 3:5 4:5 ");
  EXPECT_EQ(flags_for(alice()), "1:1 2:5 3:4 4:4 ");
  must(bob().append(projects_, {message("z", flag::seen)}));
  EXPECT_EQ(flags_for(bob()), "1:0 2:4 3:5 4:5 5:1 ");
  EXPECT_EQ(flags_for(alice()), "1:1 2:5 3:4 4:4 5:0 ");
}

TEST_P(SharingTest, ARightThatIsTakenEndsWhatIsOpen) {
  share("bob", "lr");
  const auto watch = must(bob().open(projects_));
  ASSERT_NE(watch->latest(), nullptr);
  const auto seen = watch->event().sequence();
  share("bob", "l");
  EXPECT_EQ(watch->latest(), nullptr);
  EXPECT_GT(watch->event().sequence(), seen);
  share("bob", "lr");
  EXPECT_EQ(watch->latest(), nullptr);
  EXPECT_EQ(snapshot(bob(), projects_)->size(), 3u);
}

TEST_P(SharingTest, GroupsAndEverybody) {
  must(store_->accounts().set_group({.name = "sales", .members = {bob_}}));
  share("group:sales", "lr");
  const auto watch = must(bob().open(projects_));
  EXPECT_NE(watch->latest(), nullptr);
  must(store_->accounts().set_group({.name = "sales", .members = {}}));
  EXPECT_EQ(watch->latest(), nullptr);
  EXPECT_EQ(error_of(bob().open(projects_)), ErrorKind::not_found);
  share("anyone", "l");
  share("bob", "r");
  EXPECT_EQ(must(of(bob()).grant(projects_)).rights, right::lookup | right::read);
  const std::vector<AclEntry> expected{{"alice@example.org", right::all},
                                       {"anyone", right::lookup},
                                       {"group:sales", right::lookup | right::read},
                                       {"bob@example.org", right::read}};
  EXPECT_EQ(must(of(alice()).acl(projects_)), expected);
  must(store_->accounts().remove_group("sales"));
  EXPECT_EQ(must(of(alice()).acl(projects_)).size(), 3u);
  must(of(alice()).set_acl(projects_, {AclChange::Mode::remove, "anyone", right::all}));
  EXPECT_EQ(must(of(alice()).acl(projects_)).size(), 2u);
  for (const std::string who : {"nobody@example.org", "group:none", "group:", "-bob", "alice", ""}) {
    EXPECT_EQ(error_of(of(alice()).set_acl(projects_, {AclChange::Mode::replace, who, right::read})), ErrorKind::invalid) << who;
  }
}

TEST_P(SharingTest, NamesBelowASharedMailbox) {
  share("bob", "lrkx");
  const auto made = must(bob().create("Other Users/alice/Projects/One/Two", SpecialUse::none));
  EXPECT_EQ(made.name, "Other Users/alice/Projects/One/Two");
  EXPECT_EQ(must(alice().status("Projects/One/Two")).id, made.id);
  EXPECT_EQ(must(of(bob()).shared_with_me()).size(), 3u);
  must(bob().rename("Other Users/alice/Projects/One", "Other Users/alice/Projects/Uno"));
  EXPECT_EQ(must(alice().status("Projects/Uno/Two")).id, made.id);
  EXPECT_EQ(error_of(bob().rename("Other Users/alice/Projects/Uno", "Mine")), ErrorKind::denied);
  EXPECT_EQ(error_of(bob().rename("Other Users/alice/Projects/Uno", "Other Users/alice/Uno")), ErrorKind::denied);
  must(bob().remove("Other Users/alice/Projects/Uno/Two"));
  EXPECT_EQ(error_of(alice().status("Projects/Uno/Two")), ErrorKind::not_found);
  EXPECT_EQ(error_of(bob().create("Other Users/alice/New", SpecialUse::none)), ErrorKind::denied);
  EXPECT_EQ(error_of(bob().create("Other Users/nobody/New", SpecialUse::none)), ErrorKind::denied);
  EXPECT_EQ(error_of(bob().create("Shared/new", SpecialUse::none)), ErrorKind::denied);
}

TEST_P(SharingTest, ATeamIsShared) {
  const auto info = add_account(*store_, "info@example.org");
  must(store_->accounts().set_account({.id = info, .login = "info@example.org", .settings = {{"team", "on"}}}));
  const auto team = session_of(info);
  const auto inbox = must(team->status("INBOX")).id;
  must(of(*team).set_acl(inbox, {AclChange::Mode::replace, "bob", *parse_rights("lrswitek")}));
  must(store_->accept(acceptance("for all of us", {{.account = info}})));
  EXPECT_EQ(must(bob().status("Shared/info")).messages, 1u);
  EXPECT_EQ(must(bob().status("Shared/info")).id, inbox);
  EXPECT_EQ(must(of(bob()).shared_with_me()).at(0).name, "Shared/info");
  EXPECT_EQ(must(bob().create("Shared/info/Done", SpecialUse::none)).name, "Shared/info/Done");
  EXPECT_EQ(must(team->status("Done")).messages, 0u);
  // The owner's quota counts.
  EXPECT_EQ(store_->quota(info).used_messages, 1u);
  must(bob().append(inbox, {message("answer")}));
  EXPECT_EQ(store_->quota(info).used_messages, 2u);
  EXPECT_EQ(store_->quota(bob_).used_messages, 0u);
}

TEST_P(SharingTest, NewMailboxesHaveKeyedUniqueIds) { EXPECT_EQ(must(of(alice()).old_unique_ids_below(projects_)), 0u); }

TEST_P(SharingTest, WhatGoesTakesItsRightsAlong) {
  share("bob", "lr");
  must(alice().remove("Projects"));
  EXPECT_TRUE(must(of(bob()).shared_with_me()).empty());
  EXPECT_EQ(error_of(bob().open(projects_)), ErrorKind::not_found);
}

TEST_P(SharingTest, Annotations) {
  share("bob", "lr");
  must(of(alice()).annotate(projects_, {{"/private/Comment", "mine"}, {"/shared/comment", "ours"}}));
  must(of(bob()).annotate(projects_, {{"/private/comment", "bob's"}}));
  auto entries = [&](Session& session, MailboxId mailbox) {
    std::string out;
    for (const auto& one : must(of(session).annotations(mailbox))) out += one.entry + "=" + *one.value + " ";
    return out;
  };
  EXPECT_EQ(entries(alice(), projects_), "/private/comment=mine /shared/comment=ours ");
  EXPECT_EQ(entries(bob(), projects_), "/private/comment=bob's /shared/comment=ours ");
  must(alice().rename("Projects", "Elsewhere"));
  EXPECT_EQ(entries(alice(), projects_), "/private/comment=mine /shared/comment=ours ");
  must(of(alice()).annotate(projects_, {{"/private/comment", {}}}));
  EXPECT_EQ(entries(alice(), projects_), "/shared/comment=ours ");
  must(of(alice()).annotate(0, {{"/private/x", "server"}}));
  EXPECT_EQ(entries(alice(), 0), "/private/x=server ");
  EXPECT_EQ(entries(bob(), 0), "");
  EXPECT_EQ(error_of(of(alice()).annotate(0, {{"/shared/comment", "x"}})), ErrorKind::denied);
  for (const std::string entry :
       {"comment", "/comment", "/private/", "/private//x", "/private/*", "/private/%", "/private/a\tb"}) {
    EXPECT_EQ(error_of(of(alice()).annotate(projects_, {{entry, "x"}})), ErrorKind::invalid) << entry;
  }
  EXPECT_EQ(error_of(of(alice()).annotate(projects_, {{"/private/a", std::string(max_annotation_octets + 1, 'x')}})),
            ErrorKind::too_large);
  std::vector<Annotation> many;
  for (std::size_t i = 0; i <= max_annotations; ++i) many.push_back({"/private/n" + std::to_string(i), "x"});
  EXPECT_EQ(error_of(of(alice()).annotate(projects_, many)), ErrorKind::limit);
  EXPECT_EQ(entries(alice(), projects_), "/shared/comment=ours ");
}

TEST_P(SharingTest, FeedsTellOfEveryChange) {
  const auto feed = of(alice()).feed();
  auto told = [&, seen = feed->event().sequence()]() mutable {
    const auto now = feed->event().sequence();
    return std::exchange(seen, now) != now;
  };
  auto restructured = [&, seen = feed->structure()]() mutable {
    const auto now = feed->structure();
    return std::exchange(seen, now) != now;
  };
  EXPECT_FALSE(told());
  fill(projects_, 1);
  EXPECT_TRUE(told());
  EXPECT_FALSE(restructured());
  must(alice().subscribe("Projects", true));
  EXPECT_TRUE(told());
  EXPECT_TRUE(restructured());
  must(alice().rename("Projects", "Work"));
  EXPECT_TRUE(told());
  EXPECT_TRUE(restructured());
  must(of(alice()).annotate(projects_, {{"/private/comment", "x"}}));
  EXPECT_TRUE(told());
  EXPECT_TRUE(restructured());
  must(bob().append(must(bob().status("INBOX")).id, {message("other")}));
  EXPECT_FALSE(told());
  feed->follow({bob_});
  must(bob().append(must(bob().status("INBOX")).id, {message("other")}));
  EXPECT_TRUE(told());
}

TEST(Rights, Text) {
  EXPECT_EQ(rights_text(right::all), "lrswipkxtea");
  EXPECT_EQ(rights_text(*parse_rights("ea")), "ea");
  EXPECT_EQ(rights_text(*parse_rights("cd")), "kxte");
  EXPECT_EQ(parse_rights("lq").error().kind, ErrorKind::invalid);
  EXPECT_EQ(*parse_rights(""), 0u);
}

POSTERN_CONFORMANCE(SharingTest);

}  // namespace
}  // namespace postern::store::test
