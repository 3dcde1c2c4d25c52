// SPDX-License-Identifier: Apache-2.0
// A wall clock that is off by as many seconds as the first eight octets of the file WRONG_CLOCK say, for one process
// (LD_PRELOAD, built by clock_test.py). The file is mapped once, so a test can move the clock of a running, sandboxed server. The
// steady clock is left alone.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

using Offset = std::atomic<std::int64_t>;

Offset* map_file() {
  const char* name = std::getenv("WRONG_CLOCK");
  const int file = name == nullptr ? -1 : ::open(name, O_RDONLY | O_CLOEXEC);
  if (file < 0) std::abort();
  void* where = ::mmap(nullptr, sizeof(Offset), PROT_READ, MAP_SHARED, file, 0);
  if (where == MAP_FAILED) std::abort();
  ::close(file);
  return static_cast<Offset*>(where);
}

std::int64_t offset() {
  static Offset* const mapped = map_file();
  return mapped->load();
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept {
  const long done = ::syscall(SYS_clock_gettime, clock, out);
  if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) out->tv_sec += offset();
  return static_cast<int>(done);
}

int gettimeofday(timeval* out, void*) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}
}
