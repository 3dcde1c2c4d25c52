// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/dmarc.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "admin/cli/received_reports.h"
#include "admin/cli/subcommand.h"
#include "admin/json.h"
#include "policy/report_archive.h"
#include "tests/support/folder.h"

namespace postern::admin::cli {
namespace {

policy::DmarcReport example() {
  policy::DmarcReport out;
  out.org_name = "Other";
  out.email = "d@other.example";
  out.id = "r1";
  out.begin = 1'700'000'000;
  out.end = 1'700'086'400;
  out.policy.domain = "example.org";
  out.policy.p = "reject";
  out.rows = {{"192.0.2.1", 5, "none", "pass", "fail", {}, "example.org", "", {{"example.org", "pass", "sel", ""}}, {}},
              {"192.0.2.9", 3, "reject", "fail", "fail", {{"local_policy", "why"}}, "example.org", "", {}, {}}};
  return out;
}

TEST(DmarcReportText, TheWorstFirst) {
  EXPECT_EQ(report_text(example()),
            "Other <d@other.example> about example.org, 2023-11-14 22:13 to 2023-11-15 22:13 (UTC), report r1\n"
            "policy found there: p=reject\n"
            "8 messages: 5 passed DMARC, 3 failed\n\n"
            "      3  192.0.2.9                FAIL  reject      from example.org: \n"
            "         local_policy: why\n"
            "      5  192.0.2.1                pass  none        from example.org: dkim example.org pass (sel)\n\n");
  EXPECT_EQ(report_json(example()).at("rows").as_array().size(), 2U);
}

TEST(DmarcReportText, ListsReportsAndSources) {
  auto other = example();
  other.id = "r2";
  other.rows.pop_back();
  const std::vector<policy::DmarcReport> both{example(), other};
  const auto text = reports_text(both);
  EXPECT_NE(text.find("2023-11-14          8         5         3  example.org              Other                    r1\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("          5         5         0  example.org              Other                    r2\n"),
            std::string::npos);
  const auto sources = sources_text(both);
  EXPECT_LT(sources.find("192.0.2.9 "), sources.find("192.0.2.1 ")) << "the one that fails comes first";
  EXPECT_NE(sources.find("192.0.2.1                                      10        10         0\n"), std::string::npos)
      << sources;
  const auto line = reports_json(both);
  EXPECT_EQ(line.at("reports").as_array().size(), 2U);
  EXPECT_EQ(line.at("sources").at(0).at("messages").to_number<int>(), 10);
  EXPECT_EQ(reports_text({}), "There are no DMARC reports.\n");
}

TEST(ReceivedReports, AttachmentsOfAMail) {
  const std::string mail =
      "From: d@other.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
      "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
      "Content-Disposition: attachment; filename=\"a!b!1!2.XML.gz\"\r\n\r\neHl6\r\n--b\r\n"
      "Content-Type: application/pdf; name=x.pdf\r\n\r\nno\r\n--b\r\nContent-Type: text/xml\r\n\r\n<x/>\r\n--b--\r\n";
  const auto files = attached_reports(mail, 7);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].name, "a!b!1!2.XML.gz");
  EXPECT_EQ(files[0].bytes, "xyz");
  EXPECT_EQ(files[1].bytes, "<x/>");
  // The mail itself may be the report.
  EXPECT_EQ(attached_reports("Content-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\neHl6\r\n", 7).size(),
            1U);
  EXPECT_TRUE(attached_reports("Subject: x\r\n\r\nhello\r\n", 7).empty());
}

TEST(DmarcCommand, ReadsFiles) {
  const auto rows = dmarc_commands();
  const test::Folder folder;
  const auto path = folder.path() / "r.xml.gz";
  std::ofstream(path) << *policy::gzip(policy::write_report(example()));
  Invocation run;
  run.values["report"] = path.string();
  testing::internal::CaptureStdout();
  EXPECT_EQ(rows.back().run(run), exit_ok);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), report_text(example()));
  const auto other = folder.path() / "other";
  std::ofstream(other) << "hello";
  run.values["report"] = other.string();
  testing::internal::CaptureStderr();
  EXPECT_NE(rows.back().run(run), exit_ok);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("other: neither XML, JSON"), std::string::npos);
}

}  // namespace
}  // namespace postern::admin::cli
