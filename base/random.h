// SPDX-License-Identifier: Apache-2.0
// Random bytes from the kernel through libsodium. All of it is fit for secrets.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace postern::random {

void fill(std::span<std::byte> out);
std::uint64_t number();
/// Uniform in [0, below); below > 0.
std::uint32_t below(std::uint32_t below);
/// n characters of the lower-case base32 alphabet a–z2–7: 5 bits each.
std::string token(std::size_t n);

}  // namespace postern::random
