// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <random>

#include "store/particulars.h"
#include "tests/store/conformance.h"

namespace postern::store::test {

class Messages : public Conformance {
 protected:
  FlagResult set(MailboxId mailbox, UidSet uids, FlagChange change) {
    return must(alice().store_flags(mailbox, std::move(uids), std::move(change)));
  }
};

TEST_P(Messages, AppendGivesUidsInOrder) {
  const auto before = must(alice().status("Drafts"));
  auto one = message("first", flag::draft | flag::seen, {"work"});
  one.internal_date = 12345;
  std::vector<NewMessage> two;
  two.push_back(std::move(one));
  two.push_back(message("second"));
  const auto done = must(alice().append(before.id, std::move(two)));
  EXPECT_EQ(done.uidvalidity, before.uidvalidity);
  EXPECT_EQ(done.uids.to_string(), "1:2");
  const auto now = must(alice().status("Drafts"));
  EXPECT_EQ(now.messages, 2u);
  EXPECT_EQ(now.unseen, 1u);
  EXPECT_EQ(now.recent, 2u);
  EXPECT_EQ(now.bytes, 11u);
  EXPECT_EQ(now.uidnext, 3u);
  EXPECT_GT(now.highest, before.highest);
  const auto rows = snapshot(alice(), before.id);
  EXPECT_EQ(rows->keywords, (std::vector<std::string>{"work"}));
  EXPECT_EQ(flags_of(before.id), fmt::format("1:{} 2:0 ", flag::draft | flag::seen | 256));
  EXPECT_EQ(rows->row(0).size_hint, 5u);
  const auto info = must(alice().info(before.id, UidSet::all(), static_cast<MetaFields>(meta_envelope | meta_parts)));
  ASSERT_EQ(info.size(), 2u);
  EXPECT_EQ(info[0].internal_date, 12345);
  EXPECT_EQ(info[0].meta.envelope, "env");
  EXPECT_EQ(info[0].meta.bodystructure, "");
  EXPECT_EQ(info[1].meta.parts, "parts");
  EXPECT_EQ(body_of_message(before.id, 2), "second");
}

TEST_P(Messages, AppendOfNothingAndOfEmptyBodies) {
  EXPECT_TRUE(must(alice().append(inbox(), {})).uids.empty());
  std::vector<NewMessage> one;
  one.push_back(message(""));
  must(alice().append(inbox(), std::move(one)));
  EXPECT_EQ(body_of_message(inbox(), 1), "");
}

TEST_P(Messages, AppendIsAllOrNothing) {
  std::vector<NewMessage> two;
  two.push_back(message("fits"));
  two.push_back(message("does not", 0, {""}));
  EXPECT_EQ(error_of(alice().append(inbox(), std::move(two))), ErrorKind::invalid);
  EXPECT_EQ(must(alice().status("INBOX")).messages, 0u);
  EXPECT_EQ(must(alice().status("INBOX")).uidnext, 1u);
}

TEST_P(Messages, LargeBodiesAreReadInPieces) {
  std::string big;
  while (big.size() < 3'000'000) big += "line " + std::to_string(big.size()) + "\r\n";
  const auto spool = store_->spool();
  for (std::size_t at = 0; at < big.size(); at += 100'000) ASSERT_TRUE(spool->write(std::string_view(big).substr(at, 100'000)));
  const auto body = spool->finish().value();
  Acceptance work{body, {}, 1, {{alice_, "INBOX", "Prefix: yes\r\n", 0}, {bob_, "INBOX", "", 0}}, std::nullopt};
  must(store_->accept(work));
  must(store_->accept(work));  // the same body again
  EXPECT_EQ(body_of_message(inbox(), 1), "Prefix: yes\r\n" + big);
  EXPECT_EQ(body_of_message(inbox(), 2), "Prefix: yes\r\n" + big);
  std::vector<NewMessage> one;
  one.push_back(message(big));
  must(alice().append(mailbox("Archive"), std::move(one)));
  EXPECT_EQ(body_of_message(mailbox("Archive"), 1), big);
  EXPECT_EQ(must(must(alice().body(inbox(), 1))->read(5'000'000, 10)), "");
}

