// SPDX-License-Identifier: Apache-2.0
// The table agrees with itself: what a row shows it also reads, defaults lie in their ranges, etc/postern.toml is the
// table's own rendering. To renew the file after a change: POSTERN_RENEW=1 config_test.
#include "config/option.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "base/file.h"
#include "config/live.h"
#include "config/parse.h"

namespace postern::config {
namespace {

/// The sample with every option switched on (but not the repeated sections, whose examples are empty).
std::string switched_on(const std::string& sample) {
  std::string out;
  bool repeated = false;
  for (std::size_t from = 0; from < sample.size();) {
    const auto end = sample.find('\n', from);
    auto line = std::string_view(sample).substr(from, end - from);
    from = end + 1;
    if (line.starts_with("#[[")) repeated = true;
    if (line.starts_with('[')) repeated = false;
    if (!repeated && line.starts_with('#') && !line.starts_with("# ")) line.remove_prefix(1);
    out += std::string(line) + "\n";
  }
  return out;
}

TEST(Options, ReadWhatTheyShow) {
  const auto loaded = parse(switched_on(sample()));
  ASSERT_TRUE(loaded) << to_string(loaded.error());
  EXPECT_EQ(loaded->config, Config{});
}

TEST(Options, SampleAsItStandsIsTheDefaults) {
  const auto loaded = parse(sample());
  ASSERT_TRUE(loaded) << to_string(loaded.error());
  EXPECT_EQ(loaded->config, Config{});
}

TEST(Options, KeysAreUniqueAndWellFormed) {
  std::set<std::string> keys;
  for (const auto& section : sections()) {
    EXPECT_FALSE(section.doc.empty()) << section.name;
    for (const auto& option : section.options) {
      EXPECT_TRUE(keys.insert(section.name + "." + option.key).second) << option.key;
      EXPECT_EQ(option.key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos) << option.key;
    }
  }
}

TEST(Options, NoLineOfTheSampleIsTooLong) {
  const auto text = sample();
  for (std::size_t from = 0; from < text.size();) {
    const auto end = text.find('\n', from);
    EXPECT_LE(end - from, 130U) << text.substr(from, end - from);
    from = end + 1;
  }
}

TEST(Options, InstalledFileIsTheSample) {
  const std::string path = POSTERN_SOURCE_DIR "/etc/postern.toml";
  if (std::getenv("POSTERN_RENEW") != nullptr) std::ofstream(path, std::ios::binary) << sample();
  const auto installed = read_file(path);
  ASSERT_TRUE(installed) << installed.error().text;
  EXPECT_EQ(*installed, sample()) << "run POSTERN_RENEW=1 config_test";
}

TEST(RestartNeeded, NamesOnlyWhatAReloadDoesNotReach) {
  const Config running;
  Config wanted;
  EXPECT_TRUE(restart_needed(running, wanted).empty());
  wanted.limits.header_bytes = MiB;
  wanted.server.log_level = LogLevel::debug;
  EXPECT_TRUE(restart_needed(running, wanted).empty());
  wanted.listen.smtp = {};
  wanted.server.threads = 3;
  wanted.dns.stub = {{"inside.example", {{"127.0.0.1", 53}}}};
  wanted.tls.key = "/etc/ssl/other.key";
  wanted.tls.sni = {{"other.example", "/etc/ssl/other.pem", "/etc/ssl/other.key"}};
  EXPECT_EQ(restart_needed(running, wanted),
            (std::vector<std::string>{"server.threads", "tls.key", "listen.smtp", "tls.sni", "dns.stub"}));
}

TEST(Live, KeepsOldConfigurationsForThoseWhoHoldThem) {
  Live live{Config{}};
  const auto before = live.get();
  Config next;
  next.server.threads = 9;
  live.replace(next);
  EXPECT_EQ(before->server.threads, 0U);
  EXPECT_EQ(live.get()->server.threads, 9U);
}

}  // namespace
}  // namespace postern::config
