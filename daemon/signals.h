// SPDX-License-Identifier: Apache-2.0
// Signals as values: blocked in every thread, taken by the main thread one at a time.
#pragma once

#include <chrono>

namespace postern::daemon {

enum class Signal : unsigned char { reload, stop, none };

/// Blocks HUP, INT and TERM in this thread and those it will start; ignores PIPE. Call first thing in main.
void block_signals();
/// Waits for the next: HUP is reload, INT and TERM are stop.
Signal wait_for_signal();
/// The same for another thread's wish: makes wait_for_signal() return stop.
void request_stop_by_signal();

/// Tells systemd (sd_notify protocol) when NOTIFY_SOCKET is set: "READY=1", "RELOADING=1", "STOPPING=1".
void notify_systemd(const char* state);

}  // namespace postern::daemon
