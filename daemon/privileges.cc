// SPDX-License-Identifier: Apache-2.0
#include "daemon/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

namespace postern::daemon {

namespace {

constexpr mode_t private_umask = 077;
constexpr mode_t folder_mode = 0700;
constexpr rlim_t descriptors_wanted = 65'536;

struct Ids {
  uid_t user;
  gid_t group;
};

Result<Ids> find_ids(const std::string& user, const std::string& group) {
  const auto* who = ::getpwnam(user.c_str());
  if (!who) {
    return fail(ErrorKind::not_found, "there is no user " + user + "; make it with: adduser --system --group --no-create-home " +
                                          user + ", or name another one in [server] user");
  }
  const uid_t uid = who->pw_uid;
  const auto* which = ::getgrnam(group.c_str());
  if (!which) return fail(ErrorKind::not_found, "there is no group " + group + "; make it with: addgroup --system " + group);
  if (uid == 0) return fail(ErrorKind::denied, "[server] user must not be root");
  return Ids{uid, which->gr_gid};
}

}  // namespace

std::size_t harden_process() {
  ::umask(private_umask);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, descriptors_wanted);
  ::setrlimit(RLIMIT_NOFILE, &files);
  return files.rlim_cur;
}

Result<> prepare_data_folder(const std::filesystem::path& folder, const std::string& user, const std::string& group) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error) return std::unexpected(errno_error("make the data folder " + folder.string(), error.value()));
  if (made && ::chmod(folder.c_str(), folder_mode) != 0) return std::unexpected(errno_error("chmod " + folder.string(), errno));
  if (::geteuid() != 0 || user.empty()) return {};
  const auto ids = find_ids(user, group);
  if (!ids) return std::unexpected(ids.error());
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0) return std::unexpected(errno_error("look at " + folder.string(), errno));
  if (info.st_uid == 0 && ::chown(folder.c_str(), ids->user, ids->group) != 0) {
    return std::unexpected(errno_error("chown " + folder.string(), errno));
  }
  return {};
}

Result<> drop_privileges(const std::string& user, const std::string& group) {
  if (::geteuid() != 0 || user.empty()) return {};
  const auto ids = find_ids(user, group);
  if (!ids) return std::unexpected(ids.error());
  if (::setgroups(0, nullptr) != 0) return std::unexpected(errno_error("setgroups", errno));
  if (::setresgid(ids->group, ids->group, ids->group) != 0) return std::unexpected(errno_error("setresgid", errno));
  if (::setresuid(ids->user, ids->user, ids->user) != 0) return std::unexpected(errno_error("setresuid", errno));
  if (::setuid(0) == 0) return fail(ErrorKind::internal, "root could be regained after dropping it");
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // changing ids may have reset it
  return {};
}

}  // namespace postern::daemon
