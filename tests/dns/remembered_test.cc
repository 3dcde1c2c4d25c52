// SPDX-License-Identifier: Apache-2.0
#include "dns/remembered.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "dns/zone.h"

namespace postern::dns {
namespace {

struct RememberedTest : testing::Test {
  RememberedTest() { use({}); }
  void use(const RememberedLimits& limits) {
    auto zone = std::make_unique<Zone>(
        "example.org. TXT \"one\"\nexample.org. A 192.0.2.1\nbroken.example. SERVFAIL\nbogus.example. BOGUS\nslow.example. "
        "TIMEOUT\n"
        "large.example. TXT \"0123456789012345678901234567890123456789\"\n");
    zone_ = zone.get();
    resolver_ = std::make_unique<Remembered>(std::move(zone), clock_, limits);
  }
  RawAnswer ask(std::string name, Type type = Type::txt) { return async::run_alone(resolver_->query(std::move(name), type)); }

  FakeClock clock_;
  Zone* zone_ = nullptr;
  std::unique_ptr<Remembered> resolver_;
};

// Each record of a Zone lives for 300 s.
TEST_F(RememberedTest, AsksOnceInATimeToLive) {
  const auto first = ask("example.org");
  ASSERT_EQ(first.status, Status::ok);
  EXPECT_EQ(first.ttl, std::chrono::seconds(300));
  clock_.advance(std::chrono::seconds(100));
  const auto again = ask("EXAMPLE.org.");
  EXPECT_EQ(again.records, first.records);
  EXPECT_EQ(again.ttl, std::chrono::seconds(200));
  EXPECT_EQ(zone_->queries(), 1U);
  EXPECT_EQ(ask("example.org", Type::a).records.size(), 1U) << "another type is another question";
  EXPECT_EQ(zone_->queries(), 2U);
  clock_.advance(std::chrono::seconds(200));
  EXPECT_EQ(ask("example.org").ttl, std::chrono::seconds(300));
  EXPECT_EQ(zone_->queries(), 3U);
}

TEST_F(RememberedTest, KeepsAbsenceAndNoFailure) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ask("nothing.example").status, Status::nxdomain);
    EXPECT_EQ(ask("example.org", Type::mx).status, Status::nodata);
  }
  const bool absence_lives = ask("nothing.example").ttl.count() > 0;
  EXPECT_EQ(zone_->queries(), absence_lives ? 2U : 5U);
  const auto before = zone_->queries();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ask("broken.example").status, Status::servfail);
    EXPECT_EQ(ask("bogus.example").status, Status::bogus);
  }
  EXPECT_EQ(zone_->queries(), before + 4);
}

TEST_F(RememberedTest, IsBoundedAndKeepsWhatIsAskedFor) {
  use({.entries = 8, .answer_octets = 20, .longest = std::chrono::seconds(50)});
  (void)ask("large.example");
  (void)ask("large.example");
  EXPECT_EQ(zone_->queries(), 2U) << "too large to be kept";
  EXPECT_EQ(ask("example.org").ttl, std::chrono::seconds(300)) << "what was asked for has its own time";
  EXPECT_EQ(ask("example.org").ttl, std::chrono::seconds(50));
  for (int i = 0; i < 100; ++i) {
    zone_->add("n" + std::to_string(i) + ".example. TXT \"x\"\n");
    (void)ask("n" + std::to_string(i) + ".example");
    (void)ask("example.org");
  }
  EXPECT_EQ(zone_->queries(), 103U) << "one that is asked for all the time stays";
  (void)ask("n0.example");
  EXPECT_EQ(zone_->queries(), 104U) << "the others went";
}

}  // namespace
}  // namespace postern::dns
