// SPDX-License-Identifier: Apache-2.0
#include "queue/bounce.h"

#include "mime/header.h"
#include "mime/part.h"
#include "tests/queue/house.h"

namespace postern::queue {
namespace {

class BouncerTest : public House {
 protected:
  /// A queued message to bob@example.net and how to tell its sender.
  store::QueueEntry queue_one(Arrival made) {
    made.remote.push_back(remote("bob@example.net"));
    EXPECT_TRUE(accept(std::move(made)));
    return queued().front();
  }
  Result<> notify(const store::QueueEntry& entry, Dsn::Action action = Dsn::Action::failed) {
    std::vector<DsnRecipient> about{{entry.recipients[0].recipient, CourierFake::failed(), false}};
    return loop_.run(bouncer_.notify(entry, action, std::move(about)));
  }
  static std::string returned(const std::string& message) {
    const auto tree = mime::parse_message(message);
    const auto& part = tree.parts[tree.child(0, 3)];
    return message.substr(part.body_begin, part.body_end - part.body_begin);
  }
};

TEST_F(BouncerTest, ASenderOfOursGetsItInTheMailbox) {
  const auto entry = queue_one(arrival());
  ASSERT_TRUE(notify(entry));
  const auto mail = inbox(alice_);
  ASSERT_EQ(mail.size(), 1U);
  EXPECT_TRUE(mail[0].starts_with("Return-Path: <>\r\nDelivered-To: alice@example.org\r\nReceived: by mx.example.org (notice)"));
  EXPECT_EQ(queued().size(), 1U) << "only the message itself";
  EXPECT_NE(returned(mail[0]).find(small_message.substr(0, small_message.size() - 2)), std::string::npos);
}

// security.md D22, D23
TEST_F(BouncerTest, ASenderElsewhereNeedsTheRight) {
  auto made = arrival();
  made.envelope.sender = address("carol@example.com");
  made.account = 0;
  made.bounce = store::BounceRight::none;
  auto entry = queue_one(made);
  EXPECT_EQ(notify(entry).error().kind, ErrorKind::denied);
  EXPECT_EQ(queued().size(), 1U);
  entry.bounce = store::BounceRight::verified;
  ASSERT_TRUE(notify(entry));
  const auto entries = queued();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_FALSE(entries[1].sender) << "null reverse path";
  EXPECT_EQ(entries[1].recipients[0].recipient.address.to_string(), "carol@example.com");
  EXPECT_EQ(entries[1].recipients[0].recipient.notify, mail::notify_never);
  EXPECT_EQ(entries[1].bounce, store::BounceRight::none);
}

TEST_F(BouncerTest, ThereIsNoNoticeAboutANotice) {
  auto made = arrival();
  made.envelope.sender.reset();
  const auto entry = queue_one(made);
  EXPECT_EQ(notify(entry).error().kind, ErrorKind::denied);
}

TEST_F(BouncerTest, ASenderOfOursThatIsGoneIsNotTold) {
  auto made = arrival();
  made.envelope.sender = address("gone@example.org");
  EXPECT_EQ(notify(queue_one(made)).error().kind, ErrorKind::denied);
}

TEST_F(BouncerTest, AStoreThatTakesNothingIsATemporaryError) {
  const auto entry = queue_one(arrival());
  store_->fail_writes(Error{ErrorKind::no_space, "full"});
  const auto told = notify(entry);
  ASSERT_FALSE(told);
  EXPECT_TRUE(is_temporary(told.error().kind));
}

// RFC 3461 §4.3
TEST_F(BouncerTest, ReturnsAsMuchAsAsked) {
  const std::string big = std::string(small_message) + std::string(100'000, 'x') + "\r\n";
  struct Row {
    mail::Return ret;
    std::string text;
    Dsn::Action action;
    bool whole;
  };
  const std::vector<Row> rows = {
      {mail::Return::unset, std::string(small_message), Dsn::Action::failed, true},
      {mail::Return::unset, big, Dsn::Action::failed, false},
      {mail::Return::full, big, Dsn::Action::failed, true},
      {mail::Return::headers, std::string(small_message), Dsn::Action::failed, false},
      {mail::Return::full, std::string(small_message), Dsn::Action::delayed, false},
  };
  std::size_t told = 0;
  for (const auto& row : rows) {
    auto made = arrival(row.text);
    made.envelope.ret = row.ret;
    made.remote.push_back(remote("bob@example.net"));
    ASSERT_TRUE(accept(made));
    ASSERT_TRUE(notify(queued().back(), row.action));
    const auto back = returned(inbox(alice_)[told++]);
    EXPECT_NE(back.find("Subject: Lunch"), std::string::npos);
    EXPECT_EQ(back.find("hello") != std::string::npos, row.whole) << told;
  }
}

TEST_F(BouncerTest, ConfirmsLocalDeliveriesToThoseWhoAsked) {
  Confirmation done;
  done.envelope.sender = address("alice@example.org");
  done.bounce = store::BounceRight::authenticated;
  done.header = std::string(small_message);
  done.delivered.push_back({address("bob@example.org"), mail::notify_failure, ""});
  ASSERT_TRUE(loop_.run(bouncer_.confirm(done)));
  EXPECT_TRUE(inbox(alice_).empty());
  done.delivered.push_back({address("carl@example.org"), mail::notify_success, ""});
  ASSERT_TRUE(loop_.run(bouncer_.confirm(done)));
  const auto mail = inbox(alice_);
  ASSERT_EQ(mail.size(), 1U);
  EXPECT_NE(mail[0].find("Action: delivered"), std::string::npos);
  EXPECT_NE(mail[0].find("Final-Recipient: rfc822; carl@example.org"), std::string::npos);
  EXPECT_EQ(mail[0].find("bob@example.org"), std::string::npos);
  done.bounce = store::BounceRight::none;
  ASSERT_TRUE(loop_.run(bouncer_.confirm(done)));
  EXPECT_EQ(inbox(alice_).size(), 1U);
}

// RFC 3461 §4.1, through the door as any client's message.
TEST_F(BouncerTest, TheDoorHasSuccessConfirmed) {
  auto made = arrival();
  made.local.push_back({bob_, "bob@example.org", mail::notify_success, "rfc822;bob@example.org"});
  ASSERT_TRUE(accept(made));
  EXPECT_EQ(inbox(bob_).size(), 1U);
  const auto mail = inbox(alice_);
  ASSERT_EQ(mail.size(), 1U);
  EXPECT_NE(mail[0].find("Action: delivered"), std::string::npos);
  EXPECT_NE(mail[0].find("Subject: Lunch"), std::string::npos);
  made.bounce = store::BounceRight::none;
  ASSERT_TRUE(accept(made));
  made.bounce = store::BounceRight::authenticated;
  made.local[0].notify = mail::notify_failure;
  ASSERT_TRUE(accept(made));
  EXPECT_EQ(inbox(alice_).size(), 1U);
  EXPECT_EQ(inbox(bob_).size(), 3U);
}

}  // namespace
}  // namespace postern::queue
