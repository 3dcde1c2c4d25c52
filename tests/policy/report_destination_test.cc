// SPDX-License-Identifier: Apache-2.0
#include "policy/report_destination.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "dns/zone.h"

namespace postern::policy {
namespace {

class ReportDestinationsTest : public testing::Test {
 protected:
  ReportDestinations find(std::vector<ReportAddress> wanted) {
    return async::run_alone(find_destinations(zone_, "mail.author.example", std::move(wanted)));
  }
  static std::vector<std::string> names(const ReportDestinations& found) {
    std::vector<std::string> out;
    for (const auto& one : found.to) out.push_back(one.address);
    return out;
  }

  dns::Zone zone_{R"(
    mail.author.example._report._dmarc.agrees.example. TXT "v=DMARC1"
    mail.author.example._report._dmarc.moves.example.  TXT "v=DMARC1; rua=mailto:new@moves.example!50k"
    mail.author.example._report._dmarc.steals.example. TXT "v=DMARC1; rua=mailto:victim@elsewhere.example"
    *._report._dmarc.all.example.                      TXT "v=DMARC1;"
    mail.author.example._report._dmarc.spf.example.    TXT "v=spf1 -all"
    mail.author.example._report._dmarc.silent.example. SERVFAIL
  )"};
};

TEST_F(ReportDestinationsTest, TheSameOrganizationNeedsNoLeave) {
  EXPECT_EQ(names(find({{"a@author.example"}, {"b@reports.author.example", 1024}})),
            (std::vector<std::string>{"a@author.example", "b@reports.author.example"}));
  EXPECT_EQ(zone_.queries(), 0U);
}

TEST_F(ReportDestinationsTest, ElsewhereOnlyWithLeave) {
  const auto found = find({{"a@agrees.example"}, {"v@victim.example"}, {"s@spf.example"}, {"x@all.example"}});
  EXPECT_EQ(names(found), (std::vector<std::string>{"a@agrees.example", "x@all.example"}));
  EXPECT_EQ(found.refused, (std::vector<std::string>{"v@victim.example", "s@spf.example"}));
  EXPECT_FALSE(found.unclear);
}

TEST_F(ReportDestinationsTest, TheOtherPlaceMayNameAnAddressOfItsOwn) {
  const auto found = find({{"old@moves.example"}, {"me@steals.example"}});
  EXPECT_EQ(found.to, (std::vector<ReportAddress>{{"new@moves.example", 50 * 1024}, {"me@steals.example", 0}}));
}

TEST_F(ReportDestinationsTest, SilenceIsNoLeave) {
  const auto found = find({{"a@silent.example"}});
  EXPECT_TRUE(found.to.empty());
  EXPECT_TRUE(found.unclear);
}

TEST_F(ReportDestinationsTest, AFewAddressesAreEnough) {
  std::vector<ReportAddress> many;
  for (int i = 0; i < 9; ++i) many.push_back({fmt::format("a{}@author.example", i)});
  EXPECT_EQ(find(many).to.size(), report_destinations_max);
}

TEST(ReportWish, OneRecordCounts) {
  dns::Zone zone(R"(
    _dmarc.a.example. TXT "v=DMARC1; p=reject; rua=mailto:r@a.example"
    _dmarc.a.example. TXT "v=spf1 -all"
    _dmarc.b.example. TXT "v=DMARC1; p=reject"
    _dmarc.b.example. TXT "v=DMARC1; p=none"
    _dmarc.c.example. TIMEOUT
  )");
  EXPECT_EQ(async::run_alone(find_wish(zone, "a.example")).record.reports.size(), 1U);
  EXPECT_FALSE(async::run_alone(find_wish(zone, "b.example")).found);
  EXPECT_TRUE(async::run_alone(find_wish(zone, "c.example")).unclear);
  EXPECT_FALSE(async::run_alone(find_wish(zone, "d.example")).unclear);
}

}  // namespace
}  // namespace postern::policy
