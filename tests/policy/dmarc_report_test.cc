// SPDX-License-Identifier: Apache-2.0
#include "policy/dmarc_report.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "policy/report_archive.h"

namespace postern::policy {
namespace {

DmarcReport example() {
  DmarcReport out;
  out.org_name = "Example & Söhne <x>";
  out.email = "postmaster@example.org";
  out.id = "20260101.abc";
  out.begin = 1'700'000'000;
  out.end = 1'700'086'400;
  out.policy.domain = "author.example";
  out.policy.adkim = "r";
  out.policy.p = "reject";
  ReportRow row;
  row.source_ip = "2001:db8::1";
  row.count = 12;
  row.disposition = "none";
  row.dkim = "fail";
  row.spf = "pass";
  row.reasons = {{"mailing_list", "we know them"}};
  row.header_from = "author.example";
  row.envelope_from = "lists.example";
  row.dkim_results = {{"author.example", "fail", "sel", ""}};
  row.spf_results = {{"lists.example", "pass", "", "mfrom"}};
  out.rows = {row, row};
  out.rows[1].source_ip = "192.0.2.1";
  out.rows[1].reasons.clear();
  return out;
}

TEST(DmarcReport, WhatIsWrittenReadsTheSame) {
  const auto xml = write_report(example());
  EXPECT_TRUE(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feedback>"));
  EXPECT_NE(xml.find("Example &amp; S\xC3\xB6hne &lt;x&gt;"), std::string::npos);
  const auto again = read_report(xml);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(*again, example());
}

// RFC 9990 puts a namespace around the same elements.
TEST(DmarcReport, ReadsWhatOthersWrite) {
  const auto report = read_report(
      "\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<!DOCTYPE feedback [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n"
      "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\"><report_metadata><org_name>&x; Big\nOne</org_name><date_range><begin>"
      "17</begin><end>x</end></date_range></report_metadata><policy_published><domain>a.example</domain></policy_published>"
      "<record><row><count>-3</count></row></record><record/></feedback>");
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(report->org_name, "&x; Big?One");
  EXPECT_EQ(report->begin, 17);
  EXPECT_EQ(report->end, 0);
  ASSERT_EQ(report->rows.size(), 2U);
  EXPECT_EQ(report->rows[0].count, 0U);
}

TEST(DmarcReport, Malformed) {
  for (const std::string& text : {std::string(), std::string("x"), std::string("<feedback>"), std::string("<feedback/>"),
                                  std::string("<html><body/></html>"), std::string(200'000, '<'), std::string("<a>\0</a>", 8)}) {
    EXPECT_FALSE(read_report(text));
  }
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "<a>";
  EXPECT_FALSE(read_report(deep));
}

TEST(ReportArchive, GzipAndPlain) {
  const std::string xml = write_report(example());
  const auto packed = gzip(xml);
  ASSERT_TRUE(packed) << packed.error().text;
  EXPECT_TRUE(packed->starts_with("\x1f\x8b"));
  EXPECT_LT(packed->size(), xml.size());
  EXPECT_EQ(unpack_reports(*packed), std::vector<std::string>{xml});
  EXPECT_EQ(unpack_reports(xml), std::vector<std::string>{xml});
  EXPECT_EQ(unpack_reports(*gzip(std::string("\0\1\2", 3)))->front().size(), 3U);
}

TEST(ReportArchive, Zip) {
  // made by Python's zipfile: r.xml with "<feedback/>", deflated
  const auto zip = base64_decode(
      "UEsDBBQAAAAIAAAAIQCEtwo7DQAAAAsAAAAFAAAAci54bWyzSUtNTUlKTM7WtwMAUEsBAhQDFAAAAAgAAAAhAIS3CjsNAAAACwAAAAUAAAAAAA"
      "AAAAAAAIABAAAAAHIueG1sUEsFBgAAAAABAAEAMwAAADAAAAAAAA==");
  ASSERT_TRUE(zip);
  const auto files = unpack_reports(*zip);
  ASSERT_TRUE(files) << files.error().text;
  EXPECT_EQ(files->front(), "<feedback/>");
  for (std::size_t cut = 0; cut + 80 < zip->size(); ++cut) static_cast<void>(unpack_reports(zip->substr(0, cut)));
}

TEST(ReportArchive, BombsAndOtherThings) {
  constexpr std::size_t limit = 1024 * 1024;
  const auto bomb = gzip(std::string(limit + 1, 'x'));
  ASSERT_TRUE(bomb);
  EXPECT_LT(bomb->size(), 3'000U);
  EXPECT_EQ(unpack_reports(*bomb, limit).error().kind, ErrorKind::too_large);
  EXPECT_TRUE(unpack_reports(*bomb));
  for (const std::string& text :
       {std::string(), std::string("hello"), std::string("\x1f\x8b"), std::string("PK\3\4"), std::string("BZh9xx")}) {
    EXPECT_FALSE(unpack_reports(text)) << text;
  }
}

}  // namespace
}  // namespace postern::policy
