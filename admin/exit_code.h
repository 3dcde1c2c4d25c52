// SPDX-License-Identifier: Apache-2.0
// Exit codes of `postern`, one for each kind of trouble, so that scripts and units can tell them apart (man postern).
#pragma once

#include <string>

#include "base/result.h"

namespace postern::admin {

enum ExitCode : int {
  exit_ok = 0,
  exit_refused = 1,         ///< the command was understood and refused; the text says why
  exit_usage = 2,           ///< the command line is wrong
  exit_configuration = 10,  ///< postern.toml has mistakes
  exit_certificate = 11,    ///< a certificate or key is missing, unreadable or does not fit
  exit_rights = 12,         ///< we may not read, write or bind something
  exit_port_in_use = 13,    ///< somebody else has the port or the control socket
  exit_data_damaged = 14,   ///< the store's files fail their checks
  exit_data_newer = 15,     ///< the store was written by a newer release
  exit_disk_full = 16,      ///< no space for the data folder
  exit_locked = 17,         ///< another postern uses the data folder
  exit_no_answer = 18,      ///< no server runs, or it did not answer
  exit_internal = 19        ///< a part did not start; the log says which
};

/// Why a program run ends without success.
struct Failure {
  ExitCode code = exit_internal;
  std::string text;  ///< one line with the remedy; mistakes of the configuration are one line each
};

/// The code for a command that was refused with this kind of error.
ExitCode code_for_answer(ErrorKind kind);

/// Prints the failure to standard error, "postern: " before each line, and gives its code.
int complain(const Failure& failure);

}  // namespace postern::admin
