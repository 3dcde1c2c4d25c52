// SPDX-License-Identifier: Apache-2.0
// Reading the index ahead, piece by piece.
#include "store/sqlite/warming.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"

namespace postern::store::sqlite {

namespace {

constexpr std::uint64_t piece = 4 << 20;

std::uint64_t physical_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size) : 0;
}

void warm(const std::stop_token& stop, const std::filesystem::path& path) {
  pthread_setname_np(pthread_self(), "store-warm");
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) return;
  const auto end = Warming::share_of(static_cast<std::uint64_t>(status.st_size), physical_memory());
  for (std::uint64_t at = 0; at < end && !stop.stop_requested(); at += piece) {
    if (::posix_fadvise(file.get(), static_cast<off_t>(at), static_cast<off_t>(piece), POSIX_FADV_WILLNEED) != 0) return;
  }
}

}  // namespace

std::uint64_t Warming::share_of(std::uint64_t file, std::uint64_t memory) { return std::min(file, memory / memory_share); }

Warming::Warming(std::filesystem::path file)
    : thread_([path = std::move(file)](const std::stop_token& stop) { warm(stop, path); }) {}

}  // namespace postern::store::sqlite
