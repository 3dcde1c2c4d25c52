// SPDX-License-Identifier: Apache-2.0
// Generated passphrases: words of EFF's large list, drawn evenly by the kernel's generator: "cobbler-unsaved-mothball-…". The
// recommended way to a password (security.md §5): strong by construction, and people can write, read out and type it.
#pragma once

#include <cstddef>

#include "base/secret.h"

namespace postern::auth {

/// Words in a passphrase; 12.9 bits each. Four of them, the least, are 51.7 bits and at least 15 characters.
inline constexpr unsigned least_passphrase_words = 4;
inline constexpr unsigned usual_passphrase_words = 5;
inline constexpr unsigned most_passphrase_words = 12;

/// So many words with "-" between them; fewer than the least are the least, more than the most are the most.
Secret generate_passphrase(unsigned words = usual_passphrase_words);

}  // namespace postern::auth
