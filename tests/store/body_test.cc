// SPDX-License-Identifier: Apache-2.0
#include "store/body.h"

#include <gtest/gtest.h>

#include "store/spool.h"
#include "tests/support/folder.h"

namespace postern::store {

namespace {

std::string all(const Body& body) {
  std::string out(body.size(), '\0');
  std::size_t at = 0;
  while (at < out.size()) at += body.read(at, std::span(out).subspan(at, std::min<std::size_t>(1000, out.size() - at))).value();
  char one = 0;
  EXPECT_EQ(body.read(body.size(), {&one, 1}).value(), 0u);
  return out;
}

}  // namespace

TEST(Spool, StaysInMemoryUpToItsLimit) {
  const auto spool = make_spool("/nonexistent");
  ASSERT_TRUE(spool->write(std::string(Spool::memory_limit, 'x')));
  const auto body = spool->finish().value();
  EXPECT_EQ(body->size(), Spool::memory_limit);
  EXPECT_EQ(body->memory().size(), Spool::memory_limit);
  EXPECT_EQ(body->descriptor(), -1);
}

TEST(Spool, MovesToAFileWithoutName) {
  const test::Folder folder;
  const auto spool = make_spool(folder.path());
  std::string expected;
  for (int i = 0; i < 400; ++i) {
    const std::string line = std::to_string(i) + std::string(1000, 'a') + "\r\n";
    ASSERT_TRUE(spool->write(line));
    expected += line;
  }
  EXPECT_EQ(spool->size(), expected.size());
  const auto body = spool->finish().value();
  EXPECT_TRUE(body->memory().empty());
  EXPECT_GE(body->descriptor(), 0);
  EXPECT_EQ(all(*body), expected);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Spool, SaysWhenTheFolderIsMissing) {
  const auto spool = make_spool("/nonexistent");
  EXPECT_EQ(spool->write(std::string(Spool::memory_limit + 1, 'x')).error().kind, ErrorKind::not_found);
}

TEST(Body, ReadsFromMemory) { EXPECT_EQ(all(*body_of("hello")), "hello"); }

}  // namespace postern::store
