// SPDX-License-Identifier: Apache-2.0
#include "config/percent.h"

#include <fmt/format.h>

#include <charconv>

namespace postern::config {

Result<Percent> Percent::parse(std::string_view text) {
  constexpr unsigned whole = 100;
  unsigned value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, bad] = std::from_chars(text.data(), end, value);
  const bool sign = end - rest == 1 && *rest == '%';
  if (bad != std::errc() || !sign || value == 0 || value > whole) {
    return fail(ErrorKind::invalid, fmt::format("\"{}\" is no share; write \"1%\" to \"100%\"", text));
  }
  return Percent{value};
}

std::string Percent::to_string() const { return fmt::format("{}%", value); }

}  // namespace postern::config
