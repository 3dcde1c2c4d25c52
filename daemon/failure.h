// SPDX-License-Identifier: Apache-2.0
// Failure: why the server cannot start, with the exit code that tells scripts which kind it is.
#pragma once

#include <expected>
#include <string>

#include "admin/exit_code.h"
#include "base/result.h"

namespace postern::daemon {

using admin::Failure;

template <class T>
using Started = std::expected<T, Failure>;

inline std::unexpected<Failure> cannot_start(admin::ExitCode code, std::string text) {
  return std::unexpected<Failure>(Failure{code, std::move(text)});
}

/// The exit code that fits an error of opening a file, a folder or a port.
admin::ExitCode exit_code_for(ErrorKind kind);
std::unexpected<Failure> cannot_start(const Error& error);

}  // namespace postern::daemon
