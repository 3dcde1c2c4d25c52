// SPDX-License-Identifier: Apache-2.0
// POSIX calls behind base/file.h. EINTR is retried everywhere but at close, where Linux has already closed.
#include "base/file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace postern {
namespace {

/// Repeats a call that a signal has interrupted.
template <class Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

std::unexpected<Error> failed(std::string_view what, const std::filesystem::path& path) {
  const int code = errno;
  return std::unexpected(errno_error(std::string(what) + " " + path.string(), code));
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  const auto parent = path.parent_path();
  return parent.empty() ? std::filesystem::path(".") : parent;
}

/// Writes, sets the mode and syncs the temporary file.
Result<void> fill_temporary(int fd, std::string_view bytes, unsigned mode, const std::filesystem::path& name) {
  if (::fchmod(fd, static_cast<mode_t>(mode)) != 0) return failed("chmod", name);
  if (auto written = write_all_at(fd, bytes, 0); !written) return written;
  if (retried([fd] { return ::fsync(fd); }) != 0) return failed("sync", name);
  return {};
}

Result<struct stat> status_of(const std::filesystem::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return failed("look at", path);
  return info;
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) reset(other.release());
  return *this;
}

int UniqueFd::release() { return std::exchange(fd_, -1); }

void UniqueFd::reset(int fd) {
  const int old = std::exchange(fd_, fd);
  if (old >= 0) ::close(old);
}

Error errno_error(std::string_view what, int code) {
  const auto kind = [code] {
    switch (code) {
      case ENOSPC:
      case EDQUOT: return ErrorKind::no_space;
      case ENOENT: return ErrorKind::not_found;
      case EEXIST: return ErrorKind::exists;
      case EACCES:
      case EPERM: return ErrorKind::denied;
      default: return ErrorKind::io;
    }
  }();
  return {kind, std::string(what) + ": " + std::generic_category().message(code)};
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  const UniqueFd fd(retried([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (!fd) return failed("open", path);
  std::string content;
  std::array<char, 64 * 1024> block;
  while (true) {
    const auto got = retried([&] { return ::read(fd.get(), block.data(), block.size()); });
    if (got < 0) return failed("read", path);
    if (got == 0) return content;
    content.append(block.data(), static_cast<std::size_t>(got));
    if (content.size() > limit)
      return fail(ErrorKind::too_large, "read " + path.string() + ": larger than " + std::to_string(limit) + " bytes");
  }
}

Result<void> write_file_durably(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  std::string name = path.string() + ".XXXXXX";
  const UniqueFd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) return failed("create", name);
  auto done = fill_temporary(fd.get(), bytes, mode, name);
  if (done && ::rename(name.c_str(), path.c_str()) != 0) done = failed("rename to", path);
  if (!done) {
    ::unlink(name.c_str());
    return done;
  }
  return sync_directory(folder_of(path));
}

Result<void> sync_directory(const std::filesystem::path& path) {
  const UniqueFd fd(retried([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd) return failed("open", path);
  if (retried([&] { return ::fsync(fd.get()); }) != 0) return failed("sync", path);
  return {};
}

Result<void> write_all_at(int fd, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto put = retried([&] { return ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (put < 0) return std::unexpected(errno_error("write", errno));
    bytes.remove_prefix(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

Result<void> read_all_at(int fd, std::span<char> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto got = retried([&] { return ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (got < 0) return std::unexpected(errno_error("read", errno));
    if (got == 0) return fail(ErrorKind::io, "read: the file ends at offset " + std::to_string(offset));
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

bool overwrites_in_place(const std::filesystem::path& path) {
  struct statfs status{};
  if (::statfs(path.c_str(), &status) != 0) return false;
  return status.f_type == EXT4_SUPER_MAGIC || status.f_type == XFS_SUPER_MAGIC;
}

Result<void> require_private(const std::filesystem::path& path) {
  const auto info = status_of(path);
  if (!info) return std::unexpected(info.error());
  if ((info->st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
  return fail(ErrorKind::denied, path.string() + " may be used by others than its owner; run: chmod go= " + path.string());
}

Result<void> require_not_world_writable(const std::filesystem::path& path) {
  const auto info = status_of(path);
  if (!info) return std::unexpected(info.error());
  if ((info->st_mode & S_IWOTH) == 0) return {};
  return fail(ErrorKind::denied, path.string() + " may be written by everybody; run: chmod o-w " + path.string());
}

}  // namespace postern