TEST_P(Messages, ReadGivesManyMessagesAtOnce) {
  must(store_->accept(acceptance("first body", {{alice_, "INBOX", "Prefix: 1\r\n", 0}})));
  fill(inbox(), 3);
  const auto all = must(alice().read(inbox(), UidSet::all(), {}));
  ASSERT_EQ(all.texts.size(), 4u);
  EXPECT_EQ(all.through, UINT32_MAX);
  EXPECT_EQ(all.texts[0].uid, 1u);
  EXPECT_EQ(all.texts[0].octets, "Prefix: 1\r\nfirst body");
  EXPECT_EQ(all.texts[3].octets, "body 3");
  EXPECT_EQ(all.texts[3].size, 6u);
  const auto some = must(alice().read(inbox(), UidSet{{2, 2}, {4, 9}}, {}));
  ASSERT_EQ(some.texts.size(), 2u);
  EXPECT_EQ(some.texts[0].octets, "body 1");
  EXPECT_EQ(some.texts[1].uid, 4u);
  EXPECT_TRUE(must(alice().read(inbox(), {}, {})).texts.empty());
  EXPECT_TRUE(must(alice().read(inbox(), UidSet{{100, 200}}, {})).texts.empty());
  EXPECT_EQ(error_of(session_of(bob_)->read(inbox(), UidSet::all(), {})), ErrorKind::not_found);
}

TEST_P(Messages, ReadKeepsItsLimits) {
  must(store_->accept(acceptance("0123456789", {{alice_, "INBOX", "P:\r\n", 0}})));
  fill(inbox(), 3);
  for (const auto& [most, want] : {std::pair{3, "P:\r"}, {4, "P:\r\n"}, {6, "P:\r\n01"}, {14, "P:\r\n0123456789"}, {0, ""}}) {
    const auto cut = must(alice().read(inbox(), UidSet{{1, 1}}, {.per_message = static_cast<std::uint64_t>(most)}));
    ASSERT_EQ(cut.texts.size(), 1u);
    EXPECT_EQ(cut.texts[0].octets, want);
    EXPECT_EQ(cut.texts[0].size, 14u);
  }
  // One call after the other until all are read: each gives at least one message.
  std::string seen;
  UidSet left = UidSet::all();
  for (int calls = 0; calls < 10; ++calls) {
    const auto part = must(alice().read(inbox(), left, {.total = 15}));
    for (const auto& text : part.texts) seen += std::to_string(text.uid) + ",";
    if (part.through == UINT32_MAX) break;
    seen += "|";
    left = left.minus(UidSet{{1, part.through}});
  }
  EXPECT_EQ(seen, "1,2,|3,4,");
}

TEST_P(Messages, ReadFindsExpungedMessagesAndSkipsDeadOnes) {
  fill(inbox(), 5);
  must(alice().expunge(inbox(), UidSet{{2, 2}, {4, 5}}, ExpungeMode::any));
  const auto texts = must(alice().read(inbox(), UidSet::all(), {})).texts;
  ASSERT_EQ(texts.size(), 5u);
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(texts[i].octets, "body " + std::to_string(i + 1));
  real_.clock.advance(std::chrono::hours(24 * 15));
  EXPECT_EQ(must(alice().read(inbox(), UidSet::all(), {})).texts.size(), 2u);
}

TEST_P(Messages, AcceptIsOneUnitForAllRecipients) {
  auto work = acceptance("hello", {{alice_, "INBOX", "Delivered-To: alice\r\n", 0}, {bob_, "Junk/Bulk", "", flag::seen}});
  work.enqueue = QueueEntry{};
  work.enqueue->recipients = {recipient("x@elsewhere.example", 0)};
  const auto done = must(store_->accept(std::move(work)));
  ASSERT_EQ(done.delivered.size(), 2u);
  EXPECT_EQ(done.delivered[0].mailbox, inbox());
  EXPECT_EQ(done.delivered[1].uid, 1u);
  EXPECT_TRUE(done.queued.has_value());
  const auto info = must(alice().info(inbox(), UidSet::all(), meta_none));
  EXPECT_EQ(info.at(0).size, 26u);
  EXPECT_EQ(info.at(0).prefix_size, 21u);
  EXPECT_EQ(body_of_message(inbox(), 1), "Delivered-To: alice\r\nhello");
  const auto bob = session_of(bob_);
  const auto bulk = must(bob->status("Junk/Bulk"));
  EXPECT_EQ(bulk.unseen, 0u);
  EXPECT_EQ(read_all(*must(bob->body(bulk.id, 1))), "hello");
}

