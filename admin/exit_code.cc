// SPDX-License-Identifier: Apache-2.0
#include "admin/exit_code.h"

#include <iostream>
#include <string_view>

namespace postern::admin {

ExitCode code_for_answer(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::closed:
    case ErrorKind::timeout: return exit_no_answer;
    case ErrorKind::denied: return exit_rights;
    case ErrorKind::no_space: return exit_disk_full;
    case ErrorKind::corrupt: return exit_data_damaged;
    default: return exit_refused;
  }
}

int complain(const Failure& failure) {
  std::string_view rest = failure.text;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    if (!line.empty()) std::cerr << "postern: " << line << "\n";
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  return failure.code;
}

}  // namespace postern::admin
