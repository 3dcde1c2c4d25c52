// SPDX-License-Identifier: Apache-2.0
#include "policy/dmarc_record.h"

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

TEST(DmarcRecord, IsOne) {
  for (const auto* const text : {"v=DMARC1", "v=DMARC1;", "v = DMARC1 ; p=none", "v=DMARC1; p=none"}) {
    EXPECT_TRUE(is_dmarc_record(text)) << text;
  }
  for (const auto* const text :
       {"", "v=DMARC2", "v=dmarc1", " v=DMARC1", "p=none; v=DMARC1", "V=DMARC1", "v=DMARC1 p=none", "DMARC1"}) {
    EXPECT_FALSE(is_dmarc_record(text)) << text;
    EXPECT_FALSE(parse_dmarc_record(text)) << text;
  }
}

// RFC 7489 Appendix B.2, RFC 9989 Appendix B
TEST(DmarcRecord, Reads) {
  const auto record = parse_dmarc_record(
      "v=DMARC1; p=quarantine; sp=reject; np=none; adkim=s; aspf=r; psd=n; t=y; "
      "rua=mailto:dmarc-feedback@example.com, mailto:tld-test@thirdparty.example.net!10m,https://x.example; "
      "ruf=mailto:a@b.example");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->policy, DmarcPolicy::quarantine);
  EXPECT_EQ(record->subdomains, DmarcPolicy::reject);
  EXPECT_EQ(record->nonexistent, DmarcPolicy::none);
  EXPECT_EQ(record->dkim, Alignment::strict);
  EXPECT_EQ(record->spf, Alignment::relaxed);
  EXPECT_EQ(record->psd, Psd::no);
  EXPECT_TRUE(record->testing);
  EXPECT_EQ(record->reports, (std::vector<ReportAddress>{{"dmarc-feedback@example.com", 0},
                                                         {"tld-test@thirdparty.example.net", 10U * 1024 * 1024}}));
}

TEST(DmarcRecord, WrongTagsCountAsAbsent) {
  struct Row {
    std::string_view tags;
    bool valid;
    DmarcPolicy policy;
    unsigned percent;
  };
  constexpr Row rows[] = {
      {"", true, DmarcPolicy::none, 100},
      {"p=REJECT", true, DmarcPolicy::reject, 100},
      {"p=reject; p=none", true, DmarcPolicy::reject, 100},
      {"p=reject; foo; =x; bar=", true, DmarcPolicy::reject, 100},
      {"p=reject; pct=20", true, DmarcPolicy::reject, 20},
      {"p=reject; pct=200", true, DmarcPolicy::reject, 100},
      {"p=reject; pct=x", true, DmarcPolicy::reject, 100},
      {"p=reject; pct=20; t=n", true, DmarcPolicy::reject, 100},
      {"p=block", false, DmarcPolicy::none, 100},
      {"p=reject; sp=block", false, DmarcPolicy::none, 100},
      {"p=block; rua=mailto:a@b.example", true, DmarcPolicy::none, 100},
      {"p=block; rua=mailto:nobody", false, DmarcPolicy::none, 100},
      {"p=reject; adkim=x; aspf=; psd=maybe", true, DmarcPolicy::reject, 100},
  };
  for (const auto& row : rows) {
    const auto record = parse_dmarc_record("v=DMARC1; " + std::string(row.tags));
    ASSERT_EQ(record.has_value(), row.valid) << row.tags;
    if (!record) continue;
    EXPECT_EQ(record->policy, row.policy) << row.tags;
    EXPECT_EQ(record->percent, row.percent) << row.tags;
    EXPECT_EQ(record->dkim, Alignment::relaxed);
    EXPECT_EQ(record->psd, Psd::unsaid);
  }
  EXPECT_FALSE(parse_dmarc_record("v=DMARC1; p=reject; x=" + std::string(5000, 'y')));
}

TEST(DmarcRecord, ReportAddressesAreBounded) {
  std::string text = "v=DMARC1; rua=";
  for (int i = 0; i < 50; ++i) text += "mailto:a" + std::to_string(i) + "@b.example,";
  EXPECT_EQ(parse_dmarc_record(text)->reports.size(), report_addresses_max);
  EXPECT_EQ(parse_dmarc_record("v=DMARC1; rua=mailto:a%2Cb@c.example!5k,mailto:a@b.example,mailto:a@b.example")->reports.size(),
            1U);
}

TEST(DmarcPolicy, Milder) {
  EXPECT_EQ(milder(DmarcPolicy::reject), DmarcPolicy::quarantine);
  EXPECT_EQ(milder(DmarcPolicy::quarantine), DmarcPolicy::none);
  EXPECT_EQ(milder(DmarcPolicy::none), DmarcPolicy::none);
}

}  // namespace
}  // namespace postern::policy
