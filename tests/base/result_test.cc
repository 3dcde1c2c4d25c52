// SPDX-License-Identifier: Apache-2.0
// Every kind has its own name, and temporary kinds are the ones that time can heal.
#include "base/result.h"

#include <gtest/gtest.h>

#include <set>

namespace postern {
namespace {

TEST(ErrorKind, NamesAreDistinct) {
  std::set<std::string_view> names;
  const auto last = static_cast<int>(ErrorKind::internal);
  for (int i = 0; i <= last; ++i) names.insert(to_string(static_cast<ErrorKind>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(last + 1));
}

TEST(ErrorKind, TemporaryMeansTryAgain) {
  for (const auto kind : {ErrorKind::unavailable, ErrorKind::timeout, ErrorKind::no_space, ErrorKind::io, ErrorKind::over_quota})
    EXPECT_TRUE(is_temporary(kind));
  for (const auto kind : {ErrorKind::invalid, ErrorKind::denied, ErrorKind::corrupt, ErrorKind::internal, ErrorKind::not_found})
    EXPECT_FALSE(is_temporary(kind));
}

TEST(Result, CarriesTheFailure) {
  const Result<int> result = fail(ErrorKind::limit, "too many");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{ErrorKind::limit, "too many"}));
}

}  // namespace
}  // namespace postern