TEST_P(Messages, AcceptRefusesAsAWhole) {
  const AccountId small = add_account(*store_, "small@example.org", 10);
  auto over = wait(store_->accept(acceptance("0123456789a", {{alice_, "INBOX", "", 0}, {small, "INBOX", "", 0}})));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind, ErrorKind::over_quota);
  EXPECT_NE(over.error().text.find("small@example.org"), std::string::npos);
  EXPECT_EQ(must(alice().status("INBOX")).messages, 0u);
  EXPECT_EQ(error_of(store_->accept(acceptance("m", {{alice_, "INBOX", "", 0}, {999, "INBOX", "", 0}}))), ErrorKind::not_found);
  EXPECT_EQ(error_of(store_->accept(acceptance("m", {{alice_, "INBOX", "", 0}, {alice_, "a//b", "", 0}}))), ErrorKind::invalid);
  EXPECT_EQ(must(alice().status("INBOX")).messages, 0u);
  must(store_->accept(acceptance("0123456789", {{small, "INBOX", "", 0}})));
  EXPECT_EQ(store_->quota(small).used_bytes, 10u);
  EXPECT_EQ(error_of(store_->accept(acceptance("1", {{small, "INBOX", "", 0}}))), ErrorKind::over_quota);
  // Twice to one account counts twice.
  const AccountId pair = add_account(*store_, "pair@example.org", 0, 1);
  EXPECT_EQ(error_of(store_->accept(acceptance("m", {{pair, "INBOX", "", 0}, {pair, "Junk", "", 0}}))), ErrorKind::over_quota);
}

TEST_P(Messages, QuotasHoldForAppendAndCopyNotForMove) {
  const AccountId small = add_account(*store_, "small@example.org", 0, 3);
  const auto session = session_of(small);
  const MailboxId in = must(session->status("INBOX")).id;
  const MailboxId trash = must(session->status("Trash")).id;
  std::vector<NewMessage> two;
  two.push_back(message("a"));
  two.push_back(message("b"));
  must(session->append(in, std::move(two)));
  EXPECT_EQ(error_of(session->copy(in, UidSet::all(), trash, CopyMode::copy)), ErrorKind::over_quota);
  must(session->copy(in, UidSet{{1, 1}}, trash, CopyMode::copy));
  EXPECT_EQ(must(session->copy(in, UidSet::all(), trash, CopyMode::move)).to.to_string(), "2:3");
  std::vector<NewMessage> one;
  one.push_back(message("c"));
  EXPECT_EQ(error_of(session->append(in, std::move(one))), ErrorKind::over_quota);
  EXPECT_EQ(session->quota().used_messages, 3u);
  EXPECT_EQ(session->quota().limit_messages, 3u);
}

TEST_P(Messages, FlagsAddRemoveReplace) {
  fill(inbox(), 3);
  const auto before = must(alice().status("INBOX"));
  const auto added = set(inbox(), UidSet{{1, 2}}, {FlagChange::Mode::add, flag::seen, {"Work"}, {}});
  EXPECT_EQ(added.changed.to_string(), "1:2");
  EXPECT_GT(added.modseq, before.highest);
  EXPECT_EQ(flags_of(inbox()), "1:257 2:257 3:0 ");
  set(inbox(), UidSet{{2, 3}}, {FlagChange::Mode::replace, flag::deleted, {}, {}});
  EXPECT_EQ(flags_of(inbox()), "1:257 2:8 3:8 ");
  set(inbox(), UidSet::all(), {FlagChange::Mode::remove, flag::deleted, {"WORK", "unknown"}, {}});
  EXPECT_EQ(flags_of(inbox()), "1:1 2:0 3:0 ");
  const auto now = must(alice().status("INBOX"));
  EXPECT_EQ(now.unseen, 2u);
  EXPECT_EQ(now.deleted, 0u);
  EXPECT_EQ(snapshot(alice(), inbox())->keywords, (std::vector<std::string>{"Work"}));
  // What is so already keeps its mod-sequence.
  const auto same = set(inbox(), UidSet{{1, 1}}, {FlagChange::Mode::add, flag::seen, {}, {}});
  EXPECT_EQ(same.changed.to_string(), "1");
  EXPECT_EQ(same.modseq, now.highest);
  EXPECT_EQ(must(alice().status("INBOX")).highest, now.highest);
  EXPECT_TRUE(set(inbox(), UidSet{{77, 99}}, {FlagChange::Mode::add, flag::seen, {}, {}}).changed.empty());
}

