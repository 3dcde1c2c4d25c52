// SPDX-License-Identifier: Apache-2.0
// Plays tests/dialogues/pop3/*.txt.
#include "tests/pop3/house.h"

namespace postern::test {
namespace {

class Pop3Dialogue : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Pop3Dialogue, Plays) {
  Pop3House house;
  run_dialogue(GetParam(), house);
}

INSTANTIATE_TEST_SUITE_P(Pop3, Pop3Dialogue,
                         testing::ValuesIn(dialogue_files(std::filesystem::path(POSTERN_SOURCE_DIR) / "tests/dialogues/pop3")),
                         [](const auto& info) { return dialogue_name(info.param); });

}  // namespace
}  // namespace postern::test
