// SPDX-License-Identifier: Apache-2.0
#include "store/trace_book.h"

#include "base/ascii.h"

namespace postern::store {

std::string trace_word(std::string_view text) {
  text = ascii::trim(text);
  if (text.starts_with('<') && text.ends_with('>') && text.size() >= 2) text = text.substr(1, text.size() - 2);
  return ascii::lower(ascii::trim(text));
}

}  // namespace postern::store
