// SPDX-License-Identifier: Apache-2.0
// security.md D4: what leaves here can be misread by nobody.
#include "outbound/data_encoder.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace postern::outbound {
namespace {

std::string encode(std::string_view text, std::size_t step) {
  DataEncoder encoder;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += step) encoder.encode(text.substr(at, step), out);
  encoder.finish(out);
  return out;
}

TEST(DataEncoder, StuffsDotsAndEndsLines) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", ".\r\n"},
      {"a\r\n", "a\r\n.\r\n"},
      {"a", "a\r\n.\r\n"},
      {".", "..\r\n.\r\n"},
      {"..\r\n", "...\r\n.\r\n"},
      {"a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"},
      {"a.b\r\n", "a.b\r\n.\r\n"},
      {"\r\n.\r\n", "\r\n..\r\n.\r\n"},
      {"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"},
      {"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"},
      {"a\r\r\n", "a\r\n\r\n.\r\n"},
      {"a\n\r\n", "a\r\n\r\n.\r\n"},
      {"a\r", "a\r\n.\r\n"},
      {"\n.\r\nMAIL FROM:<x>\r\n", "\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"},
  };
  for (const auto& [in, out] : rows) {
    for (const std::size_t step : {1UL, 2UL, 3UL, 100UL}) EXPECT_EQ(encode(in, step), out) << testing::PrintToString(in);
  }
}

/// What a receiver makes of it that knows CRLF only.
std::string receive(std::string_view wire) {
  std::string out;
  for (;;) {
    const auto end = wire.find("\r\n");
    if (end == std::string_view::npos) return "unterminated";
    auto line = wire.substr(0, end);
    wire.remove_prefix(end + 2);
    if (line == ".") return wire.empty() ? out : "smuggled";
    if (line.starts_with('.')) line.remove_prefix(1);
    if (line.find_first_of("\r\n") != std::string_view::npos) return "bare";
    out.append(line).append("\r\n");
  }
}

TEST(DataEncoder, NothingInAMessageEndsItEarly) {
  static constexpr std::string_view pieces[] = {"\r", "\n", ".", "a", "\r\n", "\r\n.\r\n", "\n.\n", "\r.\r", ""};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text += pieces[random::below(std::size(pieces))];
    const auto got = receive(encode(text, 1 + random::below(7)));
    ASSERT_FALSE(got == "smuggled" || got == "bare" || got == "unterminated") << testing::PrintToString(text);
  }
}

TEST(DataEncoder, GivesStrictLinesBackUnchanged) {
  const std::string text = "From: a\r\n\r\n.hidden\r\n..\r\n.\r\nend\r\n";
  EXPECT_EQ(receive(encode(text, 5)), text);
}

}  // namespace
}  // namespace postern::outbound
