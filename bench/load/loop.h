// SPDX-License-Identifier: Apache-2.0
// One epoll, one thread. Handlers are told of events by address and must outlive their registration; a handler may delete
// itself only through retire().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace postern::bench {

/// Something that waits for a descriptor.
class Handler {
 public:
  virtual ~Handler() = default;
  /// `events` are EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR.
  virtual void on_event(std::uint32_t events) = 0;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void add(int descriptor, std::uint32_t events, Handler& handler);
  void change(int descriptor, std::uint32_t events, Handler& handler);
  /// Deletes the handler after the present round of events.
  void retire(Handler* handler) { retired_.emplace_back(handler); }
  /// Until `finished()`; false when nothing at all happened for `patience_s` seconds (0: any time).
  bool run(const std::function<bool()>& finished, unsigned patience_s);

  /// A buffer to read into, valid until the next read of anybody.
  std::span<char> scratch() { return scratch_; }

 private:
  int epoll_;
  std::vector<char> scratch_;
  std::vector<std::unique_ptr<Handler>> retired_;
};

}  // namespace postern::bench
