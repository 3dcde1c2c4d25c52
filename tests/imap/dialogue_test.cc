// SPDX-License-Identifier: Apache-2.0
// Plays tests/dialogues/imap/*.txt.
#include "tests/imap/house.h"

namespace postern::test {
namespace {

class ImapDialogue : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(ImapDialogue, Plays) {
  ImapHouse house;
  run_dialogue(GetParam(), house);
}

INSTANTIATE_TEST_SUITE_P(Imap, ImapDialogue,
                         testing::ValuesIn(dialogue_files(std::filesystem::path(POSTERN_SOURCE_DIR) / "tests/dialogues/imap")),
                         [](const auto& info) { return dialogue_name(info.param); });

}  // namespace
}  // namespace postern::test
