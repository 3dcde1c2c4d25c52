// SPDX-License-Identifier: Apache-2.0
// Plays tests/dialogues/imap/*.txt, with the store in memory and with the real one.
#include <fstream>

#include "tests/imap/house.h"

namespace postern::test {
namespace {

/// Whether the dialogue fills the disk, which the store in memory can play.
bool needs_memory(const std::filesystem::path& file) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("do disk_full")) return true;
  }
  return false;
}

class ImapDialogue : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(ImapDialogue, Plays) {
  ImapHouse house;
  run_dialogue(GetParam(), house);
}

TEST_P(ImapDialogue, PlaysOnTheRealStore) {
  if (needs_memory(GetParam())) GTEST_SKIP() << "the disk of the real store cannot be filled here";
  ImapHouse house(HouseStore::sqlite);
  run_dialogue(GetParam(), house);
}

INSTANTIATE_TEST_SUITE_P(Imap, ImapDialogue,
                         testing::ValuesIn(dialogue_files(std::filesystem::path(POSTERN_SOURCE_DIR) / "tests/dialogues/imap")),
                         [](const auto& info) { return dialogue_name(info.param); });

}  // namespace
}  // namespace postern::test
