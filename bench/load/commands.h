// SPDX-License-Identifier: Apache-2.0
// The subcommands of postern_load; each gives the exit code (0: everything done without an error).
#pragma once

#include "bench/load/options.h"

namespace postern::bench {

int run_smtp(const Options& options);    ///< delivers or submits messages
int run_sink(const Options& options);    ///< an SMTP server that throws everything away
int run_login(const Options& options);   ///< IMAPS connect, LOGIN, LOGOUT
int run_idle(const Options& options);    ///< many sessions in IDLE
int run_imap(const Options& options);    ///< times IMAP commands of one session
int run_mixed(const Options& options);   ///< many sessions that do what mail programs do over a day
int run_pop(const Options& options);     ///< drains maildrops by POP3
int run_count(const Options& options);   ///< waits until mailboxes hold so many messages
int run_notify(const Options& options);  ///< time from an accepted message to EXISTS in IDLE
int run_crowd(const Options& options);   ///< the same for many sessions on one mailbox

}  // namespace postern::bench
