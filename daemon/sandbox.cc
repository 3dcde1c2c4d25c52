// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/landlock.h"

namespace postern::daemon {

namespace {

namespace ll = landlock;

constexpr int no_landlock = 0;

// The kernel's ABI number; 0 when Landlock is absent or off.
int landlock_abi() {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, ll::create_version);
  return abi < 0 ? no_landlock : static_cast<int>(abi);
}

std::uint64_t file_rights(int abi) {
  std::uint64_t rights = ll::all_fs_abi1;
  if (abi >= 2) rights |= ll::refer;
  if (abi >= 3) rights |= ll::truncate;
  if (abi >= 5) rights |= ll::ioctl_dev;
  return rights;
}

Result<> allow_path(int ruleset, const std::filesystem::path& path, std::uint64_t rights) {
  const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return {};
    return std::unexpected(errno_error("open " + path.string(), errno));
  }
  struct stat info{};
  ::fstat(fd.get(), &info);
  constexpr std::uint64_t on_files = ll::execute | ll::write_file | ll::read_file | ll::truncate | ll::ioctl_dev;
  ll::PathBeneath rule;
  rule.allowed_access = S_ISDIR(info.st_mode) ? rights : rights & on_files;
  rule.parent_fd = fd.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, ll::rule_path_beneath, &rule, 0) != 0) {
    return std::unexpected(errno_error("landlock rule for " + path.string(), errno));
  }
  return {};
}

Result<> allow_paths(int ruleset, int abi, const SandboxPaths& paths) {
  constexpr std::uint64_t reading = ll::read_file | ll::read_dir;
  constexpr std::uint64_t never = ll::execute | ll::make_char | ll::make_block | ll::make_fifo | ll::make_sym | ll::ioctl_dev;
  for (const auto& path : paths.read_only) {
    if (auto allowed = allow_path(ruleset, path, reading); !allowed) return allowed;
  }
  for (const auto& path : paths.read_write) {
    if (auto allowed = allow_path(ruleset, path, file_rights(abi) & ~never); !allowed) return allowed;
  }
  return {};
}

Result<int> enter_landlock(const SandboxPaths& paths) {
  const int abi = landlock_abi();
  if (abi == no_landlock) return no_landlock;
  ll::RulesetAttr attributes;
  attributes.handled_access_fs = file_rights(abi);
  if (abi >= 4) attributes.handled_access_net = ll::net_bind_tcp;
  if (abi >= 6) attributes.scoped = ll::scope_abstract_unix_socket | ll::scope_signal;
  const std::size_t size = abi >= 6 ? sizeof attributes : abi >= 4 ? 2 * sizeof(std::uint64_t) : sizeof(std::uint64_t);
  const UniqueFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset) return std::unexpected(errno_error("landlock ruleset", errno));
  if (auto allowed = allow_paths(ruleset.get(), abi, paths); !allowed) return std::unexpected(allowed.error());
  if (abi >= 4) {
    const ll::NetPort any_free_port{ll::net_bind_tcp, 0};  // a chosen source address for outgoing mail
    if (::syscall(SYS_landlock_add_rule, ruleset.get(), ll::rule_net_port, &any_free_port, 0) != 0) {
      return std::unexpected(errno_error("landlock port rule", errno));
    }
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return std::unexpected(errno_error("landlock", errno));
  return abi;
}

// What a mail server never calls after its start: programs, other processes, the kernel's own business.
constexpr int forbidden_calls[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(personality),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(move_pages),
    SCMP_SYS(migrate_pages),
    SCMP_SYS(quotactl),
    SCMP_SYS(kcmp),
};

Result<> enter_seccomp() {
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release);
  if (!filter) return fail(ErrorKind::internal, "seccomp_init failed");
  const auto refuse = SCMP_ACT_ERRNO(EPERM);
  int code = 0;
  for (const int call : forbidden_calls) {
    if (code == 0) code = seccomp_rule_add(filter.get(), refuse, call, 0);
  }
  // No memory that is made executable: injected code cannot run.
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(pkey_mprotect)}) {
    if (code == 0) code = seccomp_rule_add(filter.get(), refuse, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
  }
  // Only the socket families of mail, DNS and the control socket.
  for (const int family : {AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG}) {
    if (code == 0)
      code = seccomp_rule_add(filter.get(), refuse, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
  }
  if (code == 0) code = seccomp_load(filter.get());
  if (code != 0) return std::unexpected(errno_error("seccomp", -code));
  return {};
}

}  // namespace

Result<std::string> enter_sandbox(const SandboxPaths& paths) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return std::unexpected(errno_error("no_new_privs", errno));
  const auto abi = enter_landlock(paths);
  if (!abi) return std::unexpected(abi.error());
  if (auto seccomp = enter_seccomp(); !seccomp) return std::unexpected(seccomp.error());
  return *abi == no_landlock ? std::string("no_new_privs, seccomp; this kernel has no landlock")
                             : fmt::format("no_new_privs, landlock ABI {}, seccomp", *abi);
}

std::vector<Probe> probe_sandbox(const SandboxPaths& paths) {
  std::vector<Probe> probes;
  const auto refused = [&](std::string what, long result) { probes.push_back({std::move(what), result < 0}); };
  char* const no_arguments[] = {nullptr};
  refused("start a program", ::execve("/bin/true", no_arguments, no_arguments));
  refused("fork", ::syscall(SYS_fork));
  refused("trace a process", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
  refused("mount", ::mount("none", "/", "tmpfs", 0, nullptr));
  refused("unshare namespaces", ::syscall(SYS_unshare, 0x10000000));
  refused("read /etc/passwd", ::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  refused("list /home", ::open("/home", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  refused("write to /tmp", ::open("/tmp/postern-probe", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  void* code = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  refused("executable memory", code == MAP_FAILED ? -1 : 0);
  refused("packet socket", ::socket(AF_PACKET, SOCK_RAW, 0));
  refused("become root", ::syscall(SYS_setuid, 0));
  if (landlock_abi() >= 4) {
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(2);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    refused("listen on another port", ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  }
  for (const auto& folder : paths.read_write) {
    const auto file = folder / "sandbox-probe";
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    probes.push_back({"allowed: write in " + folder.string(), static_cast<bool>(fd)});
    ::unlink(file.c_str());
  }
  return probes;
}

}  // namespace postern::daemon
