// SPDX-License-Identifier: Apache-2.0
#include "base/content_hash.h"

#include <sodium.h>

#include <array>

namespace postern {

namespace {

crypto_generichash_state* blake(unsigned char* bytes) { return reinterpret_cast<crypto_generichash_state*>(bytes); }

}  // namespace

ContentHash::ContentHash() : state_() {
  static_assert(sizeof(State) >= sizeof(crypto_generichash_state) && alignof(State) >= alignof(crypto_generichash_state));
  crypto_generichash_init(blake(state_.bytes), nullptr, 0, octets);
}

void ContentHash::add(std::string_view bytes) {
  crypto_generichash_update(blake(state_.bytes), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::string ContentHash::finish() {
  std::array<unsigned char, octets> out{};
  crypto_generichash_final(blake(state_.bytes), out.data(), out.size());
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

}  // namespace postern
