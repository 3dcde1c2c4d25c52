// SPDX-License-Identifier: Apache-2.0
// Reading of the command line.
#include "bench/load/options.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace postern::bench {

void fail(std::string_view text) {
  fmt::print(stderr, "postern_load: {}\n", text);
  std::exit(2);
}

Options::Options(int argc, char** argv, int first) {
  const std::vector<std::string> words(argv + first, argv + argc);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].starts_with("--")) fail(fmt::format("an option was expected, not `{}`", words[i]));
    const bool has_value = i + 1 < words.size() && !words[i + 1].starts_with("--");
    given_.emplace(words[i].substr(2), has_value ? words[i + 1] : "");
    if (has_value) ++i;
  }
}

std::string Options::text(const std::string& name, std::string otherwise) const {
  asked_.insert(name);
  const auto found = given_.find(name);
  return found == given_.end() ? otherwise : found->second;
}

std::uint64_t Options::number(const std::string& name, std::uint64_t otherwise) const {
  const std::string value = text(name);
  if (value.empty()) return otherwise;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) fail(fmt::format("--{} wants a number", name));
  return number;
}

bool Options::has(const std::string& name) const {
  asked_.insert(name);
  return given_.contains(name);
}

std::vector<std::string> Options::all(const std::string& name) const {
  asked_.insert(name);
  std::vector<std::string> values;
  const auto [begin, end] = given_.equal_range(name);
  for (auto i = begin; i != end; ++i) values.push_back(i->second);
  return values;
}

void Options::finish() const {
  for (const auto& [name, value] : given_) {
    if (!asked_.contains(name)) fail(fmt::format("there is no option --{}", name));
  }
}

Pattern::Pattern(std::string pattern, std::uint64_t count, std::uint64_t first)
    : pattern_(std::move(pattern)), count_(std::max<std::uint64_t>(count, 1)), first_(first) {}

std::string Pattern::at(std::uint64_t n) const {
  const auto place = pattern_.find("%d");
  if (place == std::string::npos) return pattern_;
  return pattern_.substr(0, place) + std::to_string(first_ + n % count_) + pattern_.substr(place + 2);
}

}  // namespace postern::bench
