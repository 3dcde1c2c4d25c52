// SPDX-License-Identifier: Apache-2.0
// libpsl's built-in list. It is const and needs no lock.
#include "policy/public_suffix.h"

#include <libpsl.h>

namespace postern::policy {

std::string organizational_domain(std::string_view domain) {
  const std::string name(domain);
  const char* const registrable = psl_registrable_domain(psl_builtin(), name.c_str());
  return registrable == nullptr ? name : std::string(registrable);
}

bool is_public_suffix(std::string_view domain) { return psl_is_public_suffix(psl_builtin(), std::string(domain).c_str()) == 1; }

}  // namespace postern::policy
