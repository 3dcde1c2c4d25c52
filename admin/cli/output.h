// SPDX-License-Identifier: Apache-2.0
// How commands print for people: aligned tables, sizes, times. Colours only on a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::admin::cli {

/// Prints rows in aligned columns under a heading; "nothing" when there are no rows.
void print_table(const std::vector<std::string>& heading, const std::vector<std::vector<std::string>>& rows,
                 std::string_view nothing);
/// "12.3 MiB"
std::string human_size(std::uint64_t bytes);
/// "in 5 min", "3 h ago"
std::string human_time(std::int64_t at, std::int64_t now);
/// Reads one line from standard input, for --password-stdin; nothing at its end.
std::string read_line_from_stdin();

}  // namespace postern::admin::cli
