// SPDX-License-Identifier: Apache-2.0
// Random bytes through libsodium, which reads the kernel's generator and ends the program when it cannot.
#include "base/random.h"

#include <sodium.h>

#include <cstddef>
#include <stdexcept>
#include <string_view>

namespace postern::random {
namespace {

/// libsodium wants one call of sodium_init before anything else; it is safe from several threads.
void start() {
  static const int started = sodium_init();
  if (started < 0) throw std::runtime_error("libsodium cannot start");
}

}  // namespace

void fill(std::span<std::byte> out) {
  start();
  randombytes_buf(out.data(), out.size());
}

std::uint64_t number() {
  std::uint64_t value = 0;
  fill(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

std::uint32_t below(std::uint32_t below) {
  start();
  return randombytes_uniform(below);
}

std::string token(std::size_t n) {
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::string out(n, '\0');
  fill(std::as_writable_bytes(std::span(out)));
  for (char& c : out) c = alphabet[static_cast<unsigned char>(c) % alphabet.size()];
  return out;
}

}  // namespace postern::random
