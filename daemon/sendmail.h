// SPDX-License-Identifier: Apache-2.0
// sendmail, mailq and newaliases for cron jobs and local programs: mail goes by SMTP through the trusted listener, the same door
// as that of every machine in [trusted] networks, so that no second way in exists.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace postern::daemon {

/// True for the names that this program answers to as sendmail does, without folders.
bool is_sendmail_name(std::string_view program);

/// Sends the message on standard input. Gives a code of sysexits.h: 0, 64 (usage), 65 (an address that is none), 67 (no such
/// user), 69 (refused), 75 (try again), 78 (no trusted listener). `list_queue` is what mailq runs.
int run_sendmail(std::string_view program, std::span<const std::string> words, int (*list_queue)());

}  // namespace postern::daemon
