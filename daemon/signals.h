// SPDX-License-Identifier: Apache-2.0
// Signals as values: blocked in every thread, taken by the main thread one at a time.
#pragma once

#include <string_view>

#include "base/file.h"

namespace postern::daemon {

enum class Signal : unsigned char { reload, stop, none };

/// Blocks HUP, INT and TERM in this thread and those it will start; ignores PIPE. Call first thing in main.
void block_signals();
/// Waits for the next: HUP is reload, INT and TERM are stop.
Signal wait_for_signal();
/// The same for another thread's wish: makes wait_for_signal() return stop.
void request_stop_by_signal();

/// Tells systemd how we are (sd_notify protocol), when NOTIFY_SOCKET is set. It connects when it is made: the sandbox would not
/// let it later.
class SystemdNotifier {
 public:
  SystemdNotifier();
  /// "READY=1", "STOPPING=1". Does nothing without systemd.
  void tell(std::string_view state) const;

 private:
  UniqueFd socket_;
};

}  // namespace postern::daemon
