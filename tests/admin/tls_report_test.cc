// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/tls_report.h"

#include <gtest/gtest.h>

#include <fstream>

#include "policy/report_archive.h"
#include "policy/tls_report.h"
#include "tests/support/folder.h"

namespace postern::admin::cli {
namespace {

std::string example() {
  policy::TlsReport report;
  report.organization = "Other";
  report.contact = "tls@other.example";
  report.id = "r1";
  report.domain = "example.org";
  report.begin = 1'732'060'800;
  report.end = report.begin + 86'399;
  policy::TlsSession session;
  session.policy.type = "sts";
  report.add(session, 7);
  session.failure = "certificate-expired";
  session.mx = "mx.example.org";
  session.own_ip = "192.0.2.1";
  report.add(session, 3);
  return policy::write_tls_report(report);
}

TEST(TlsReportText, WhatIsWrittenReadsTheSame) {
  const auto report = read_tls_report(example());
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(tls_report_text(*report),
            "Other (tls@other.example), 2024-11-20T00:00:00Z to 2024-11-20T23:59:59Z, report r1\n"
            "\nexample.org, policy sts: 7 sessions went well, 3 failed\n"
            "      3  certificate-expired at mx.example.org from 192.0.2.1\n\n");
  EXPECT_NE(tls_reports_text({*report}).find("2024-11-20          7         3  sts              example.org "), std::string::npos)
      << tls_reports_text({*report});
  EXPECT_EQ(tls_report_json(*report).at("policies").at(0).at("failures").at(0).at("count").to_number<int>(), 3);
}

TEST(TlsReportText, TrustsNothing) {
  const auto odd = read_tls_report(R"({"organization-name":"a\nb\u001b[2J","report-id":7,"policies":[1,{"policy":[],)"
                                   R"("summary":{"total-successful-session-count":-5},"failure-details":[[],{}]}]})");
  ASSERT_TRUE(odd) << odd.error().text;
  EXPECT_EQ(odd->organization, "a?b?[2J");
  EXPECT_EQ(odd->id, "");
  ASSERT_EQ(odd->policies.size(), 1U);
  EXPECT_EQ(odd->policies[0].good, 0U);
  EXPECT_EQ(odd->policies[0].failures.size(), 1U);
  for (const auto* text : {"", "[]", "{}", "{\"policies\":", "<feedback/>"}) EXPECT_FALSE(read_tls_report(text)) << text;
  EXPECT_FALSE(read_tls_report(std::string(100'000, '['))) << "depth is bounded";
}

TEST(TlsReportCommand, ReadsFiles) {
  const test::Folder folder;
  const auto path = folder.path() / "r.json.gz";
  std::ofstream(path) << *policy::gzip(example());
  Invocation run;
  run.values["report"] = path.string();
  testing::internal::CaptureStdout();
  EXPECT_EQ(tls_report_commands().back().run(run), exit_ok);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("3 failed"), std::string::npos);
}

TEST(TlsPolicyCommand, ShowsWhatToPublish) {
  const test::Folder folder;
  const auto path = folder.path() / "postern.toml";
  const auto run = [&path](const std::string& mode) {
    std::ofstream(path) << "[server]\nhostname = \"mx.example.org\"\n[mta_sts]\nmode = \"" << mode << "\"\n";
    Invocation invocation;
    invocation.config_path = path;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = tls_commands().back().run(invocation);
    const auto mistakes = testing::internal::GetCapturedStderr();
    return std::pair(code, testing::internal::GetCapturedStdout() + mistakes);
  };
  const auto [code, text] = run("testing");
  EXPECT_EQ(code, exit_ok) << text;
  EXPECT_NE(text.find("_mta-sts.DOMAIN. TXT \"v=STSv1; id="), std::string::npos) << text;
  EXPECT_NE(text.find("  mode: testing\n  mx: mx.example.org\n  max_age: 604800\n"), std::string::npos) << text;
  EXPECT_EQ(run("off").first, exit_refused);
}

}  // namespace
}  // namespace postern::admin::cli
