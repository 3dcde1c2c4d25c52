// SPDX-License-Identifier: Apache-2.0
#include "base/content_hash.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace postern {
namespace {

TEST(ContentHash, IsBlake2bOf16Octets) {
  ContentHash empty;
  EXPECT_EQ(hex_encode(empty.finish()), "cae66941d9efbd404e4d88758ea67670");
  ContentHash whole, parts;
  whole.add("hello world");
  parts.add("hello ");
  parts.add("");
  parts.add("world");
  EXPECT_EQ(whole.finish(), parts.finish());
}

}  // namespace
}  // namespace postern
