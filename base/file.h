// SPDX-License-Identifier: Apache-2.0
// Files and descriptors without surprises: RAII, EINTR handled, errors as values that name the path and errno's text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postern {

/// Owns a descriptor; closes it when it goes.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

/// Error from errno: ENOSPC and EDQUOT are no_space, ENOENT not_found, EEXIST exists, EACCES and EPERM denied, else io.
/// text = "what: strerror".
Error errno_error(std::string_view what, int code);

/// The whole file. Error too_large above `limit` bytes.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = 64 * 1024 * 1024);
/// Written to a temporary name, synced, renamed, directory synced: after success the new content survives a power cut.
Result<void> write_file_durably(const std::filesystem::path& path, std::string_view bytes, unsigned mode = 0600);
/// fsync of a directory, so that names made in it survive a power cut.
Result<void> sync_directory(const std::filesystem::path& path);
/// All bytes at the offset, or an error; never a short write.
Result<void> write_all_at(int fd, std::string_view bytes, std::uint64_t offset);
/// Exactly bytes.size() bytes from the offset; error io when the file ends before.
Result<void> read_all_at(int fd, std::span<char> bytes, std::uint64_t offset);
/// True on ext4 and XFS: rewriting an allocated block needs no room and changes nothing but that block. False where it is not
/// known.
bool overwrites_in_place(const std::filesystem::path& path);
/// security.md D102: denied when group or others may read (secrets) or write (configuration) the file.
Result<void> require_private(const std::filesystem::path& path);
Result<void> require_not_world_writable(const std::filesystem::path& path);

}  // namespace postern
