// SPDX-License-Identifier: Apache-2.0
#include "transfer/key.h"

namespace postern::transfer {

namespace {

constexpr std::size_t source_octets = 8;

void append_big_endian(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
}

}  // namespace

KeyMaker::KeyMaker(std::string_view kind, std::string_view source, std::string_view destination) {
  constexpr std::string_view separator("\0", 1);
  ContentHash hash;
  for (const auto part : {kind, separator, source, separator, destination}) hash.add(part);
  source_ = hash.finish().substr(0, source_octets);
}

std::string KeyMaker::key(std::uint64_t order, std::string_view identity) const {
  ContentHash hash;
  hash.add(identity);
  std::string out = source_;
  append_big_endian(out, order);
  return out + hash.finish();
}

}  // namespace postern::transfer
