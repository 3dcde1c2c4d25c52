// SPDX-License-Identifier: Apache-2.0
#include "store/keywords.h"

#include <algorithm>

#include "base/ascii.h"

namespace postern::store {

namespace {

std::size_t find(const std::vector<std::string>& names, std::string_view name) {
  const auto same = [name](const std::string& other) { return ascii::iequals(other, name); };
  return static_cast<std::size_t>(std::find_if(names.begin(), names.end(), same) - names.begin());
}

/// Index of a free bit, growing the table when it may; names.size() after the call when there is none.
std::size_t take_free(std::vector<std::string>& names) {
  const auto free = std::find(names.begin(), names.end(), std::string());
  if (free != names.end()) return static_cast<std::size_t>(free - names.begin());
  if (names.size() < flag::max_keywords)
    names.emplace_back();
  else
    return names.size();
  return names.size() - 1;
}

void free_unused(std::vector<std::string>& names, std::uint64_t used) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if ((used & keyword_bit(i)) == 0) names[i].clear();
  }
}

}  // namespace

std::uint64_t find_keywords(const std::vector<std::string>& names, const std::vector<std::string>& wanted) {
  std::uint64_t bits = 0;
  for (const auto& name : wanted) {
    if (name.empty()) continue;
    const std::size_t index = find(names, name);
    if (index < names.size()) bits |= keyword_bit(index);
  }
  return bits;
}

Result<std::uint64_t> assign_keywords(std::vector<std::string>& names, const std::vector<std::string>& wanted,
                                      const std::function<std::uint64_t()>& in_use) {
  std::uint64_t bits = find_keywords(names, wanted);
  std::vector<std::string> next = names;
  bool cleaned = false;
  for (const auto& name : wanted) {
    if (name.empty() || name.size() > max_keyword_octets) return fail(ErrorKind::invalid, "a keyword is empty or too long");
    if (find(next, name) < next.size()) continue;
    std::size_t index = take_free(next);
    if (index == next.size() && !std::exchange(cleaned, true)) {
      free_unused(next, in_use() | bits);
      index = take_free(next);
    }
    if (index == next.size()) return fail(ErrorKind::limit, "the mailbox has 55 keywords already");
    next[index] = name;
    bits |= keyword_bit(index);
  }
  names = std::move(next);
  return bits;
}

std::vector<std::string> keyword_names(const std::vector<std::string>& names, std::uint64_t flags) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if ((flags & keyword_bit(i)) != 0 && !names[i].empty()) out.push_back(names[i]);
  }
  return out;
}

}  // namespace postern::store
