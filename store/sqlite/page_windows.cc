// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/page_windows.h"

#include <algorithm>
#include <new>

namespace postern::store::sqlite {

bool PageWindows::Window::holds(std::int64_t from, std::size_t octets) const {
  return size != 0 && at <= from && from + static_cast<std::int64_t>(octets) <= at + static_cast<std::int64_t>(size);
}

bool PageWindows::Window::gave(const char* page) const {
  return bytes && bytes.get() <= page && page < bytes.get() + window_size;
}

char* PageWindows::fetch(std::int64_t at, std::size_t size) noexcept {
  for (auto& window : windows_) {
    if (window.holds(at, size)) {
      remember(at);
      return give(window, at);
    }
  }
  const bool scan = follows(at);
  remember(at);
  if (!scan) return nullptr;
  Window* window = load(at);
  return window && window->holds(at, size) ? give(*window, at) : nullptr;
}

void PageWindows::unfetch(const char* page) noexcept {
  const auto window = std::ranges::find_if(windows_, [page](const Window& one) { return one.gave(page); });
  if (window != windows_.end() && window->used > 0) --window->used;
}

void PageWindows::drop() noexcept {
  for (auto& window : windows_) window.size = 0;
  asked_.fill(-1);
}

bool PageWindows::follows(std::int64_t at) const {
  return std::ranges::any_of(asked_, [at](std::int64_t before) {
    return before >= 0 && before < at && at - before <= static_cast<std::int64_t>(window_size);
  });
}

void PageWindows::remember(std::int64_t at) { asked_[next_asked_++ % asked_.size()] = at; }

/// The window that was unused for longest makes room; null when pages of all are given out.
PageWindows::Window* PageWindows::load(std::int64_t at) noexcept {
  Window* oldest = nullptr;
  for (auto& window : windows_) {
    if (window.used == 0 && (!oldest || window.last_use < oldest->last_use)) oldest = &window;
  }
  if (!oldest) return nullptr;
  if (!oldest->bytes) oldest->bytes.reset(new (std::nothrow) char[window_size]);
  if (!oldest->bytes) return nullptr;
  oldest->at = at;
  oldest->size = source_.read(oldest->bytes.get(), window_size, at);
  return oldest;
}

char* PageWindows::give(Window& window, std::int64_t at) {
  ++window.used;
  window.last_use = ++clock_;
  return window.bytes.get() + (at - window.at);
}

}  // namespace postern::store::sqlite
