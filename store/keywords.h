// SPDX-License-Identifier: Apache-2.0
// Keywords of a mailbox: names for the flag bits 8–62. Compared without regard to ASCII case, the first spelling stays
// (RFC 9051 §2.3.2). A bit is free when its name is empty, and it is freed only when no message carries it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/ids.h"

namespace postern::store {

inline constexpr std::size_t max_keyword_octets = 128;

/// The flag bit of the index-th keyword.
constexpr std::uint64_t keyword_bit(std::size_t index) { return std::uint64_t{1} << (flag::first_keyword + index); }
/// Bits of those keywords that have one.
std::uint64_t find_keywords(const std::vector<std::string>& names, const std::vector<std::string>& wanted);
/// Bits of all wanted keywords; missing ones are made. `in_use` gives the OR of all flags in the mailbox and is asked only
/// when no bit is free. Errors: limit, invalid. After an error `names` is as before.
Result<std::uint64_t> assign_keywords(std::vector<std::string>& names, const std::vector<std::string>& wanted,
                                      const std::function<std::uint64_t()>& in_use);
/// The names behind the keyword bits of these flags.
std::vector<std::string> keyword_names(const std::vector<std::string>& names, std::uint64_t flags);

/// How a FlagChange acts on one row: (flags & keep) | set.
struct FlagMask {
  std::uint64_t keep = ~std::uint64_t{0};
  std::uint64_t set = 0;
  std::uint64_t apply(std::uint64_t flags) const { return (flags & keep) | set; }
};

}  // namespace postern::store
