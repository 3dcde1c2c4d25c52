// SPDX-License-Identifier: Apache-2.0
#include "transfer/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

namespace postern::transfer {

namespace {

constexpr std::size_t piece_octets = 128 * 1024;

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

std::unexpected<Error> open_error(const std::string& name) {
  const int code = errno;
  if (code == ELOOP || code == ENOTDIR)
    return fail(ErrorKind::invalid, name + ": is a symbolic link or no folder, and is left out");
  return std::unexpected(errno_error(name, code));
}

EntryKind kind_of(int folder, const dirent& entry) {
  switch (entry.d_type) {
    case DT_REG: return EntryKind::file;
    case DT_DIR: return EntryKind::folder;
    case DT_LNK: return EntryKind::link;
    case DT_UNKNOWN: break;
    default: return EntryKind::other;
  }
  struct stat info{};
  if (::fstatat(folder, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) return EntryKind::other;
  if (S_ISREG(info.st_mode)) return EntryKind::file;
  if (S_ISDIR(info.st_mode)) return EntryKind::folder;
  return S_ISLNK(info.st_mode) ? EntryKind::link : EntryKind::other;
}

/// EINTR handled; 0 at the end.
Result<std::size_t> read_at(int fd, std::span<char> out, std::uint64_t offset) {
  for (;;) {
    const auto n = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return std::unexpected(errno_error("read", errno));
  }
}

}  // namespace

Result<UniqueFd> open_top_folder(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return std::unexpected(errno_error(path.string(), errno));
  return fd;
}

Result<UniqueFd> open_folder(int parent, const std::string& name) {
  UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return open_error(name);
  return fd;
}

Result<> for_each_entry(int folder, const std::function<void(const Entry&)>& visit) {
  // A descriptor of its own, because closedir() closes it and the position is shared by copies.
  UniqueFd fd(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return std::unexpected(errno_error("folder", errno));
  const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(fd.get()));
  if (!dir) return std::unexpected(errno_error("folder", errno));
  fd.release();
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (!entry) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") visit({name, kind_of(folder, *entry)});
  }
  if (errno != 0) return std::unexpected(errno_error("folder", errno));
  return {};
}

Result<OpenFile> open_file(int folder, const std::string& name) {
  // O_NONBLOCK: a FIFO must not hold us up.
  UniqueFd fd(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) return open_error(name);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return std::unexpected(errno_error(name, errno));
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::invalid, name + ": is no regular file");
  return OpenFile{std::move(fd), static_cast<std::uint64_t>(info.st_size), info.st_mtim.tv_sec};
}

std::uint64_t file_size(int folder, const std::string& name) {
  struct stat info{};
  return ::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode)
             ? static_cast<std::uint64_t>(info.st_size)
             : 0;
}

Result<std::string> read_small(int folder, const std::string& name, std::size_t limit) {
  auto file = open_file(folder, name);
  if (!file && file.error().kind == ErrorKind::not_found) return std::string();
  if (!file) return std::unexpected(file.error());
  if (file->size > limit) return fail(ErrorKind::too_large, name + ": is larger than expected");
  std::string text;
  const auto read = read_pieces(*file, [&](std::string_view piece) -> Result<> {
    if (text.size() + piece.size() > limit) return fail(ErrorKind::too_large, name + ": is larger than expected");
    text += piece;
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return text;
}

Result<> read_pieces(const OpenFile& file, const std::function<Result<>(std::string_view)>& take) {
  [[clang::uninitialized]] std::array<char, piece_octets> piece;
  for (std::uint64_t offset = 0;;) {
    const auto n = read_at(file.fd.get(), piece, offset);
    if (!n) return std::unexpected(n.error());
    if (*n == 0) return {};
    if (auto taken = take({piece.data(), *n}); !taken) return taken;
    offset += *n;
    // A short read of a regular file is its end; one call less for each small message.
    if (*n < piece.size() && offset >= file.size) return {};
  }
}

LineReader::LineReader(int fd, std::uint64_t from, std::uint64_t end) : fd_(fd), position_(from), end_(end) {}

Result<> LineReader::fill() {
  buffer_.erase(0, used_);
  used_ = 0;
  const std::size_t kept = buffer_.size();
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(piece_octets, end_ - position_));
  buffer_.resize(kept + most);
  const auto n = read_at(fd_, std::span(buffer_).subspan(kept), position_);
  if (!n) return std::unexpected(n.error());
  buffer_.resize(kept + *n);
  position_ += *n;
  if (*n == 0) end_ = position_;  // the file became shorter
  return {};
}

Result<bool> LineReader::next(Line& line) {
  auto rest = std::string_view(buffer_).substr(used_);
  auto newline = rest.find('\n');
  while (newline == std::string_view::npos && rest.size() < piece_octets && position_ < end_) {
    if (auto filled = fill(); !filled) return std::unexpected(filled.error());
    rest = buffer_;
    newline = rest.find('\n');
  }
  if (rest.empty()) return false;
  const bool whole = newline != std::string_view::npos;
  line.text = whole ? rest.substr(0, newline + 1) : rest;
  line.offset = position_ - rest.size();
  line.begins = !inside_;
  line.ends = whole || position_ >= end_;
  inside_ = !line.ends;
  used_ += line.text.size();
  return true;
}

}  // namespace postern::transfer
