// SPDX-License-Identifier: Apache-2.0
#include "outbound/tls_required.h"

#include "base/ascii.h"
#include "base/cursor.h"

namespace postern::outbound {

// RFC 8689 §5
//   TLS-Required: No          ; the only value there is
bool says_tls_not_required(std::string_view start) {
  constexpr std::string_view name = "TLS-Required:";
  std::size_t fields = 0;
  bool no = false;
  Cursor in(start);
  while (!in.at_end()) {
    auto line = in.take_until('\n');
    in.take('\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    if (!ascii::istarts_with(line, name)) continue;
    ++fields;
    const bool folded = in.peek() == ' ' || in.peek() == '\t';
    no = !folded && ascii::iequals(ascii::trim(line.substr(name.size())), "No");
  }
  return fields == 1 && no;
}

}  // namespace postern::outbound
