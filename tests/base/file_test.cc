// SPDX-License-Identifier: Apache-2.0
// Files: limits, exact reads, modes, and nothing left behind by a failed write.
#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "tests/support/folder.h"

namespace postern {
namespace {

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(File, WritesDurablyAndReadsBack) {
  const test::Folder folder;
  const auto path = folder / "a";
  ASSERT_TRUE(write_file_durably(path, "one"));
  ASSERT_TRUE(write_file_durably(path, std::string("t\0wo", 4), 0640));
  EXPECT_EQ(read_file(path), std::string("t\0wo", 4));
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0640U);
  EXPECT_EQ(files_in(folder.path()), 1U);
}

TEST(File, FailedWriteLeavesNothing) {
  const test::Folder folder;
  std::filesystem::create_directory(folder / "taken");
  EXPECT_FALSE(write_file_durably(folder / "taken", "x"));  // a folder cannot be replaced by a file
  EXPECT_EQ(files_in(folder.path()), 1U);
  EXPECT_EQ(write_file_durably(folder / "no/such", "x").error().kind, ErrorKind::not_found);
}

TEST(File, ReadKeepsItsLimit) {
  const test::Folder folder;
  ASSERT_TRUE(write_file_durably(folder / "a", std::string(100, 'x')));
  EXPECT_TRUE(read_file(folder / "a", 100));
  EXPECT_EQ(read_file(folder / "a", 99).error().kind, ErrorKind::too_large);
  const auto missing = read_file(folder / "b");
  EXPECT_EQ(missing.error().kind, ErrorKind::not_found);
  EXPECT_NE(missing.error().text.find((folder / "b").string()), std::string::npos);
}

TEST(File, ReadsAndWritesExactly) {
  const test::Folder folder;
  const UniqueFd fd(::open((folder / "a").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(fd);
  ASSERT_TRUE(write_all_at(fd.get(), "world", 6));
  ASSERT_TRUE(write_all_at(fd.get(), "hello ", 0));
  std::string out(11, ' ');
  ASSERT_TRUE(read_all_at(fd.get(), out, 0));
  EXPECT_EQ(out, "hello world");
  EXPECT_EQ(read_all_at(fd.get(), out, 1).error().kind, ErrorKind::io);
  EXPECT_EQ(write_all_at(-1, "x", 0).error().kind, ErrorKind::io);
}

TEST(File, ChecksWhoMayUseIt) {
  const test::Folder folder;
  const auto path = folder / "a";
  ASSERT_TRUE(write_file_durably(path, "", 0600));
  EXPECT_TRUE(require_private(path));
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  EXPECT_EQ(require_private(path).error().kind, ErrorKind::denied);
  EXPECT_TRUE(require_not_world_writable(path));
  ASSERT_EQ(::chmod(path.c_str(), 0602), 0);
  EXPECT_EQ(require_not_world_writable(path).error().kind, ErrorKind::denied);
  EXPECT_EQ(require_private(folder / "b").error().kind, ErrorKind::not_found);
}

TEST(File, ErrorsKeepTheirMeaning) {
  const std::pair<int, ErrorKind> rows[] = {{ENOSPC, ErrorKind::no_space},  {EDQUOT, ErrorKind::no_space},
                                            {ENOENT, ErrorKind::not_found}, {EEXIST, ErrorKind::exists},
                                            {EACCES, ErrorKind::denied},    {EIO, ErrorKind::io}};
  for (const auto& [code, kind] : rows) EXPECT_EQ(errno_error("x", code).kind, kind);
  EXPECT_EQ(errno_error("open a", ENOENT).text, "open a: No such file or directory");
}

TEST(UniqueFd, ClosesOnce) {
  UniqueFd one(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = one.get();
  UniqueFd two(std::move(one));
  EXPECT_FALSE(one);  // NOLINT(bugprone-use-after-move): the point of the test
  EXPECT_EQ(two.get(), number);
  two.reset();
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

}  // namespace
}  // namespace postern
