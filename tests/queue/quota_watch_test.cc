// SPDX-License-Identifier: Apache-2.0
#include "queue/quota_watch.h"

#include "tests/queue/house.h"

namespace postern::queue {
namespace {

class QuotaWatchTest : public House {
 protected:
  void limit(store::AccountId id, std::uint64_t bytes) {
    auto row = *directory_.account(id);
    row.quota_bytes = bytes;
    ASSERT_TRUE(loop_.run(directory_.set_account(row)));
  }
  /// A message of this size to bob; gives its success.
  bool deliver(std::size_t size) {
    Arrival made = arrival(std::string(small_message) + std::string(size, 'x'));
    made.local.push_back({bob_, "bob@example.org"});
    return accept(std::move(made)).has_value();
  }
  void look() { ASSERT_TRUE(loop_.run(watch_.look())); }
  /// Subjects of the warnings among an account's messages.
  std::vector<std::string> warnings(store::AccountId account) {
    std::vector<std::string> out;
    for (const auto& text : inbox(account)) {
      const auto at = text.find("Subject: ");
      const auto subject = text.substr(at + 9, text.find("\r\n", at) - at - 9);
      if (subject.find("% full") != std::string::npos) out.push_back(subject);
    }
    return out;
  }

  QuotaWatch watch_{Writing{door_, directory_, live_, clock_, log_}, *store_};
};

TEST_F(QuotaWatchTest, TellsEachLevelOnce) {
  limit(bob_, 200'000);
  ASSERT_TRUE(deliver(100'000));
  look();
  EXPECT_TRUE(warnings(bob_).empty());
  ASSERT_TRUE(deliver(65'000));
  look();
  look();
  EXPECT_EQ(warnings(bob_), std::vector<std::string>{"Your mailbox is 80% full"});
  ASSERT_TRUE(deliver(26'000));
  look();
  look();
  EXPECT_EQ(warnings(bob_), (std::vector<std::string>{"Your mailbox is 80% full", "Your mailbox is 95% full"}));
  // A watch of a later start knows what was told.
  QuotaWatch later(Writing{door_, directory_, live_, clock_, log_}, *store_);
  ASSERT_TRUE(loop_.run(later.look()));
  EXPECT_EQ(warnings(bob_).size(), 2U);
}

TEST_F(QuotaWatchTest, TellsAgainAfterItWasBelow) {
  limit(bob_, 20'000);
  ASSERT_TRUE(deliver(16'500));
  look();
  limit(bob_, 200'000);
  look();
  limit(bob_, 20'000);
  look();
  EXPECT_EQ(warnings(bob_).size(), 2U);
}

TEST_F(QuotaWatchTest, TellsThePostmasterAboutADomain) {
  auto row = directory_.table()->domains.at(0);
  row.quota.messages = 5;
  ASSERT_TRUE(loop_.run(directory_.set_domain(row)));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(deliver(1));
  look();
  EXPECT_EQ(warnings(alice_), std::vector<std::string>{"The domain example.org is 80% full"}) << "alice is the caretaker";
}

TEST_F(QuotaWatchTest, AFullMailboxIsTriedAgain) {
  limit(bob_, 20'000);
  ASSERT_TRUE(deliver(19'700));
  look();
  EXPECT_TRUE(warnings(bob_).empty()) << "no room even for the warning";
  EXPECT_NE(lines_.back().find("a quota warning could not be delivered"), std::string::npos) << lines_.back();
  limit(bob_, 20'800);
  look();
  EXPECT_EQ(warnings(bob_).size(), 1U);
}

TEST(ReachedLevel, IsTheHighest) {
  const std::vector<config::Percent> levels{{95}, {80}};
  EXPECT_EQ(reached_level(79, levels), 0U);
  EXPECT_EQ(reached_level(80, levels), 80U);
  EXPECT_EQ(reached_level(94, levels), 80U);
  EXPECT_EQ(reached_level(200, levels), 95U);
  EXPECT_EQ(reached_level(200, {}), 0U);
}

TEST(Letter, IsAPoliteMessage) {
  const auto text = compose_letter({"bob@example.org", "Größe", "Grüße\nEnde"}, 1'800'000'000);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("From: Postmaster <postmaster@example.org>\r\n"), std::string::npos) << *text;
  EXPECT_NE(text->find("Auto-Submitted: auto-generated\r\n"), std::string::npos);
  EXPECT_NE(text->find("Subject: =?"), std::string::npos);
  EXPECT_NE(text->find("Gr=C3=BC=C3=9Fe\r\nEnde\r\n"), std::string::npos) << *text;
  EXPECT_FALSE(compose_letter({"bob@example.org", "a\r\nBcc: x", "t"}, 0));
  EXPECT_FALSE(compose_letter({"nobody", "a", "t"}, 0));
}

}  // namespace
}  // namespace postern::queue
