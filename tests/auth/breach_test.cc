// SPDX-License-Identifier: Apache-2.0
// The breach list from import to question: formats, sorting with little memory, damage, and a list that changes under way.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "auth/breach_file.h"
#include "auth/breach_import.h"
#include "auth/breach_list.h"
#include "auth/breach_sort.h"
#include "base/encoding.h"
#include "tests/support/folder.h"

namespace postern::auth {
namespace {

constexpr UnixTime now = 1'800'000'000;

std::string sha1_hex(std::string_view text) {
  std::string digest(SHA_DIGEST_LENGTH, '\0');
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return hex_encode(digest);
}

struct Import : testing::Test {
  test::Folder folder;
  std::filesystem::path list = folder / "breach.list";

  Result<BreachReport> import(std::string_view text, BreachImport wanted = {}) {
    const auto source = folder / "source";
    std::ofstream(source, std::ios::binary) << text;
    const UniqueFd fd(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
    wanted.target = list;
    return import_breaches(fd.get(), wanted, now);
  }
  bool has(std::string_view password) { return BreachFile::open(list).value().contains(breach_key(password)).value(); }
  std::set<std::string> names() {
    std::set<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) out.insert(entry.path().filename().string());
    return out;
  }
};

TEST_F(Import, TakesPasswordsOneALine) {
  const auto report = import("kettle-orbit-famine\r\nhunter2\n\n  spaced  \ncaf\u0065\u0301 noir\nlast without end");
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(report->format, BreachFormat::passwords);
  EXPECT_EQ(report->lines, 6U);
  EXPECT_EQ(report->skipped, 1U);
  EXPECT_EQ(report->keys, 5U);
  for (const auto* password : {"kettle-orbit-famine", "hunter2", "  spaced  ", "caf\u00e9 noir", "last without end"}) {
    EXPECT_TRUE(has(password)) << password;
  }
  EXPECT_FALSE(has("hunter"));
  const auto file = BreachFile::open(list);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->info().made, now);
  EXPECT_EQ(file->info().lines, 6U);
  EXPECT_TRUE(file->verify({}));
  EXPECT_EQ(names(), (std::set<std::string>{"breach.list", "source"})) << "no intermediate file is left";
}

TEST_F(Import, TakesDigestsWithCounts) {
  const auto report =
      import(sha1_hex("alpha") + ":1200\r\n" + sha1_hex("beta") + ":3\n" + sha1_hex("gamma") + "\n", {.least_count = 10});
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(report->format, BreachFormat::sha1);
  EXPECT_EQ(report->rare, 1U);
  EXPECT_EQ(report->keys, 2U);
  EXPECT_TRUE(has("alpha"));
  EXPECT_FALSE(has("beta"));
  EXPECT_TRUE(has("gamma"));
}

TEST_F(Import, TellsWhatItCannotTake) {
  struct Case {
    std::string text;
    BreachFormat format;
    std::string_view begins;
  };
  const Case cases[] = {
      {"", BreachFormat::detect, "there is no password in this list"},
      {"\n\r\n", BreachFormat::detect, "there is no password in this list"},
      {std::string(32, 'a') + ":5\n", BreachFormat::detect, "this is a list of NTLM digests"},
      {sha1_hex("a") + ":1\nhunter2\n", BreachFormat::detect, "line 2 is no SHA-1 digest"},
      {sha1_hex("a") + ":\n", BreachFormat::sha1, "line 1 is no SHA-1 digest"},
      {sha1_hex("a") + ":1x\n", BreachFormat::sha1, "line 1 is no SHA-1 digest"},
      {sha1_hex("a") + " 1\n", BreachFormat::sha1, "line 1 is no SHA-1 digest"},
      {"zz" + sha1_hex("a").substr(2) + "\n", BreachFormat::sha1, "line 1 is no SHA-1 digest"},
  };
  ASSERT_TRUE(import("the old list\n"));
  for (const auto& one : cases) {
    const auto report = import(one.text, {.format = one.format});
    ASSERT_FALSE(report) << one.text;
    EXPECT_EQ(report.error().kind, ErrorKind::invalid);
    EXPECT_TRUE(report.error().text.starts_with(one.begins)) << report.error().text;
    EXPECT_TRUE(has("the old list")) << "the old list stands";
    EXPECT_FALSE(names().contains("breach.list.part"));
  }
}

TEST_F(Import, SkipsWhatNobodyCanSet) {
  const auto report = import(std::string(513, 'x') + "\n" + std::string(100'000, 'y') + "\nshort\n\xff\xfe not text\n");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->skipped, 2U);
  EXPECT_EQ(report->keys, 2U);
  EXPECT_TRUE(has("short"));
}

// More keys than fit: 40,000 in a buffer of 1,024, in any order, each twice.
TEST_F(Import, SortsWithLittleMemory) {
  std::string text;
  constexpr unsigned many = 20'000;
  for (unsigned i = 0; i < 2 * many; ++i) text += "password number " + std::to_string(i * 7919 % many) + "\n";
  std::uint64_t written = 0;
  const auto report = import(text, {.memory = 8 * 1024, .progress = [&](const BreachProgress& p) {
                                      EXPECT_EQ(p.total, text.size());
                                      written = p.written;
                                      return true;
                                    }});
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(report->keys, many);
  EXPECT_EQ(written, many);
  const auto file = BreachFile::open(list);
  ASSERT_TRUE(file && file->verify({}));
  for (unsigned i = 0; i < many; i += 97) {
    EXPECT_TRUE(file->contains(breach_key("password number " + std::to_string(i))).value()) << i;
    EXPECT_FALSE(file->contains(breach_key("password number " + std::to_string(i + many))).value()) << i;
  }
}

TEST_F(Import, OneAtATime) {
  ASSERT_TRUE(import("first\n"));
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const UniqueFd reading(pipe[0]);
  UniqueFd writing(pipe[1]);
  Result<BreachReport> second = fail(ErrorKind::internal, "not run");
  ASSERT_EQ(::write(writing.get(), "slow\n", 5), 5);
  writing.reset();
  const auto slow = import_breaches(reading.get(),
                                    {.target = list,
                                     .progress =
                                         [&](const BreachProgress&) {
                                           second = import("quick\n");
                                           return true;
                                         }},
                                    now);
  EXPECT_TRUE(slow);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(has("slow"));
}

TEST_F(Import, CanBeStopped) {
  ASSERT_TRUE(import("the old list\n"));
  for (const unsigned after : {0U, 1U, 3U}) {
    unsigned calls = 0;
    const auto report =
        import(std::string(200'000, '\n') + "new\n", {.progress = [&](const BreachProgress&) { return calls++ < after; }});
    ASSERT_FALSE(report) << after;
    EXPECT_EQ(report.error().text, "stopped; nothing was changed");
    EXPECT_TRUE(has("the old list"));
    EXPECT_EQ(names(), (std::set<std::string>{"breach.list", "source"}));
  }
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const UniqueFd reading(pipe[0]);
  const UniqueFd writing(pipe[1]);
  const auto report =
      import_breaches(reading.get(), {.target = list, .progress = [](const BreachProgress&) { return false; }}, now);
  EXPECT_FALSE(report) << "also while a pipe gives nothing";
}

TEST(KeySorter, MergesMoreRunsThanItKeeps) {
  test::Folder folder;
  KeySorter sorter(folder.path(), 8 * 1024);
  constexpr std::uint64_t runs = 150, each = 1024;
  for (std::uint64_t run = runs; run > 0; --run) {
    for (std::uint64_t i = 0; i < each; ++i) ASSERT_TRUE(sorter.add(i * runs + run));
  }
  std::uint64_t expected = 1;
  const auto done = sorter.finish([&](const std::vector<BreachKey>& keys) {
    for (const auto key : keys) {
      if (key != expected++) return Result<>(fail(ErrorKind::internal, "out of order"));
    }
    return Result<>();
  });
  EXPECT_TRUE(done);
  EXPECT_EQ(expected, runs * each + 1);
}

/// A file of these keys.
void write_list(const std::filesystem::path& path, const std::vector<BreachKey>& keys) {
  std::string bytes;
  for (const auto key : keys) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(key >> shift);
  }
  const auto header = breach_header({.keys = keys.size(), .lines = keys.size(), .made = now, .digest = std::string(32, 'd')});
  std::ofstream(path, std::ios::binary | std::ios::trunc) << header << bytes;
}

// Keys that are not spread as hashes are: the search still ends and finds.
TEST(BreachFile, FindsInAnyDistribution) {
  test::Folder folder;
  const auto path = folder / "list";
  std::vector<BreachKey> dense, ends, powers;
  for (std::uint64_t i = 0; i < 20'000; ++i) dense.push_back(0x7000000000000000U + i * 2);
  for (std::uint64_t i = 0; i < 5000; ++i) ends.push_back(i * 2);
  for (std::uint64_t i = 5000; i > 0; --i) ends.push_back(~std::uint64_t{0} - 1 - i * 2);
  for (int bit = 1; bit < 64; ++bit) powers.push_back(std::uint64_t{1} << bit);
  for (const auto& keys : {dense, ends, powers, std::vector<BreachKey>{42}, std::vector<BreachKey>{}}) {
    write_list(path, keys);
    const auto file = BreachFile::open(path);
    ASSERT_TRUE(file) << file.error().text;
    for (std::size_t i = 0; i < keys.size(); i += std::max<std::size_t>(1, keys.size() / 200)) {
      EXPECT_TRUE(file->contains(keys[i]).value()) << i;
      EXPECT_FALSE(file->contains(keys[i] + 1).value()) << i;
    }
    EXPECT_FALSE(file->contains(1).value());
    EXPECT_FALSE(file->contains(~std::uint64_t{0}).value());
  }
}

TEST(BreachFile, SeesDamage) {
  test::Folder folder;
  const auto path = folder / "list";
  std::vector<BreachKey> keys;
  for (std::uint64_t i = 1; i <= 3000; ++i) keys.push_back(i << 48);
  write_list(path, keys);
  EXPECT_FALSE(BreachFile::open(path)->verify({})) << "the digest is made up";

  const auto read = [&] { return read_file(path).value(); };
  const auto whole = read();
  const auto with = [&](std::string bytes) { std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes; };
  std::string flipped = whole;
  flipped[20] = static_cast<char>(flipped[20] ^ 1);
  for (const auto& bytes : {std::string(), std::string("PSTN"), whole.substr(0, 127), whole.substr(0, whole.size() - 1),
                            whole.substr(0, whole.size() - 8), whole + "12345678", flipped, std::string(5000, '\0')}) {
    with(bytes);
    const auto file = BreachFile::open(path);
    ASSERT_FALSE(file) << bytes.size();
    EXPECT_EQ(file.error().kind, ErrorKind::corrupt);
    EXPECT_NE(file.error().text.find("import it again"), std::string::npos);
  }
  auto shuffled = whole;
  std::fill(shuffled.begin() + breach_header_size + 8000, shuffled.end() - 8000, '\0');
  with(shuffled);
  const auto file = BreachFile::open(path);
  ASSERT_TRUE(file);
  const auto found = file->contains(keys[1500]);
  EXPECT_TRUE(!found || !*found);
  EXPECT_EQ(file->verify({}).error().kind, ErrorKind::corrupt);
  EXPECT_EQ(BreachFile::open(folder.path()).error().kind, ErrorKind::corrupt);
  EXPECT_EQ(BreachFile::open(folder / "absent").error().kind, ErrorKind::not_found);
}

// A list counts as soon as it is in place, and a broken one refuses nobody and is told once.
TEST_F(Import, IsFollowedWithoutARestart) {
  std::vector<std::string> lines;
  Log log(LogLevel::warning, [&](LogLevel, std::string_view line) { lines.emplace_back(line); });
  BreachList watched(list, log);
  const Secret secret("kettle-orbit-famine");
  EXPECT_FALSE(watched.contains(secret));
  const auto first = watched.edition();
  ASSERT_TRUE(import("kettle-orbit-famine\n"));
  EXPECT_TRUE(watched.contains(secret));
  EXPECT_NE(watched.edition(), first);
  ASSERT_TRUE(import("another\n"));
  EXPECT_FALSE(watched.contains(secret));
  EXPECT_TRUE(watched.contains(Secret("another")));
  EXPECT_TRUE(lines.empty());

  std::ofstream(list, std::ios::trunc) << "garbage";
  EXPECT_FALSE(watched.contains(Secret("another")));
  EXPECT_FALSE(watched.contains(Secret("another")));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("breach list not usable"), std::string::npos) << lines[0];
  EXPECT_EQ(lines[0].find("another"), std::string::npos);

  std::filesystem::remove(list);
  EXPECT_FALSE(watched.contains(secret));
  EXPECT_EQ(lines.size(), 1U);
}

}  // namespace
}  // namespace postern::auth
