// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/output.h"

#include <gtest/gtest.h>

#include "admin/checks.h"
#include "admin/exit_code.h"

namespace postern::admin {
namespace {

TEST(Output, SizesAreForPeople) {
  const std::pair<std::uint64_t, const char*> cases[] = {{0, "0 B"},
                                                         {1023, "1023 B"},
                                                         {1024, "1.0 KiB"},
                                                         {12'897'485, "12.3 MiB"},
                                                         {std::uint64_t{5} << 30, "5.0 GiB"},
                                                         {UINT64_MAX, "16777216.0 TiB"}};
  for (const auto& [bytes, text] : cases) EXPECT_EQ(cli::human_size(bytes), text);
}

TEST(Output, TimesAreForPeople) {
  const std::tuple<std::int64_t, std::int64_t, const char*> cases[] = {
      {100, 100, "0 s ago"}, {160, 100, "in 60 s"}, {100, 400, "5 min ago"}, {20'000, 0, "in 5 h"}, {0, 864'000, "10 d ago"}};
  for (const auto& [at, now, text] : cases) EXPECT_EQ(cli::human_time(at, now), text);
}

TEST(Output, TablesAreAlignedWithoutTrailingSpaces) {
  testing::internal::CaptureStdout();
  cli::print_table({"ID", "NAME", "END"}, {{"1", "Alice Example", ""}, {"1000", "b", "x"}}, "nothing");
  cli::print_table({"ID"}, {}, "nothing");
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "ID    NAME           END\n1     Alice Example\n1000  b              x\nnothing\n");
}

TEST(Complain, PutsOurNameBeforeEachLine) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(complain({exit_configuration, "one\ntwo\n"}), 10);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "postern: one\npostern: two\n");
}

TEST(Checks, MissingConfigurationHasARemedy) {
  const auto failure = configuration_failure("/nonexistent/postern.toml", {{0, "", "look at …"}});
  EXPECT_EQ(failure.code, exit_configuration);
  EXPECT_EQ(failure.text,
            "there is no configuration /nonexistent/postern.toml; make one with: postern config sample > "
            "/nonexistent/postern.toml, or name yours with --config");
}

TEST(Checks, CertificatesAreWarnedAbout) {
  constexpr UnixTime now = 1'800'000'000;
  constexpr UnixTime day = 86'400;
  struct Case {
    UnixTime not_before, not_after;
    std::vector<std::string> names;
    const char* hostname;
    const char* warning;
  };
  const Case cases[] = {
      {now - day, now + 60 * day, {"mx.example.org"}, "mx.example.org", ""},
      {now - day, now + 60 * day, {"*.example.org"}, "MX.example.org", ""},
      {now - day, now + 60 * day, {"other.example.org"}, "", ""},
      {now - day,
       now + 60 * day,
       {"*.example.org"},
       "a.mx.example.org",
       "c.pem is for *.example.org, not for server.hostname a.mx.example.org"},
      {now - day, now + 60 * day, {"*.example.org"}, "example.org", "c.pem is for *.example.org"},
      {now - 9 * day, now - 3 * day, {"mx.example.org"}, "mx.example.org", "c.pem expired 3 days ago"},
      {now - 9 * day,
       now + 3 * day,
       {"mx.example.org"},
       "mx.example.org",
       "c.pem expires in 3 days; renew it and say: postern reload"},
      {now + day, now + 60 * day, {"mx.example.org"}, "mx.example.org", "c.pem is not valid yet"},
  };
  for (const auto& c : cases) {
    net::CertificateInfo info;
    info.names = c.names;
    info.not_before = c.not_before;
    info.not_after = c.not_after;
    const auto found = certificate_warnings("c.pem", info, c.hostname, now);
    ASSERT_EQ(found.size(), std::string_view(c.warning).empty() ? 0U : 1U) << c.hostname << c.warning;
    if (!found.empty()) {
      EXPECT_TRUE(found.front().starts_with(c.warning)) << found.front();
    }
  }
}

}  // namespace
}  // namespace postern::admin
