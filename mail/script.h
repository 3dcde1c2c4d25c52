// SPDX-License-Identifier: Apache-2.0
// Names that pretend: letters of several alphabets within one word, and characters that nobody sees (security.md D81). What is
// found is flagged for people, never refused: some honest names look odd.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern::mail {

/// What is odd about a text, for people: "mixes Latin and Cyrillic in one word", "has the invisible U+200B". Nothing: all is
/// well, or it is not UTF-8. Words end at spaces, dots, "@", commas, slashes and brackets. Chinese, Japanese and Korean writing
/// with Latin is no mixture (UTS 39 §5.2, highly restrictive).
std::optional<std::string> odd_script(std::string_view text);

}  // namespace postern::mail