// RFC 7162 §3.1.3
TEST_P(Messages, UnchangedSinceRefusesNewerRows) {
  fill(inbox(), 3);
  const auto first = set(inbox(), UidSet{{2, 2}}, {FlagChange::Mode::add, flag::seen, {}, {}});
  const auto result = set(inbox(), UidSet::all(), {FlagChange::Mode::add, flag::flagged, {}, first.modseq - 1});
  EXPECT_EQ(result.modified.to_string(), "2");
  EXPECT_EQ(result.changed.to_string(), "1,3");
  EXPECT_EQ(flags_of(inbox()), "1:4 2:1 3:4 ");
  EXPECT_EQ(set(inbox(), UidSet{{1, 1}}, {FlagChange::Mode::add, flag::draft, {}, 0}).modified.to_string(), "1");
}

/// Random changes of random ranges against a map: flags, counters, what is answered, and who gets a new mod-sequence.
TEST_P(Messages, FlagsOfManyRangesAgreeWithAModel) {
  std::mt19937 random(7);
  fill(inbox(), 120);
  must(alice().expunge(inbox(), UidSet{{31, 40}}, ExpungeMode::any));
  std::map<Uid, Row> model;
  for (Uid uid = 1; uid <= 120; ++uid) {
    if (uid < 31 || uid > 40) model[uid] = Row{uid, 0, 0, 0};
  }
  for (int round = 0; round < 60; ++round) {
    UidSet uids;
    for (int n = 0; n < 4; ++n) {
      const auto lo = static_cast<Uid>(1 + random() % 130);
      uids.add(UidRange{lo, lo + static_cast<Uid>(random() % 30)});
    }
    const auto before = must(alice().status("INBOX"));
    FlagChange change{random() % 2 != 0 ? FlagChange::Mode::add : FlagChange::Mode::remove, random() % 16, {}, {}};
    if (random() % 3 == 0) change.unchanged_since = before.highest - std::min<ModSeq>(before.highest, random() % 4);
    const auto result = set(inbox(), uids, change);
    bool any = false;
    std::uint64_t unseen = 0;
    for (auto& [uid, row] : model) {
      const bool newer = change.unchanged_since && round > 0 && row.modseq > *change.unchanged_since;
      ASSERT_EQ(result.changed.contains(uid), uids.contains(uid) && !result.modified.contains(uid)) << uid;
      if (row.modseq != 0) ASSERT_EQ(result.modified.contains(uid), uids.contains(uid) && newer) << uid;
      if (result.changed.contains(uid)) {
        const auto flags = change.mode == FlagChange::Mode::add ? row.flags | change.system : row.flags & ~change.system;
        any = any || flags != row.flags;
        if (flags != row.flags) row.modseq = result.modseq;
        row.flags = flags;
      }
      unseen += (row.flags & flag::seen) == 0 ? 1 : 0;
    }
    const auto now = must(alice().status("INBOX"));
    ASSERT_EQ(now.highest, before.highest + (any ? 1 : 0));
    ASSERT_EQ(now.unseen, unseen);
    const auto rows = snapshot(alice(), inbox());
    ASSERT_EQ(rows->size(), model.size());
    for (const auto& [uid, row] : model) {
      const auto& there = rows->row(*rows->index_of(uid));
      ASSERT_EQ(there.flags, row.flags) << uid;
      if (row.modseq != 0) ASSERT_EQ(there.modseq, row.modseq) << uid;
    }
  }
}

