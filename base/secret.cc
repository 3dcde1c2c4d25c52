// SPDX-License-Identifier: Apache-2.0
// Wiping is left to sodium_memzero, which the compiler may not remove.
#include "base/secret.h"

#include <sodium.h>

#include <utility>

namespace postern {

void wipe(std::string& bytes) {
  bytes.resize(bytes.capacity());
  sodium_memzero(bytes.data(), bytes.size());
  bytes.clear();
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

Secret Secret::take(std::string& source) {
  Secret secret{std::string_view(source)};
  postern::wipe(source);
  return secret;
}

// A moved short string leaves its bytes behind in the source, so that every move wipes it.
Secret::Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.wipe(); }

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  wipe();
  bytes_ = other.bytes_;
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe();
  bytes_ = std::move(other.bytes_);
  other.wipe();
  return *this;
}

Secret::~Secret() { wipe(); }

void Secret::wipe() { postern::wipe(bytes_); }

}  // namespace postern
