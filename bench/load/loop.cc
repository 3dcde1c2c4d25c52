// SPDX-License-Identifier: Apache-2.0
// The epoll loop.
#include "bench/load/loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "bench/load/options.h"

namespace postern::bench {

namespace {
constexpr int events_at_once = 256;
constexpr std::size_t read_chunk = 64 * 1024;
constexpr int ms_per_second = 1000;
}  // namespace

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), scratch_(read_chunk) {
  if (epoll_ < 0) fail("no epoll");
}

Loop::~Loop() { close(epoll_); }

void Loop::add(int descriptor, std::uint32_t events, Handler& handler) {
  epoll_event event{.events = events, .data = {.ptr = &handler}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl refuses a descriptor");
}

void Loop::change(int descriptor, std::uint32_t events, Handler& handler) {
  epoll_event event{.events = events, .data = {.ptr = &handler}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event);
}

bool Loop::run(const std::function<bool()>& finished, unsigned patience_s) {
  std::array<epoll_event, events_at_once> events;
  const int limit = patience_s == 0 ? -1 : static_cast<int>(patience_s) * ms_per_second;
  while (!finished()) {
    const int count = epoll_wait(epoll_, events.data(), events_at_once, limit);
    if (count == 0) return false;
    if (count < 0 && errno != EINTR) fail("epoll_wait failed");
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      static_cast<Handler*>(event.data.ptr)->on_event(event.events);
    }
    retired_.clear();
  }
  return true;
}

}  // namespace postern::bench
