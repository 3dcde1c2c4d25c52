// SPDX-License-Identifier: Apache-2.0
// Times as an admin writes them: "90d", "12h", "30m", "2w" from now, or a day in UTC, "2027-01-31".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postern::admin::cli {

/// Seconds since 1970. A day means its end: a password that expires on 2027-01-31 works all that day. Error invalid with a
/// remedy.
Result<std::int64_t> time_ahead(std::string_view text, std::int64_t now);
/// The same backwards; a day means its beginning.
Result<std::int64_t> time_ago(std::string_view text, std::int64_t now);
/// "2026-11-22 09:16:04"
std::string utc_text(std::int64_t at);

}  // namespace postern::admin::cli
