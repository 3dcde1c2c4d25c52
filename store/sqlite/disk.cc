// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/disk.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "base/file.h"

namespace postern::store::sqlite {

namespace {

Result<> sync_range(int fd, std::uint64_t offset, std::uint64_t bytes, unsigned how) {
  if (::sync_file_range(fd, static_cast<off_t>(offset), static_cast<off_t>(bytes), how) == 0) return {};
  return std::unexpected(errno_error("write a segment out", errno));
}

/// Takes n written bytes off the front.
std::span<iovec> advance(std::span<iovec> pieces, std::size_t n) {
  while (!pieces.empty() && n >= pieces.front().iov_len) {
    n -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (!pieces.empty() && n > 0) {
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + n;
    pieces.front().iov_len -= n;
  }
  return pieces;
}

constexpr std::size_t zeros_size = 64 << 10;
constexpr std::array<char, zeros_size> zeros{};

}  // namespace

Result<std::uint64_t> Disk::free_bytes(const std::filesystem::path& folder) {
  struct statvfs status{};
  if (::statvfs(folder.c_str(), &status) != 0) return std::unexpected(errno_error("free space of " + folder.string(), errno));
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

bool on_one_device(const std::filesystem::path& a, const std::filesystem::path& b) {
  struct stat first{}, second{};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev;
}

bool Disk::overwrites_in_place(const std::filesystem::path& path) { return postern::overwrites_in_place(path); }

Result<> RealDisk::write(int fd, std::span<iovec> pieces, std::uint64_t offset) {
  while (!pieces.empty()) {
    const auto count = static_cast<int>(std::min<std::size_t>(pieces.size(), IOV_MAX));
    const ssize_t n = ::pwritev(fd, pieces.data(), count, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(errno_error("write to a segment", errno));
    offset += static_cast<std::uint64_t>(n);
    pieces = advance(pieces, static_cast<std::size_t>(n));
  }
  return {};
}

Result<> RealDisk::allocate(int fd, std::uint64_t offset, std::uint64_t bytes) {
  int code = 0;
  do {
    code = ::fallocate(fd, 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) == 0 ? 0 : errno;
  } while (code == EINTR);
  // A file system without fallocate still takes the writes.
  if (code != 0 && code != EOPNOTSUPP) return std::unexpected(errno_error("reserve room in a segment", code));
  return {};
}

Result<> RealDisk::clear(int fd, std::uint64_t offset, std::uint64_t bytes) {
  std::vector<iovec> pieces;
  for (std::uint64_t left = bytes; left > 0; left -= pieces.back().iov_len) {
    pieces.push_back({const_cast<char*>(zeros.data()), static_cast<std::size_t>(std::min<std::uint64_t>(left, zeros.size()))});
  }
  return RealDisk::write(fd, pieces, offset);
}

Result<> RealDisk::write_out(int fd, std::uint64_t offset, std::uint64_t bytes) {
  return sync_range(fd, offset, bytes, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

Result<> RealDisk::begin_write_out(int fd, std::uint64_t offset, std::uint64_t bytes) {
  return sync_range(fd, offset, bytes, SYNC_FILE_RANGE_WRITE);
}

Result<> RealDisk::truncate(int fd, std::uint64_t size) {
  if (::ftruncate(fd, static_cast<off_t>(size)) != 0) return std::unexpected(errno_error("cut a segment", errno));
  return {};
}

Result<> RealDisk::sync(int fd) {
  if (::fdatasync(fd) != 0) return std::unexpected(errno_error("sync a segment", errno));
  return {};
}

Result<> RealDisk::sync_folder(const std::filesystem::path& folder) { return sync_directory(folder); }

}  // namespace postern::store::sqlite
