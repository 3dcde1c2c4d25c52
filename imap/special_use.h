// SPDX-License-Identifier: Apache-2.0
// The attributes of RFC 6154 as names.
#pragma once

#include <optional>
#include <string_view>

#include "store/store.h"

namespace postern::imap {

/// "\Sent"; empty for none.
std::string_view special_use_name(store::SpecialUse use);
/// From a name without its backslash, in any case.
std::optional<store::SpecialUse> special_use(std::string_view name);

}  // namespace postern::imap
