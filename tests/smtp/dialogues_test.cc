// SPDX-License-Identifier: Apache-2.0
// Plays tests/dialogues/smtp/*.txt against port 25.
#include "tests/smtp/house.h"

namespace postern::test {
namespace {

class SmtpDialogue : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(SmtpDialogue, Plays) {
  House house;
  run_dialogue(GetParam(), house);
}

INSTANTIATE_TEST_SUITE_P(Smtp, SmtpDialogue,
                         testing::ValuesIn(dialogue_files(std::filesystem::path(POSTERN_SOURCE_DIR) / "tests/dialogues/smtp")),
                         [](const auto& info) { return dialogue_name(info.param); });

}  // namespace
}  // namespace postern::test
