// SPDX-License-Identifier: Apache-2.0
// ContentHash: a running BLAKE2b of 16 octets, for telling contents apart where somebody may want two to look alike (XXH3, which
// guards against broken disks, would not do).
#pragma once

#include <string>
#include <string_view>

namespace postern {

class ContentHash {
 public:
  static constexpr std::size_t octets = 16;
  ContentHash();
  void add(std::string_view bytes);
  /// 16 octets; used up afterwards.
  std::string finish();

 private:
  /// libsodium's state, without its header.
  struct alignas(64) State {
    unsigned char bytes[384];
  };
  State state_;
};

}  // namespace postern
