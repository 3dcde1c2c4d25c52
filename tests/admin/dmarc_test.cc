// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/dmarc.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

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

TEST(DmarcCommand, ReadsFiles) {
  const auto rows = dmarc_commands();
  const test::Folder folder;
  const auto path = folder.path() / "r.xml.gz";
  std::ofstream(path) << *policy::gzip(policy::write_report(example()));
  Invocation run;
  run.values["file"] = path.string();
  testing::internal::CaptureStdout();
  EXPECT_EQ(rows.front().run(run), exit_ok);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), report_text(example()));
  run.values["file"] = (folder.path() / "none").string();
  testing::internal::CaptureStderr();
  EXPECT_NE(rows.front().run(run), exit_ok);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("none"), std::string::npos);
}

}  // namespace
}  // namespace postern::admin::cli
