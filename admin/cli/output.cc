// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/output.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

namespace postern::admin::cli {

namespace {

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view plain = "\x1b[0m";

bool colours() { return ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr; }

std::string padded(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line.append(widths[i] - cells[i].size() + 2, ' ');
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

}  // namespace

void print_table(const std::vector<std::string>& heading, const std::vector<std::vector<std::string>>& rows,
                 std::string_view nothing) {
  if (rows.empty()) {
    std::cout << nothing << "\n";
    return;
  }
  std::vector<std::size_t> widths;
  for (const auto& cell : heading) widths.push_back(cell.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  const bool colour = colours();
  std::cout << (colour ? bold : "") << padded(heading, widths) << (colour ? plain : "") << "\n";
  for (const auto& row : rows) std::cout << padded(row, widths) << "\n";
}

std::string human_size(std::uint64_t bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

std::string human_time(std::int64_t at, std::int64_t now) {
  const auto distance = at > now ? at - now : now - at;
  std::string text = distance < 120      ? fmt::format("{} s", distance)
                     : distance < 7200   ? fmt::format("{} min", distance / 60)
                     : distance < 172800 ? fmt::format("{} h", distance / 3600)
                                         : fmt::format("{} d", distance / 86400);
  return at > now ? "in " + text : text + " ago";
}

std::string read_line_from_stdin() {
  std::string line;
  std::getline(std::cin, line);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace postern::admin::cli
