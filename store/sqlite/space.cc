// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/space.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/file.h"

namespace postern::store::sqlite {

Space::Space(Parts parts, Limits limits)
    : parts_(std::move(parts)),
      limits_(limits),
      free_gauge_(parts_.metrics.gauge("postern_store_free_bytes", "Free space on the disk of the data folder.")),
      refusing_gauge_(parts_.metrics.gauge("postern_store_refusing", "1 while new mail is refused for lack of disk space.")),
      ballast_gauge_(
          parts_.metrics.gauge("postern_store_ballast_bytes", "Room kept in the ballast file; 0 after it was given up.")),
      refusals_(
          parts_.metrics.counter("postern_store_full_total", "Times that new mail began to be refused for lack of space.")) {}

void Space::start() {
  look();
  thread_ = std::thread(&Space::loop, this);
}

void Space::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Space::loop() {
  ::pthread_setname_np(::pthread_self(), "store-space");
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, look_interval, [this] { return stopping_; })) return;
    }
    look();
  }
}

Result<> Space::admit() const {
  if (!refusing_) return {};
  return fail(ErrorKind::no_space, "the disk of " + parts_.folder.string() + " is full; new mail is refused until there is room");
}

std::uint64_t Space::free_bytes() const { return parts_.disk.free_bytes(parts_.folder).value_or(0); }

std::uint64_t Space::spare_bytes() const {
  const std::uint64_t free = free_bytes();
  const std::uint64_t kept = 2 * limits_.free_min;
  return free > kept ? free - kept : 0;
}

bool Space::full() {
  if (limits_.free_min == 0 && limits_.ballast == 0) return false;  // nothing would tell when it is over
  const std::lock_guard lock(acting_);
  const bool freed = empty_ballast();
  refuse(free_bytes());
  return freed;
}

void Space::look() {
  const std::lock_guard lock(acting_);
  const auto free = parts_.disk.free_bytes(parts_.folder);
  if (!free) return;  // nothing is known; what was decided stays
  free_gauge_.set(static_cast<double>(*free));
  const std::uint64_t missing = limits_.ballast - std::min(ballast_.load(), limits_.ballast);
  if (*free < limits_.free_min) {
    refuse(*free);
    return;
  }
  if (missing > 0) {
    if (*free < limits_.free_min + missing) return;
    if (auto filled = fill_ballast(); !filled) {
      if (!std::exchange(told_of_ballast_, true))
        parts_.log.warning("store", "the ballast file cannot be filled", {{"error", filled.error().text}});
      // Without a ballast there is still the low-water mark; a full disk stays refused.
      return;
    }
    told_of_ballast_ = false;
  }
  if (!refusing_.exchange(false)) return;
  refusing_gauge_.set(0);
  parts_.log.info("store", "there is room on the disk again: new mail is taken", {{"free_bytes", *free}});
}

void Space::refuse(std::uint64_t free) {
  if (refusing_.exchange(true)) return;
  refusing_gauge_.set(1);
  refusals_.add();
  parts_.log.error("store", "the disk is full: new mail is refused, reading and deleting go on; free some space",
                   {{"folder", parts_.folder.string()}, {"free_bytes", free}, {"wanted_bytes", limits_.free_min}});
}

Result<> Space::fill_ballast() {
  const UniqueFd file(::open(ballast_path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return std::unexpected(errno_error("open " + ballast_path().string(), errno));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return std::unexpected(errno_error("look at " + ballast_path().string(), errno));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > limits_.ballast) {
    if (auto cut = parts_.disk.truncate(file.get(), limits_.ballast); !cut) return cut;
  } else if (auto reserved = parts_.disk.allocate(file.get(), 0, limits_.ballast); !reserved) {
    [[maybe_unused]] const auto given_back = parts_.disk.truncate(file.get(), 0);
    return reserved;
  }
  ballast_ = limits_.ballast;
  ballast_gauge_.set(static_cast<double>(limits_.ballast));
  return {};
}

bool Space::empty_ballast() {
  if (ballast_.exchange(0) == 0) return false;
  ballast_gauge_.set(0);
  const UniqueFd file(::open(ballast_path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!file || !parts_.disk.truncate(file.get(), 0)) return false;
  parts_.log.warning("store", "the ballast file was given up", {{"file", ballast_path().string()}});
  return true;
}

bool give_up_ballast(const std::filesystem::path& folder) {
  std::error_code error;
  const auto size = std::filesystem::file_size(folder / "ballast", error);
  if (error || size == 0) return false;
  std::filesystem::resize_file(folder / "ballast", 0, error);
  return !error;
}

}  // namespace postern::store::sqlite
