// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/backup_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "store/sqlite/record.h"

namespace postern::store::sqlite {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t copy_step = 1 << 20;
/// How much of the end of a file that grew is compared before more is added.
constexpr std::uint64_t compared_tail = 64 * 1024;

std::unexpected<Error> failed(const char* what, const fs::path& path) {
  return std::unexpected(errno_error(std::string(what) + " " + path.string(), errno));
}

Result<UniqueFd> open_for_reading(const fs::path& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return failed("open", path);
  return file;
}

enum class Means : std::uint8_t { clone, any };

/// The first `bytes` of the file, in a new file that is synced. With `clone` only where the file system shares the blocks.
Result<> copy_whole(const fs::path& from, const fs::path& to, std::uint64_t bytes, Means means) {
  auto source = open_for_reading(from);
  if (!source) return std::unexpected(source.error());
  const UniqueFd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!target) return failed("create", to);
  const bool cloned = ::ioctl(target.get(), FICLONE, source->get()) == 0;
  if (!cloned && means == Means::clone) return fail(ErrorKind::unsupported, "no clones on this file system");
  if (!cloned) {
    if (auto copied = copy_range(source->get(), target.get(), 0, bytes); !copied) return copied;
  }
  if (::ftruncate(target.get(), static_cast<off_t>(bytes)) != 0) return failed("cut", to);
  if (::fsync(target.get()) != 0) return failed("sync", to);
  give_to_owner(to, from);
  return {};
}

/// As `fresh`, which does not exist yet; nothing of it stays after an error.
Result<> make_fresh(const fs::path& from, const fs::path& fresh, std::uint64_t bytes, bool may_link) {
  if (may_link) {
    if (copy_whole(from, fresh, bytes, Means::clone)) return {};
    ::unlink(fresh.c_str());
    if (::link(from.c_str(), fresh.c_str()) == 0) return {};
  }
  auto copied = copy_whole(from, fresh, bytes, Means::any);
  if (!copied) ::unlink(fresh.c_str());
  return copied;
}

}  // namespace

bool is_key(const fs::path& path) { return path.extension() == ".key"; }
bool is_list(const fs::path& path) { return path.extension() == ".list"; }

Result<> make_private_folder(const fs::path& path) {
  if (!path.parent_path().empty() && !fs::exists(path.parent_path())) {
    if (auto made = make_private_folder(path.parent_path()); !made) return made;
  }
  if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) return failed("make", path);
  return {};
}

Result<UniqueFd> hold_folder(const fs::path& folder) {
  const auto path = folder / "lock";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return failed("open", path);
  give_to_owner(path, folder);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return failed("lock", path);
  return fail(ErrorKind::conflict, "another backup or restore works in " + folder.string() + "; try again when it is done");
}

Result<> copy_range(int from, int to, std::uint64_t offset, std::uint64_t bytes) {
  std::string buffer;
  for (std::uint64_t done = 0; done < bytes;) {
    buffer.resize(std::min<std::uint64_t>(copy_step, bytes - done));
    if (auto read = read_all_at(from, buffer, offset + done); !read) return read;
    if (auto written = write_all_at(to, buffer, offset + done); !written) return written;
    done += buffer.size();
  }
  return {};
}

Result<> bring(const fs::path& from, const fs::path& to, Transfer how, std::uint64_t bytes) {
  const auto have = size_of(from);
  if (!have) return std::unexpected(have.error());
  if (bytes > *have) {
    return fail(ErrorKind::corrupt, fmt::format("{} has {} octets, the index says {}", from.string(), *have, bytes));
  }
  if (bytes == 0) bytes = *have;
  const fs::path fresh = to.string() + ".new";
  ::unlink(fresh.c_str());
  if (auto made = make_fresh(from, fresh, bytes, how == Transfer::link && bytes == *have); !made) return made;
  if (::rename(fresh.c_str(), to.c_str()) != 0) return failed("rename", fresh);
  ::unlink(fresh.c_str());  // renaming one link of a file onto another of the same file leaves both
  return sync_directory(to.parent_path());
}

Result<> bring_tail(const fs::path& from, const fs::path& to, std::uint64_t bytes) {
  const auto have = size_of(to);
  if (!have) return std::unexpected(have.error());
  if (*have >= bytes) return {};
  auto source = open_for_reading(from);
  if (!source) return std::unexpected(source.error());
  const UniqueFd target(::open(to.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!target) return failed("open", to);
  std::string ours(std::min(*have, compared_tail), '\0');
  std::string theirs(ours.size(), '\0');
  if (auto read = read_all_at(target.get(), ours, *have - ours.size()); !read) return read;
  if (auto read = read_all_at(source->get(), theirs, *have - ours.size()); !read) return read;
  if (ours != theirs) return fail(ErrorKind::conflict, to.string() + " went another way than " + from.string());
  if (auto copied = copy_range(source->get(), target.get(), *have, bytes - *have); !copied) return copied;
  if (::fsync(target.get()) != 0) return failed("sync", to);
  return {};
}

Result<std::uint64_t> checksum_of_file(const fs::path& path, std::uint64_t bytes) {
  auto file = open_for_reading(path);
  if (!file) return std::unexpected(file.error());
  Checksum sum;
  std::string buffer;
  for (std::uint64_t at = 0; at < bytes; at += buffer.size()) {
    buffer.resize(std::min<std::uint64_t>(copy_step, bytes - at));
    if (auto read = read_all_at(file->get(), buffer, at); !read) return std::unexpected(read.error());
    sum.add(buffer);
  }
  return sum.value();
}

Result<std::uint64_t> size_of(const fs::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return failed("look at", path);
  return static_cast<std::uint64_t>(status.st_size);
}

void give_to_owner(const fs::path& path, const fs::path& like) {
  struct stat status{};
  if (::geteuid() != 0 || ::stat(like.c_str(), &status) != 0) return;
  [[maybe_unused]] const int done = ::lchown(path.c_str(), status.st_uid, status.st_gid);
}

std::string stamp(std::int64_t unix_time) {
  const std::time_t time = unix_time;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                     parts.tm_min, parts.tm_sec);
}

}  // namespace postern::store::sqlite
