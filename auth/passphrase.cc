// SPDX-License-Identifier: Apache-2.0
#include "auth/passphrase.h"

#include <algorithm>
#include <string>

#include "auth/word_lists.h"
#include "base/random.h"

namespace postern::auth {

Secret generate_passphrase(unsigned words) {
  const auto count = std::clamp(words, least_passphrase_words, most_passphrase_words);
  std::string text;
  text.reserve(std::size_t{most_passphrase_words} * 10);  // no copies left behind by growing
  for (unsigned i = 0; i < count; ++i) {
    if (i > 0) text += '-';
    text += passphrase_word(random::below(static_cast<std::uint32_t>(passphrase_word_count)));
  }
  return Secret::take(text);
}

}  // namespace postern::auth
