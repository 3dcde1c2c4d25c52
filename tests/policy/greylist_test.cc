// SPDX-License-Identifier: Apache-2.0
// Greylisting learns, forgets, is bounded, and outlives a restart.
#include "policy/greylist.h"

#include <gtest/gtest.h>

#include "store/memory/ledger.h"

namespace postern::policy {
namespace {

using State = Greylist::State;
constexpr UnixTime start = 1'800'000'000;
constexpr UnixTime day = 86'400;

class GreylistTest : public testing::Test {
 protected:
  State see(std::string_view ip, std::string_view from, std::string_view to, UnixTime at) {
    return ask(ip, from, to, [&](const GreyTriple& triple) { return list_->see(triple, limits_, at); });
  }
  State look(std::string_view ip, std::string_view from, std::string_view to, UnixTime at) {
    return ask(ip, from, to, [&](const GreyTriple& triple) { return list_->look(triple, limits_, at); });
  }
  template <class F>
  static State ask(std::string_view ip, std::string_view from, std::string_view to, F f) {
    const auto sender = from.empty() ? mail::ReversePath() : mail::ReversePath(*mail::Address::parse(from));
    const auto recipient = *mail::Address::parse(to);
    return f({*IpAddress::parse(ip), sender, recipient});
  }
  GreyLimits limits_;
  std::unique_ptr<store::Ledger> ledger_ = store::memory::make_ledger();
  std::unique_ptr<Greylist> list_ = std::make_unique<Greylist>(&ledger_->grey());
};

TEST_F(GreylistTest, LetsInWhoComesBack) {
  const char* ip = "192.0.2.1";
  const char* from = "a@b.example";
  const char* to = "alice@example.org";
  EXPECT_EQ(see(ip, from, to, start), State::wait);
  EXPECT_EQ(see(ip, from, to, start + 299), State::wait);
  EXPECT_EQ(look(ip, from, to, start + 300), State::known);
  // Another host of the same network is the same sender's pool.
  EXPECT_EQ(see("192.0.2.77", from, to, start + 300), State::known);
  EXPECT_EQ(see(ip, from, to, start + 59 * day), State::known);
  EXPECT_EQ(see(ip, from, to, start + 118 * day), State::known);
  EXPECT_EQ(see(ip, from, to, start + 179 * day), State::wait);
  EXPECT_EQ(see(ip, from, to, start + 179 * day + 400), State::known);
}

TEST_F(GreylistTest, TooLateIsAFirstTryAgain) {
  EXPECT_EQ(see("192.0.2.1", "", "alice@example.org", start), State::wait);
  EXPECT_EQ(see("192.0.2.1", "", "alice@example.org", start + 3 * day), State::wait);
  EXPECT_EQ(see("192.0.2.1", "", "alice@example.org", start + 3 * day + 300), State::known);
}

TEST_F(GreylistTest, TriplesAreApart) {
  EXPECT_EQ(see("192.0.2.1", "a@b.example", "alice@example.org", start), State::wait);
  EXPECT_EQ(see("192.0.3.1", "a@b.example", "alice@example.org", start + 400), State::wait);
  EXPECT_EQ(see("192.0.2.1", "c@b.example", "alice@example.org", start + 400), State::wait);
  EXPECT_EQ(see("192.0.2.1", "a@b.example", "bob@example.org", start + 400), State::wait);
  EXPECT_EQ(see("192.0.2.1", "A@B.example", "Alice@example.org", start + 400), State::known);
}

TEST_F(GreylistTest, LearnsANetwork) {
  limits_.network_passes = 2;
  for (const char* from : {"a@b.example", "c@b.example"}) {
    EXPECT_EQ(see("192.0.2.1", from, "alice@example.org", start), State::wait) << from;
    EXPECT_EQ(see("192.0.2.1", from, "alice@example.org", start + 300), State::known) << from;
  }
  EXPECT_EQ(see("192.0.2.9", "new@x.example", "bob@example.org", start + 301), State::known);
  EXPECT_EQ(see("192.0.3.9", "new@x.example", "bob@example.org", start + 301), State::wait);
  // Nobody of it came for so long that it is unknown again.
  EXPECT_EQ(look("192.0.2.9", "other@x.example", "bob@example.org", start + 301 + limits_.keep), State::wait);
}

TEST_F(GreylistTest, ALookLeavesNoTrace) {
  EXPECT_EQ(look("192.0.2.1", "", "alice@example.org", start), State::wait);
  EXPECT_EQ(list_->size(), 0U);
}

TEST_F(GreylistTest, OutlivesARestart) {
  see("192.0.2.1", "a@b.example", "alice@example.org", start);
  list_ = std::make_unique<Greylist>(&ledger_->grey());
  EXPECT_EQ(look("192.0.2.1", "a@b.example", "alice@example.org", start + 300), State::known);
}

TEST_F(GreylistTest, AFloodIsBounded) {
  list_ = std::make_unique<Greylist>(nullptr, 500);
  for (std::size_t i = 0; i < 1200; ++i)
    see("192.0.2.1", "a" + std::to_string(i) + "@b.example", "alice@example.org", start + static_cast<UnixTime>(i / 10));
  EXPECT_LE(list_->size(), 500U);
}

}  // namespace
}  // namespace postern::policy
