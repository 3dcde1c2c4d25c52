// SPDX-License-Identifier: Apache-2.0
#include "daemon/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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
                                          user + ", or name another one in server.user");
  }
  const Ids ids{who->pw_uid, who->pw_gid};
  if (ids.user == 0)
    return fail(ErrorKind::invalid, "server.user must not be root; name a user of its own, or \"\" to stay what you start as");
  if (group.empty()) return ids;
  const auto* which = ::getgrnam(group.c_str());
  if (!which) {
    return fail(ErrorKind::not_found, "there is no group " + group + "; make it with: addgroup --system " + group +
                                          ", or name another one in server.group");
  }
  return Ids{ids.user, which->gr_gid};
}

// Why the data folder cannot be, and what to do.
Error explain(const std::filesystem::path& folder, int code) {
  auto error = errno_error("server.data_dir: " + folder.string(), code);
  switch (code) {
    case EEXIST:
    case ENOTDIR: return {ErrorKind::invalid, error.text + "; a file is in the way: name another folder, or move the file"};
    case ENOENT: return {ErrorKind::invalid, error.text + "; no folder can be made there: name another one"};
    case EROFS: return {ErrorKind::denied, error.text + "; mount it for writing, or name another folder"};
    case EACCES:
    case EPERM: return {ErrorKind::denied, error.text + "; start as root, or give the folder to the user postern runs as"};
    case ENOSPC:
    case EDQUOT: return {ErrorKind::no_space, error.text + "; free some space there, or name another folder"};
    default: return error;
  }
}

// What systemd or file capabilities gave us for the ports, once these are bound.
Result<> drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0) return std::unexpected(errno_error("give up capabilities", errno));
  return {};
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
  if (!error && !std::filesystem::is_directory(folder, error) && !error) error = std::make_error_code(std::errc::not_a_directory);
  if (error) return std::unexpected(explain(folder, error.value()));
  if (made && ::chmod(folder.c_str(), folder_mode) != 0) return std::unexpected(explain(folder, errno));
  if (::geteuid() != 0 || user.empty()) return {};
  const auto ids = find_ids(user, group);
  if (!ids) return std::unexpected(ids.error());
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0) return std::unexpected(explain(folder, errno));
  if (info.st_uid == 0 && ::chown(folder.c_str(), ids->user, ids->group) != 0) return std::unexpected(explain(folder, errno));
  return {};
}

Result<> drop_privileges(const std::string& user, const std::string& group) {
  if (::geteuid() != 0) return drop_capabilities();
  if (user.empty()) return {};
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
