// SPDX-License-Identifier: Apache-2.0
// Rules about messages that hold in every implementation of the store: how flags change, and how keywords follow a
// message to another mailbox.
#pragma once

#include <array>
#include <functional>

#include "store/keywords.h"
#include "store/store.h"

namespace postern::store {

inline constexpr std::size_t max_info_rows = 1000;  ///< of one Session::info()

/// What the change does to a row, making keywords that are missing. Errors: limit, invalid.
Result<FlagMask> flag_mask(std::vector<std::string>& keywords, const FlagChange& change,
                           const std::function<std::uint64_t()>& in_use);

/// Bits of one mailbox's keywords as bits of another's.
struct KeywordMap {
  bool identity = true;  ///< apply() changes nothing for the flags it was made for
  std::array<std::uint64_t, flag::max_keywords> bits{};
  std::uint64_t apply(std::uint64_t flags) const;
};
/// For flags whose OR is `used`. Keywords for which the target has no bit left are left out: a full table must not keep
/// anybody from moving mail to Trash.
KeywordMap map_keywords(const std::vector<std::string>& source, std::uint64_t used, std::vector<std::string>& target,
                        const std::function<std::uint64_t()>& in_use);

}  // namespace postern::store