TEST_P(Messages, FiftyFiveKeywordsAndAFreedOne) {
  fill(inbox(), 2);
  std::vector<std::string> all;
  for (int i = 0; i < 55; ++i) all.push_back("k" + std::to_string(i));
  set(inbox(), UidSet{{1, 1}}, {FlagChange::Mode::add, 0, all, {}});
  EXPECT_EQ(error_of(alice().store_flags(inbox(), UidSet::all(), {FlagChange::Mode::add, flag::seen, {"one more"}, {}})),
            ErrorKind::limit);
  EXPECT_EQ(must(alice().status("INBOX")).unseen, 2u);
  set(inbox(), UidSet{{1, 1}}, {FlagChange::Mode::remove, 0, {"k3"}, {}});
  set(inbox(), UidSet{{2, 2}}, {FlagChange::Mode::add, 0, {"one more"}, {}});
  const auto now = snapshot(alice(), inbox());
  EXPECT_EQ(now->keywords.size(), 55u);
  EXPECT_EQ(now->keywords[3], "one more");
  EXPECT_EQ(now->keywords[54], "k54");
}

TEST_P(Messages, ExpungeAndWhatVanished) {
  fill(inbox(), 5);
  const auto before = must(alice().status("INBOX"));
  set(inbox(), UidSet{{2, 3}}, {FlagChange::Mode::add, flag::deleted, {}, {}});
  EXPECT_EQ(must(alice().expunge(inbox(), UidSet{{1, 2}}, ExpungeMode::marked_deleted)).to_string(), "2");
  EXPECT_EQ(must(alice().expunge(inbox(), UidSet::all(), ExpungeMode::marked_deleted)).to_string(), "3");
  const auto middle = must(alice().status("INBOX"));
  EXPECT_EQ(must(alice().expunge(inbox(), UidSet{{5, 9}}, ExpungeMode::any)).to_string(), "5");
  EXPECT_TRUE(must(alice().expunge(inbox(), UidSet{{5, 9}}, ExpungeMode::any)).empty());
  EXPECT_EQ(must(alice().vanished_since(inbox(), before.highest)).to_string(), "2:3,5");
  EXPECT_EQ(must(alice().vanished_since(inbox(), middle.highest)).to_string(), "5");
  const auto now = must(alice().status("INBOX"));
  EXPECT_EQ(now.messages, 2u);
  EXPECT_EQ(now.deleted, 0u);
  EXPECT_EQ(now.uidnext, 6u);
  EXPECT_GT(now.highest, middle.highest);
  EXPECT_EQ(must(alice().vanished_since(inbox(), now.highest)).to_string(), "");
  EXPECT_EQ(alice().quota().used_messages, 2u);
}

// design.md §7: a view that still shows the message may fetch it.
TEST_P(Messages, ExpungedStaysReadableForAWindow) {
  fill(inbox(), 1);
  must(alice().expunge(inbox(), UidSet::all(), ExpungeMode::any));
  EXPECT_EQ(body_of_message(inbox(), 1), "body 1");
  EXPECT_TRUE(must(alice().info(inbox(), UidSet::all(), meta_none)).empty());
  EXPECT_EQ(must(alice().info(inbox(), UidSet::all(), meta_expunged)).size(), 1u);
  real_.clock.advance(std::chrono::hours(24 * 14) + std::chrono::seconds(1));
  EXPECT_TRUE(must(alice().info(inbox(), UidSet::all(), meta_expunged)).empty());
  EXPECT_EQ(error_of(alice().body(inbox(), 1)), ErrorKind::not_found);
  EXPECT_EQ(error_of(alice().body(inbox(), 2)), ErrorKind::not_found);
}

TEST_P(Messages, IndexEntriesOfExpungedMessagesComeWhenAskedFor) {
  fill(inbox(), 5);
  const auto fields = static_cast<MetaFields>(meta_envelope | meta_structure | meta_parts);
  const auto before = must(alice().info(inbox(), UidSet::all(), fields));
  must(alice().expunge(inbox(), UidSet{{2, 2}, {4, 4}}, ExpungeMode::any));
  EXPECT_EQ(must(alice().info(inbox(), UidSet::all(), fields)).size(), 3u);
  const auto all = must(alice().info(inbox(), UidSet{{1, 5}}, static_cast<MetaFields>(fields | meta_expunged)));
  ASSERT_EQ(all.size(), 5u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].uid, before[i].uid);
    EXPECT_EQ(all[i].internal_date, before[i].internal_date);
    EXPECT_EQ(all[i].size, before[i].size);
    EXPECT_EQ(all[i].prefix_size, before[i].prefix_size);
    EXPECT_EQ(all[i].meta.envelope, before[i].meta.envelope);
    EXPECT_EQ(all[i].meta.parts, before[i].meta.parts);
  }
  EXPECT_EQ(must(alice().info(inbox(), UidSet{{2, 2}, {3, 3}}, meta_expunged)).size(), 2u);
}

