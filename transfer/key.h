// SPDX-License-Identifier: Apache-2.0
// Import keys: the name of a message at its source, as the account's journal of imports remembers it (store::ImportMark).
// A key is 32 octets: 8 of the source and destination, 8 of the message's place in the source (big-endian, so that an import in
// order writes the journal in order), 16 of a BLAKE2b hash of what identifies the message there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/content_hash.h"

namespace postern::transfer {

inline constexpr std::size_t key_octets = 32;

/// Makes the keys of one source folder and its destination.
class KeyMaker {
 public:
  KeyMaker() = default;
  /// `kind` is the form ("maildir"), `source` names the folder within it, `destination` is our mailbox: the same folder imported
  /// into another mailbox is another import.
  KeyMaker(std::string_view kind, std::string_view source, std::string_view destination);
  /// `order` grows with the place in the source where the source has an order; `identity` names the message.
  std::string key(std::uint64_t order, std::string_view identity) const;

 private:
  std::string source_;
};

}  // namespace postern::transfer
