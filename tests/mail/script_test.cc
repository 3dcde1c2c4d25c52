// SPDX-License-Identifier: Apache-2.0
#include "mail/script.h"

#include <gtest/gtest.h>

namespace postern::mail {
namespace {

TEST(OddScript, FlagsMixedWordsAndHiddenCharacters) {
  const std::pair<const char*, const char*> cases[] = {
      {"Alice Liddell", ""},
      {"J\u00f6rg M\u00fcller", ""},
      {"\u0418\u0432\u0430\u043d Petrov (Acme)", ""},           // a word each
      {"\u7530\u4e2d\u3055\u3093A", ""},                        // Japanese with Latin
      {"\uae40abc", ""},                                        // Korean with Latin
      {"\u0628\u064a\u200c\u062f", ""},                         // a joiner where it belongs
      {"team \u2764\ufe0f", ""},                                // a picture
      {"p\u0430ypal", "mixes Latin and Cyrillic in one word"},  // Cyrillic a
      {"Service <p\u0430ypal>", "mixes Latin and Cyrillic in one word"},
      {"\u03b1lice", "mixes Greek and Latin in one word"},
      {"ali\u200bce", "has the invisible U+200B"},
      {"al\u200dice", "has the invisible U+200D"},
      {"alice\u202e", "has the invisible U+202E"},
      {"\ufeffalice", "has the invisible U+FEFF"},
      {"\u00adalice", "has the invisible U+00AD"},
      {"\xff\xfe", ""},  // no UTF-8: somebody else's matter
  };
  for (const auto& [text, odd] : cases) EXPECT_EQ(odd_script(text).value_or(""), odd) << text;
}

}  // namespace
}  // namespace postern::mail
