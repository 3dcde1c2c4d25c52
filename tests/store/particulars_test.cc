// SPDX-License-Identifier: Apache-2.0
#include "store/particulars.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

// RFC 8474 §4: the same id for the same thing only; where one part ends and the next begins belongs to it.
TEST(ObjectId, PartsDoNotRunTogether) {
  const auto id = make_object_id('M', {"ab", "c"});
  EXPECT_EQ(make_object_id('M', {"ab", "c"}), id);
  EXPECT_NE(make_object_id('M', {"a", "bc"}), id);
  EXPECT_NE(make_object_id('M', {"abc"}), id);
  EXPECT_NE(make_object_id('M', {"ab", "c", ""}), id);
  EXPECT_NE(make_object_id('F', {"ab", "c"}), id);
  EXPECT_LE(id.size(), 255U);
  EXPECT_EQ(id.find_first_not_of("M0123456789abcdef"), std::string::npos) << id;
}

}  // namespace
}  // namespace postern::store
