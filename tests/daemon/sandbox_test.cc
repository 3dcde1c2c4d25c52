// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>

#include "tests/support/folder.h"

namespace postern::daemon {
namespace {

TEST(Sandbox, RefusesAndAllowsAsItShould) {
#ifdef POSTERN_SANITIZED
  GTEST_SKIP() << "the sanitizers need what the sandbox forbids";
#endif
  const test::Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const SandboxPaths paths{.read_write = {folder.path()}, .read_only = {"/usr/share/zoneinfo", "/nonexistent"}};
    if (const auto entered = enter_sandbox(paths); !entered) {
      std::cerr << entered.error().text << std::endl;
      ::_exit(2);
    }
    int holes = 0;
    for (const auto& probe : probe_sandbox(paths)) {
      if (probe.refused) continue;
      std::cerr << "hole: " << probe.what << std::endl;
      ++holes;
    }
    ::_exit(holes == 0 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace postern::daemon
