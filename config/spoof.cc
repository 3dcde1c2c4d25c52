// SPDX-License-Identifier: Apache-2.0
#include "config/spoof.h"

#include <fmt/format.h>

#include <array>

#include "mail/address.h"

namespace postern::config {
namespace {

constexpr std::string_view anybody = "*";
constexpr std::string_view anybody_at = "*@";
constexpr std::string_view nobody = "<>";

}  // namespace

std::string_view to_string(Way way) {
  constexpr std::array<std::string_view, 3> words{"inward", "inside", "outward"};
  return words[static_cast<std::size_t>(way)];
}

Result<Pattern> Pattern::parse(std::string_view text) {
  Pattern pattern;
  if (text == anybody || text == nobody) {
    pattern.text_ = text;
    return pattern;
  }
  if (text.starts_with(anybody_at)) {
    if (const auto domain = mail::Domain::parse(text.substr(anybody_at.size()))) {
      pattern.text_ = std::string(anybody_at) + domain->ascii();
      return pattern;
    }
  } else if (const auto address = mail::Address::parse(text)) {
    pattern.text_ = address->lookup_key();
    return pattern;
  }
  return fail(ErrorKind::invalid,
              fmt::format("\"{}\" is no pattern; write \"*\", \"*@example.org\", \"alice@example.org\" or \"<>\"", text));
}

bool Pattern::matches(std::string_view key) const {
  if (text_ == anybody) return true;
  if (text_ == nobody) return key.empty();
  if (!text_.starts_with(anybody_at)) return key == text_;
  const auto at = key.rfind('@');
  return at != std::string_view::npos && key.substr(at + 1) == std::string_view(text_).substr(anybody_at.size());
}

unsigned Pattern::weight() const {
  if (text_ == anybody) return 0;
  return text_.starts_with(anybody_at) ? 1 : 2;
}

}  // namespace postern::config