TEST_P(Messages, CopyKeepsOrderFlagsAndDates) {
  fill(inbox(), 4);
  fill(mailbox("Archive"), 1);
  set(inbox(), UidSet{{3, 3}}, {FlagChange::Mode::add, flag::seen, {"a", "b"}, {}});
  set(mailbox("Archive"), UidSet{{1, 1}}, {FlagChange::Mode::add, 0, {"b"}, {}});
  const auto done = must(alice().copy(inbox(), UidSet{{1, 1}, {3, 9}}, mailbox("Archive"), CopyMode::copy));
  EXPECT_EQ(done.uidvalidity, must(alice().status("Archive")).uidvalidity);
  EXPECT_EQ(done.from.to_string(), "1,3:4");
  EXPECT_EQ(done.to.to_string(), "2:4");
  EXPECT_EQ(flags_of(mailbox("Archive")), "1:256 2:0 3:769 4:0 ");
  EXPECT_EQ(snapshot(alice(), mailbox("Archive"))->keywords, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(body_of_message(mailbox("Archive"), 3), "body 3");
  EXPECT_EQ(must(alice().info(mailbox("Archive"), UidSet{{4, 4}}, meta_none)).at(0).internal_date, 1'700'000'000);
  EXPECT_EQ(must(alice().status("INBOX")).messages, 4u);
  EXPECT_EQ(must(alice().status("Archive")).unseen, 3u);
  EXPECT_TRUE(must(alice().copy(inbox(), UidSet{{50, 60}}, mailbox("Archive"), CopyMode::copy)).to.empty());
  EXPECT_EQ(error_of(alice().copy(inbox(), UidSet::all(), 4711, CopyMode::copy)), ErrorKind::not_found);
}

TEST_P(Messages, MoveLeavesTheSource) {
  fill(inbox(), 3);
  const auto before = must(alice().status("INBOX"));
  const auto done = must(alice().copy(inbox(), UidSet{{2, 3}}, mailbox("Trash"), CopyMode::move));
  EXPECT_EQ(done.from.to_string(), "2:3");
  EXPECT_EQ(done.to.to_string(), "1:2");
  EXPECT_EQ(must(alice().vanished_since(inbox(), before.highest)).to_string(), "2:3");
  EXPECT_EQ(must(alice().status("INBOX")).messages, 1u);
  EXPECT_EQ(body_of_message(mailbox("Trash"), 2), "body 3");
  EXPECT_EQ(alice().quota().used_messages, 3u);
}

TEST_P(Messages, CopyAndMoveWithinOneMailbox) {
  fill(inbox(), 2);
  EXPECT_EQ(must(alice().copy(inbox(), UidSet::all(), inbox(), CopyMode::copy)).to.to_string(), "3:4");
  EXPECT_EQ(must(alice().copy(inbox(), UidSet{{1, 3}}, inbox(), CopyMode::move)).to.to_string(), "5:7");
  EXPECT_EQ(flags_of(inbox()), "4:0 5:0 6:0 7:0 ");
  EXPECT_EQ(body_of_message(inbox(), 6), "body 2");
  EXPECT_EQ(alice().quota().used_messages, 4u);
}

TEST_P(Messages, RecentGoesToTheFirstWhoSelects) {
  fill(inbox(), 2);
  EXPECT_EQ(must(alice().take_recent(inbox())), 0u);
  EXPECT_EQ(must(alice().take_recent(inbox())), 2u);
  EXPECT_EQ(must(alice().status("INBOX")).recent, 0u);
  fill(inbox(), 1);
  EXPECT_EQ(must(alice().status("INBOX")).recent, 1u);
  EXPECT_EQ(must(alice().take_recent(inbox())), 2u);
  fill(inbox(), 1);  // the next batch takes it along
  EXPECT_EQ(snapshot(alice(), inbox())->recent_uid, 3u);
  EXPECT_EQ(must(alice().status("INBOX")).recent, 1u);
  EXPECT_EQ(must(session_of(alice_)->take_recent(inbox())), 3u);
}

TEST_P(Messages, AWatchSeesEveryChange) {
  const auto watch = must(alice().open(inbox()));
  auto seen = watch->event().sequence();
  const auto first = watch->latest();
  EXPECT_EQ(first->size(), 0u);
  must(store_->accept(acceptance("m", {{alice_, "INBOX", "", 0}})));
  EXPECT_GT(watch->event().sequence(), seen);
  const auto second = watch->latest();
  EXPECT_EQ(second->size(), 1u);
  EXPECT_EQ(second->uidnext, 2u);
  set(inbox(), UidSet::all(), {FlagChange::Mode::add, flag::seen, {"kw"}, {}});
  const auto third = watch->latest();
  EXPECT_EQ(difference(*second, *third).changed.size(), 1u);
  EXPECT_EQ(third->keywords.size(), 1u);
  EXPECT_EQ(second->row(0).flags, 0u);
  must(alice().expunge(inbox(), UidSet::all(), ExpungeMode::any));
  EXPECT_EQ(difference(*second, *watch->latest()).vanished.to_string(), "1");
  EXPECT_EQ(watch->latest()->highest, must(alice().status("INBOX")).highest);
  // Another session gets the same.
  EXPECT_EQ(must(session_of(alice_)->open(inbox()))->latest(), watch->latest());
  seen = watch->event().sequence();
  fill(mailbox("Trash"), 1);
  EXPECT_EQ(watch->event().sequence(), seen);
}

TEST_P(Messages, InfoHasALimit) {
  const MailboxId box = mailbox("Archive");
  fill(box, 1001);
  EXPECT_EQ(error_of(alice().info(box, UidSet::all(), meta_none)), ErrorKind::limit);
  EXPECT_EQ(must(alice().info(box, UidSet{{2, UINT32_MAX}}, meta_envelope)).size(), 1000u);
  EXPECT_EQ(must(alice().open(box))->latest()->size(), 1001u);
}

TEST_P(Messages, AfterCloseEverythingIsUnavailable) {
  fill(inbox(), 1);
  const MailboxId box = inbox();
  store_->close();
  closed_ = true;
  EXPECT_EQ(error_of(alice().list()), ErrorKind::unavailable);
  EXPECT_EQ(error_of(alice().body(box, 1)), ErrorKind::unavailable);
  EXPECT_EQ(error_of(store_->accept(acceptance("m", {{alice_, "INBOX", "", 0}}))), ErrorKind::unavailable);
  EXPECT_EQ(error_of(store_->queue().claim(1, std::chrono::seconds(1), {})), ErrorKind::unavailable);
  EXPECT_EQ(error_of(store_->accounts().load()), ErrorKind::unavailable);
  EXPECT_EQ(store_->credentials().get_now(alice_).error().kind, ErrorKind::unavailable);
}

POSTERN_CONFORMANCE(Messages);

// RFC 8474, RFC 8514: copies share an id, other accounts' messages never do; each mailbox has its own date.
TEST_P(Messages, ParticularsOfCopies) {
  fill(inbox(), 2);
  const auto other = must(alice().create("Other", SpecialUse::none)).id;
  real_.clock.advance(std::chrono::hours(1));
  must(alice().copy(inbox(), UidSet{{1, 2}}, other, CopyMode::copy));
  const auto here = must(alice().particulars(inbox(), UidSet::all()));
  const auto there = must(alice().particulars(other, UidSet{{1, 2}}));
  ASSERT_EQ(here.size(), 2U);
  ASSERT_EQ(there.size(), 2U);
  EXPECT_NE(here[0].email_id, here[1].email_id);
  EXPECT_EQ(here[0].email_id, there[0].email_id);
  EXPECT_EQ(here[1].email_id, there[1].email_id);
  EXPECT_EQ(there[0].saved - here[0].saved, 3600);
  const auto id = must(alice().object_id(other));
  must(alice().rename("Other", "Renamed"));
  EXPECT_EQ(must(alice().object_id(other)), id);
  EXPECT_NE(must(alice().object_id(inbox())), id);
  const auto bob = session_of(bob_);
  EXPECT_EQ(error_of(bob->particulars(inbox(), UidSet::all())), ErrorKind::not_found);
}

}  // namespace postern::store::test
