// SPDX-License-Identifier: Apache-2.0
#include "audit/disguises.h"

#include <gtest/gtest.h>

#include <set>

#include "audit/line.h"
#include "audit/report.h"

namespace postern::audit {
namespace {

TEST(Disguises, AreManyAndDifferentAndNeedNoBraces) {
  const auto all = relay_disguises({"example.org", "mail.example.org", "192.0.2.25"});
  EXPECT_GE(all.size(), 100U);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
  for (const auto& one : all) {
    EXPECT_TRUE(one.starts_with("TO:")) << one;
    EXPECT_EQ(one.find_first_of("{}\r\n"), std::string::npos) << one;
  }
}

TEST(Report, CountsAndSummarizesFailuresInOrder) {
  Report report;
  report.judge(true, {"b", "held", {}, "550", "remedy"});
  report.judge(false, {"b", "gave way", {}, "250", "do this"});
  report.judge(false, {"a", "too", {}, "250", "do that"});
  report.skip("c", "not asked", "no listener");
  EXPECT_EQ(report.count(Check::Result::failed), 2U);
  EXPECT_EQ(report.count(Check::Result::skipped), 1U);
  EXPECT_EQ(report.summary(), "a: too\nb: gave way\n");
  EXPECT_TRUE(report.checks()[0].remedy.empty()) << "what holds needs none";
  EXPECT_EQ(report.checks()[1].remedy, "do this");
}

TEST(Line, ShowsRepliesOnOneLine) {
  EXPECT_EQ(shown("250-a\n250 b\x1b[2J"), "250-a 250 b [2J");
  EXPECT_EQ(shown(""), "(no answer)");
  EXPECT_LE(shown(std::string(500, 'x')).size(), 100U);
}

}  // namespace
}  // namespace postern::audit
