// SPDX-License-Identifier: Apache-2.0
#include "daemon/privileges.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/folder.h"

namespace postern::daemon {
namespace {

/// Runs in a child process; true when the check said so. Ends without the sanitizer's leak check, which cannot work there.
template <class Check>
bool in_child(Check check) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(check() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::uint32_t permitted() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  ::syscall(SYS_capget, &header, sets.data());
  return sets[0].permitted;
}

TEST(DataFolder, IsMadeForUsOnly) {
  const test::Folder folder;
  const auto data = folder / "a/b/data";
  ASSERT_TRUE(prepare_data_folder(data, "", ""));
  struct stat info{};
  ASSERT_EQ(::stat(data.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  EXPECT_TRUE(prepare_data_folder(data, "", "")) << "an existing one is fine";
}

TEST(DataFolder, FailuresSayWhatToDo) {
  const test::Folder folder;
  std::ofstream(folder / "file") << "x";
  struct Case {
    std::filesystem::path path;
    ErrorKind kind;
    const char* remedy;
  };
  const Case cases[] = {
      {folder / "file", ErrorKind::invalid, "a file is in the way"},
      {folder / "file/data", ErrorKind::invalid, "a file is in the way"},
      {"/proc/nothing/data", ErrorKind::invalid, "name another one"},
  };
  for (const auto& c : cases) {
    const auto made = prepare_data_folder(c.path, "", "");
    ASSERT_FALSE(made) << c.path;
    EXPECT_EQ(made.error().kind, c.kind) << made.error().text;
    EXPECT_NE(made.error().text.find(c.remedy), std::string::npos) << made.error().text;
    EXPECT_TRUE(made.error().text.starts_with("server.data_dir: ")) << made.error().text;
  }
}

TEST(DataFolder, UnknownUserIsNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const test::Folder folder;
  const auto no_user = prepare_data_folder(folder / "data", "no-such-user", "nogroup");
  ASSERT_FALSE(no_user);
  EXPECT_EQ(no_user.error().kind, ErrorKind::not_found);
  EXPECT_NE(no_user.error().text.find("adduser --system --group"), std::string::npos);
  const auto no_group = prepare_data_folder(folder / "data", "nobody", "no-such-group");
  ASSERT_FALSE(no_group);
  EXPECT_NE(no_group.error().text.find("addgroup --system"), std::string::npos);
  EXPECT_EQ(prepare_data_folder(folder / "data", "root", "nogroup").error().kind, ErrorKind::invalid);
}

TEST(Hardening, NoCoreDumpsAndAPrivateMask) {
  EXPECT_TRUE(in_child([] {
    harden_process();
    rlimit core{};
    ::getrlimit(RLIMIT_CORE, &core);
    return core.rlim_cur == 0 && core.rlim_max == 0 && ::prctl(PR_GET_DUMPABLE) == 0 && ::umask(0) == 077;
  }));
}

TEST(Privileges, RootIsGoneForGood) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_TRUE(in_child([] {
    if (!drop_privileges("nobody", "nogroup")) return false;
    uid_t real = 0, effective = 0, saved = 0;
    ::getresuid(&real, &effective, &saved);
    return real != 0 && effective == real && saved == real && ::setuid(0) != 0 && ::getgroups(0, nullptr) == 0 &&
           ::prctl(PR_GET_DUMPABLE) == 0;
  }));
  EXPECT_TRUE(in_child([] { return drop_privileges("", "") && ::geteuid() == 0; }));
}

// As under systemd: an ordinary user who was given CAP_NET_BIND_SERVICE for the ports.
TEST(Privileges, CapabilitiesOfAnOrdinaryUserGoToo) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_TRUE(in_child([] {
    if (::prctl(PR_SET_KEEPCAPS, 1) != 0 || ::syscall(SYS_setresuid, 65534, 65534, 65534) != 0) return false;
    return permitted() != 0 && drop_privileges("", "") && permitted() == 0;
  }));
}

}  // namespace
}  // namespace postern::daemon
