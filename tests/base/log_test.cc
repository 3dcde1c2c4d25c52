// SPDX-License-Identifier: Apache-2.0
// Log lines stay one line whatever strangers put into them (security.md D98).
#include "base/log.h"

#include <gtest/gtest.h>

#include <limits>
#include <regex>

namespace postern {
namespace {

TEST(LogEscape, ShowsPlainValuesAsTheyAre) {
  for (const char* value : {"abc", "alice@example.org", "192.0.2.1:25", "a-b_c+d/e"}) EXPECT_EQ(log_escape(value), value);
}

TEST(LogEscape, QuotesAndEscapesTheRest) {
  const std::pair<std::string, std::string> rows[] = {
      {"", R"("")"},
      {"a b", R"("a b")"},
      {"a=b", R"("a=b")"},
      {"say \"hi\"\\", R"("say \x22hi\x22\x5c")"},
      {"x\r\nfake line", R"("x\x0d\x0afake line")"},
      {std::string("\0\x7f", 2), R"("\x00\x7f")"},
      {"\x1b[2J", R"("\x1b[2J")"},
      {"b\xc3\xbc"
       "cher",
       "\"b\xc3\xbc"
       "cher\""},
      {"\xff\xc3", R"("\xff\xc3")"},
      {"\xc2\x9b"
       "2J",
       R"("\xc2\x9b2J")"},
      {"\xe2\x80\xae"
       "evil",
       R"("\xe2\x80\xaeevil")"},
      {"\xe2\x81\xa6\xd8\x9c", R"("\xe2\x81\xa6\xd8\x9c")"},
      {"\xe2\x80\xa8", R"("\xe2\x80\xa8")"},
  };
  for (const auto& [value, written] : rows) EXPECT_EQ(log_escape(value), written);
}

TEST(LogEscape, CutsLongValues) {
  EXPECT_EQ(log_escape(std::string(1024, 'a')), std::string(1024, 'a'));
  EXPECT_EQ(log_escape(std::string(1025, 'a')), "\"" + std::string(1024, 'a') + "\"...");
}

struct Collector {
  std::vector<std::string> lines;
  Log::Sink sink() {
    return [this](LogLevel, std::string_view line) { lines.emplace_back(line); };
  }
};

TEST(Log, WritesOneLineAnEvent) {
  Collector out;
  Log log(LogLevel::info, out.sink());
  log.info("smtp", "accepted",
           {{"queue", 812},
            {"from", std::string("eve\x1b[2J@example.org")},
            {"tls", true},
            {"least", std::numeric_limits<std::int64_t>::min()}});
  ASSERT_EQ(out.lines.size(), 1U);
  const std::regex shape(
      R"re(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info smtp accepted queue=812 from="eve\\x1b\[2J@example\.org" tls=yes least=-9223372036854775808)re");
  EXPECT_TRUE(std::regex_match(out.lines[0], shape)) << out.lines[0];
}

TEST(Log, DropsWhatIsBelowItsLevel) {
  Collector out;
  Log log(LogLevel::warning, out.sink());
  log.info("a", "b");
  log.error("a", "c");
  EXPECT_EQ(out.lines.size(), 1U);
  log.set_level(LogLevel::off);
  log.error("a", "d");
  EXPECT_FALSE(log.enabled(LogLevel::off));
  log.set_level(LogLevel::debug);
  log.debug("a", "e");
  EXPECT_EQ(out.lines.size(), 2U);
}

TEST(Log, StandardErrorGetsEveryLineBeforeTheEnd) {
  testing::internal::CaptureStderr();
  {
    Log log(LogLevel::info, stderr_sink());
    for (int i = 0; i < 100; ++i) log.info("a", "b", {{"i", i}});
  }
  const auto text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(text, '\n'), 100);
  EXPECT_NE(text.find(" info a b i=99\n"), std::string::npos);
}

}  // namespace
}  // namespace postern
