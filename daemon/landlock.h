// SPDX-License-Identifier: Apache-2.0
// Landlock's system call interface. Debian 12's kernel headers lack the newer rights, so they stand here by value
// (linux/landlock.h of kernel 6.12); which ones are used is decided by the running kernel's ABI number.
#pragma once

#include <cstdint>

namespace postern::daemon::landlock {

struct RulesetAttr {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;  ///< ABI 4
  std::uint64_t scoped = 0;              ///< ABI 6
};
struct __attribute__((packed)) PathBeneath {
  std::uint64_t allowed_access = 0;
  std::int32_t parent_fd = -1;
};
struct NetPort {
  std::uint64_t allowed_access = 0;
  std::uint64_t port = 0;
};

inline constexpr unsigned create_version = 1;
inline constexpr int rule_path_beneath = 1;
inline constexpr int rule_net_port = 2;

inline constexpr std::uint64_t execute = 1ULL << 0, write_file = 1ULL << 1, read_file = 1ULL << 2, read_dir = 1ULL << 3,
                               remove_dir = 1ULL << 4, remove_file = 1ULL << 5, make_char = 1ULL << 6, make_dir = 1ULL << 7,
                               make_reg = 1ULL << 8, make_sock = 1ULL << 9, make_fifo = 1ULL << 10, make_block = 1ULL << 11,
                               make_sym = 1ULL << 12;
inline constexpr std::uint64_t refer = 1ULL << 13;      ///< ABI 2
inline constexpr std::uint64_t truncate = 1ULL << 14;   ///< ABI 3
inline constexpr std::uint64_t ioctl_dev = 1ULL << 15;  ///< ABI 5
inline constexpr std::uint64_t net_bind_tcp = 1ULL << 0;
inline constexpr std::uint64_t scope_abstract_unix_socket = 1ULL << 0;
inline constexpr std::uint64_t scope_signal = 1ULL << 1;

inline constexpr std::uint64_t all_fs_abi1 = (1ULL << 13) - 1;

}  // namespace postern::daemon::landlock
