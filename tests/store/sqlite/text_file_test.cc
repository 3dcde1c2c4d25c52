// SPDX-License-Identifier: Apache-2.0
// TextFile: what is appended comes back, what is retired is gone from the disk, and damage of any kind only loses entries.
#include "store/sqlite/text_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <random>

#include "tests/support/folder.h"

namespace postern::store::sqlite {
namespace {

using postern::test::Folder;

TextDocument document(std::uint64_t blob, std::string subject, std::string body) {
  TextDocument out;
  out.entry = {.blob = blob, .checksum = blob * 7};
  out.texts = {std::move(subject), "", std::move(body)};
  return out;
}

class TextFileTest : public testing::Test {
 protected:
  std::unique_ptr<TextFile> open(std::uint32_t account = 1) { return std::move(TextFile::open(path_, account).value()); }
  static std::vector<TextDocument> documents(std::uint64_t from, std::uint64_t n, std::size_t size = 1'000) {
    std::vector<TextDocument> out;
    for (std::uint64_t i = from; i < from + n; ++i) {
      out.push_back(document(i, "S" + std::to_string(i), std::string(size, static_cast<char>('a' + i % 26)) + std::to_string(i)));
    }
    return out;
  }
  static std::string contents(const TextFile& file) {
    std::string out;
    for (const auto& block : file.view()->blocks) {
      const auto read = file.read(*block);
      if (!read) return "damaged";
      for (const auto& one : *read) out += std::to_string(one.entry.blob) + ":" + one.texts[0] + ";";
    }
    return out;
  }
  std::uint64_t room() const {
    struct stat info{};
    ::stat(path_.c_str(), &info);
    return static_cast<std::uint64_t>(info.st_blocks) * 512;
  }
  std::string bytes() const { return read_file(path_).value(); }
  void write(std::string_view bytes) const {
    const UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_TRUNC));
    ASSERT_TRUE(write_all_at(fd.get(), bytes, 0));
  }

  Folder folder_;
  std::filesystem::path path_ = folder_.path() / "1.tx";
};

TEST_F(TextFileTest, KeepsWhatItGot) {
  {
    auto file = open();
    ASSERT_TRUE(file->append({document(3, "C", "c"), document(1, "A", "a"), document(2, "B", "")}));
    EXPECT_EQ(contents(*file), "1:A;2:B;3:C;");
  }
  auto file = open();
  EXPECT_EQ(contents(*file), "1:A;2:B;3:C;");
  EXPECT_EQ(file->entries(), 3U);
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
  ASSERT_TRUE(file->append(documents(10, 1'000)));
  const auto view = file->view();
  EXPECT_GT(view->blocks.size(), 3U);
  for (const auto& block : view->blocks) EXPECT_LE(block->length(), TextFile::block_text + 2'000);
  EXPECT_EQ(open()->entries(), 1'003U);
}

TEST_F(TextFileTest, RetiredTextLeavesTheDisk) {
  auto file = open();
  std::mt19937_64 random(1);
  std::string noise;
  for (int i = 0; i < 30'000; ++i) noise += std::to_string(random());
  ASSERT_TRUE(file->append({document(1, "A", noise)}));
  ASSERT_TRUE(file->append({document(2, "B", "stays")}));
  const auto old = file->view();
  const auto before = room();
  const auto dead = old->blocks.front();
  const std::string stored = bytes().substr(dead->offset + TextBlockHeader::size + dead->header.table_octets(), 4'096);
  file->retire({dead});
  EXPECT_EQ(contents(*file), "2:B;");
  EXPECT_EQ(bytes().find(stored.substr(1'000, 64)), std::string::npos);
  EXPECT_LT(room() + 100'000, before);
  // Whoever still holds the old view notices.
  EXPECT_FALSE(SectionReader().read(*old->file, *dead, mime::TextPlace::body).has_value());
  EXPECT_TRUE(SectionReader().read(*old->file, *old->blocks[1], mime::TextPlace::body).has_value());
  EXPECT_EQ(contents(*open()), "2:B;");
}

TEST_F(TextFileTest, CompactionKeepsTheLiving) {
  auto file = open();
  std::mt19937_64 random(1);
  for (std::uint64_t i = 1; i <= 8; ++i) {
    std::string noise;
    while (noise.size() < 600'000) noise += std::to_string(random());
    ASSERT_TRUE(file->append({document(i, "S" + std::to_string(i), noise)}));
  }
  auto blocks = file->view()->blocks;
  const auto old = file->view();
  file->retire({blocks.begin(), blocks.begin() + 6});
  const auto size = file->octets();
  ASSERT_TRUE(file->compact());
  EXPECT_LT(file->octets() * 3, size);
  EXPECT_EQ(contents(*file), "7:S7;8:S8;");
  EXPECT_TRUE(file->in_place());
  // The old view reads the old file.
  EXPECT_TRUE(SectionReader().read(*old->file, *old->blocks[7], mime::TextPlace::body).has_value());
  ASSERT_TRUE(file->append({document(9, "S9", "n")}));
  EXPECT_EQ(contents(*open()), "7:S7;8:S8;9:S9;");
  EXPECT_FALSE(std::filesystem::exists(path_.string() + ".new"));
}

TEST_F(TextFileTest, OfAnotherAccountOrByOtherRulesIsRemoved) {
  ASSERT_TRUE(open()->append({document(1, "A", "a")}));
  EXPECT_EQ(contents(*open(2)), "");
  ASSERT_TRUE(open(2)->append({document(1, "A", "a")}));
  auto other = bytes();
  other.replace(0, TextFileHeader::size, encode(TextFileHeader{2, mime::search_text_version() + 1}));
  write(other);
  EXPECT_EQ(contents(*open(2)), "");
}

TEST_F(TextFileTest, NoticesThatItWasTakenAway) {
  auto file = open();
  ASSERT_TRUE(file->append({document(1, "A", "a")}));
  EXPECT_TRUE(file->in_place());
  std::filesystem::resize_file(path_, 30);
  EXPECT_FALSE(file->in_place());
  std::filesystem::remove(path_);
  EXPECT_FALSE(file->in_place());
}

// Every octet changed, and every length cut: entries may be missing, but never wrong, and nothing is read beyond the file.
TEST_F(TextFileTest, DamageLosesEntriesOnly) {
  {
    auto file = open();
    ASSERT_TRUE(file->append({document(1, "A", "aaa"), document(2, "B", "bbb")}));
    ASSERT_TRUE(file->append({document(3, "C", "ccc")}));
  }
  const auto good = bytes();
  const auto check = [&] {
    const auto file = open();
    for (const auto& block : file->view()->blocks) {
      const auto read = file->read(*block);
      if (!read) continue;
      for (const auto& one : *read) {
        ASSERT_GE(one.entry.blob, 1U);
        ASSERT_LE(one.entry.blob, 3U);
        EXPECT_EQ(one.texts[0], std::string(1, static_cast<char>('A' + one.entry.blob - 1)));
        EXPECT_EQ(one.texts[2], std::string(3, static_cast<char>('a' + one.entry.blob - 1)));
      }
    }
  };
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x55);
    write(bad);
    check();
    write(good.substr(0, i));
    check();
  }
}

}  // namespace
}  // namespace postern::store::sqlite
