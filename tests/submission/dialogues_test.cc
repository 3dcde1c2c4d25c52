// SPDX-License-Identifier: Apache-2.0
// Plays tests/dialogues/submission/*.txt against 587, 465 and the trusted-network listener.
#include "tests/submission/house.h"

namespace postern::test {
namespace {

class SubmissionDialogue : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(SubmissionDialogue, Plays) {
  SubmissionHouse house({.messages_per_hour = 3, .recipients_per_hour = 10, .messages_per_day = 5, .recipients_per_day = 50});
  run_dialogue(GetParam(), house);
}

INSTANTIATE_TEST_SUITE_P(Submission, SubmissionDialogue,
                         testing::ValuesIn(dialogue_files(std::filesystem::path(POSTERN_SOURCE_DIR) /
                                                          "tests/dialogues/submission")),
                         [](const auto& info) { return dialogue_name(info.param); });

}  // namespace
}  // namespace postern::test
