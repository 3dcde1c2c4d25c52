// SPDX-License-Identifier: Apache-2.0
#include "daemon/failure.h"

#include <gtest/gtest.h>

namespace postern::daemon {
namespace {

// docs/man/postern.8, EXIT STATUS.
TEST(Failure, EachKindHasItsCode) {
  const std::pair<ErrorKind, int> cases[] = {{ErrorKind::invalid, 10},  {ErrorKind::not_found, 10}, {ErrorKind::denied, 12},
                                             {ErrorKind::exists, 13},   {ErrorKind::corrupt, 14},   {ErrorKind::unsupported, 15},
                                             {ErrorKind::no_space, 16}, {ErrorKind::conflict, 17},  {ErrorKind::io, 19},
                                             {ErrorKind::internal, 19}};
  for (const auto& [kind, code] : cases) EXPECT_EQ(exit_code_for(kind), code) << to_string(kind);
}

TEST(Failure, KeepsTheText) {
  const Started<void> started = cannot_start(Error{ErrorKind::corrupt, "mail.db is damaged; restore it"});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().text, "mail.db is damaged; restore it");
  EXPECT_EQ(started.error().code, 14);
}

}  // namespace
}  // namespace postern::daemon
