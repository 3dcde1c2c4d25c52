// SPDX-License-Identifier: Apache-2.0
#include "mail/script.h"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <vector>

#include "base/ascii.h"
#include "base/encoding.h"

namespace postern::mail {
namespace {

/// Scripts of one word, each once, in order of appearance.
using Scripts = std::vector<UScriptCode>;

bool all_within(const Scripts& scripts, std::initializer_list<UScriptCode> allowed) {
  return std::ranges::all_of(scripts, [&](UScriptCode one) { return std::ranges::find(allowed, one) != allowed.end(); });
}

bool is_mixed(const Scripts& scripts) {
  if (scripts.size() < 2) return false;
  return !all_within(scripts, {USCRIPT_LATIN, USCRIPT_HAN, USCRIPT_HIRAGANA, USCRIPT_KATAKANA}) &&
         !all_within(scripts, {USCRIPT_LATIN, USCRIPT_HAN, USCRIPT_HANGUL}) &&
         !all_within(scripts, {USCRIPT_LATIN, USCRIPT_HAN, USCRIPT_BOPOMOFO});
}

/// Nobody sees it, and no writing near it needs it. Joiners and variation selectors belong to Arabic, Indic and pictures.
bool is_hidden(UChar32 c, const Scripts& word) {
  if (u_hasBinaryProperty(c, UCHAR_BIDI_CONTROL)) return true;
  if (!u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) return false;
  const bool joins = u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL) || u_hasBinaryProperty(c, UCHAR_VARIATION_SELECTOR);
  const auto plain = [](UScriptCode one) { return one == USCRIPT_LATIN || one == USCRIPT_GREEK || one == USCRIPT_CYRILLIC; };
  return !joins || std::ranges::any_of(word, plain);
}

}  // namespace

std::optional<std::string> odd_script(std::string_view text) {
  if (ascii::is_ascii(text) || !is_utf8(text)) return std::nullopt;
  const auto unicode = icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
  Scripts word;
  for (std::int32_t i = 0; i < unicode.length(); i = unicode.moveIndex32(i, 1)) {
    const auto c = unicode.char32At(i);
    if (is_hidden(c, word)) return fmt::format("has the invisible U+{:04X}", static_cast<std::uint32_t>(c));
    if (u_isUWhiteSpace(c) || c == '@' || c == '.' || c == '(' || c == ')' || c == '/' || c == ',') {
      word.clear();
      continue;
    }
    UErrorCode code = U_ZERO_ERROR;
    const auto script = uscript_getScript(c, &code);
    if (U_FAILURE(code) || script == USCRIPT_COMMON || script == USCRIPT_INHERITED) continue;
    if (std::ranges::find(word, script) == word.end()) word.push_back(script);
    if (is_mixed(word)) return fmt::format("mixes {} and {} in one word", uscript_getName(word.front()), uscript_getName(script));
  }
  return std::nullopt;
}

}  // namespace postern::mail
