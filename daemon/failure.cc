// SPDX-License-Identifier: Apache-2.0
#include "daemon/failure.h"

namespace postern::daemon {

admin::ExitCode exit_code_for(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::denied: return admin::exit_rights;
    case ErrorKind::no_space: return admin::exit_disk_full;
    case ErrorKind::corrupt: return admin::exit_data_damaged;
    case ErrorKind::unsupported: return admin::exit_data_newer;
    case ErrorKind::conflict: return admin::exit_locked;
    case ErrorKind::exists: return admin::exit_port_in_use;
    case ErrorKind::not_found:  // a user, an address or a file that the configuration names
    case ErrorKind::invalid: return admin::exit_configuration;
    default: return admin::exit_internal;
  }
}

std::unexpected<Failure> cannot_start(const Error& error) { return cannot_start(exit_code_for(error.kind), error.text); }

}  // namespace postern::daemon
