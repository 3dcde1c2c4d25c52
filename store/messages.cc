// SPDX-License-Identifier: Apache-2.0
#include "store/messages.h"

namespace postern::store {

Result<FlagMask> flag_mask(std::vector<std::string>& keywords, const FlagChange& change,
                           const std::function<std::uint64_t()>& in_use) {
  const std::uint64_t system = change.system & flag::system_mask;
  if (change.mode == FlagChange::Mode::remove) {
    return FlagMask{.keep = ~(system | find_keywords(keywords, change.keywords)), .set = 0};
  }
  const auto bits = assign_keywords(keywords, change.keywords, in_use);
  if (!bits) return std::unexpected(bits.error());
  const std::uint64_t keep = change.mode == FlagChange::Mode::add ? ~std::uint64_t{0} : 0;
  return FlagMask{.keep = keep, .set = system | *bits};
}

std::uint64_t KeywordMap::apply(std::uint64_t flags) const {
  if (identity) return flags;
  std::uint64_t out = flags & flag::system_mask;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (flags & keyword_bit(i)) out |= bits[i];
  }
  return out;
}

KeywordMap map_keywords(const std::vector<std::string>& source, std::uint64_t used, std::vector<std::string>& target,
                        const std::function<std::uint64_t()>& in_use) {
  KeywordMap map;
  std::uint64_t taken = 0;
  for (std::size_t i = 0; i < flag::max_keywords; ++i) {
    if ((used & keyword_bit(i)) == 0) continue;
    if (i < source.size() && !source[i].empty()) {
      const auto bit = assign_keywords(target, {source[i]}, [&] { return taken | in_use(); });
      map.bits[i] = bit.value_or(0);
      taken |= map.bits[i];
    }
    if (map.bits[i] != keyword_bit(i)) map.identity = false;
  }
  return map;
}

}  // namespace postern::store
