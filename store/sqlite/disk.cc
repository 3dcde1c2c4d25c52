// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/disk.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"

namespace postern::store::sqlite {

namespace {

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

}  // namespace

Result<std::uint64_t> Disk::free_bytes(const std::filesystem::path& folder) {
  struct statvfs status{};
  if (::statvfs(folder.c_str(), &status) != 0) return std::unexpected(errno_error("free space of " + folder.string(), errno));
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

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
