// SPDX-License-Identifier: Apache-2.0
// A walk over the sorted lists instead of a list of variants: at each character go on with it and with the letters it may stand
// for, as long as some listed password begins so. That is exact, and most walks end after three or four characters.
#include "auth/common_password.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "auth/word_lists.h"
#include "base/ascii.h"
#include "base/secret.h"

namespace postern::auth {
namespace {

/// Digits and signs around a word that do not make it another password: "2026", "20260131", "123!".
constexpr std::size_t most_decoration = 8;
/// Signs between a word and its repetition.
constexpr std::size_t most_separators = 2;
/// Shorter words stand for nothing: everything begins with one.
constexpr std::size_t least_word = 4;
/// Steps of one judgement; reached only by text made of look-alikes, which no list has.
constexpr int most_steps = 20'000;

bool is_letter(char c) { return ascii::is_lower(ascii::lower(c)) || ascii::is_eight_bit(c); }

/// The letters that a digit or sign may stand for.
std::string_view look_alikes(char c) {
  switch (c) {
    case '0': return "o";
    case '1':
    case '!':
    case '|': return "il";
    case '2': return "z";
    case '3': return "e";
    case '4':
    case '@': return "a";
    case '5':
    case '$': return "s";
    case '6': return "gb";
    case '7':
    case '+': return "t";
    case '8': return "b";
    case '9': return "gq";
    case '(':
    case '<': return "c";
    case '%': return "x";
    case '#': return "h";
    default: return {};
  }
}

bool may_stand_for(char typed, char letter) {
  return typed == letter || look_alikes(typed).find(letter) != std::string_view::npos;
}

/// Case, accents and width folded: NFKC_Casefold, decomposed, marks dropped. Text that ICU refuses stays as it is.
std::string folded(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const auto* fold = icu::Normalizer2::getNFKCCasefoldInstance(status);
  const auto* decompose = icu::Normalizer2::getNFDInstance(status);
  if (U_FAILURE(status)) return ascii::lower(text);
  const auto source = icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
  const auto parts = decompose->normalize(fold->normalize(source, status), status);
  if (U_FAILURE(status)) return ascii::lower(text);
  icu::UnicodeString kept;
  for (std::int32_t i = 0; i < parts.length(); i = parts.moveIndex32(i, 1)) {
    const auto c = parts.char32At(i);
    if (u_charType(c) != U_NON_SPACING_MARK) kept.append(c);
  }
  std::string out;
  kept.toUTF8String(out);
  return out;
}

/// One walk through one list.
class Walk {
 public:
  Walk(std::string_view text, SortedLines lines) : text_(text), lines_(lines) {}
  ~Walk() { wipe(word_); }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  /// True when a listed word begins after at most so many decorating characters and nothing of worth follows it.
  bool finds() {
    for (start_ = 0; start_ <= std::min(most_decoration, text_.size()); ++start_) {
      word_.clear();
      if (goes_on(start_)) return true;
      if (start_ == text_.size() || is_letter(text_[start_])) return false;
    }
    return false;
  }

 private:
  bool goes_on(std::size_t at) {  // NOLINT(misc-no-recursion): as deep as the longest listed word
    if (++steps_ > most_steps) return false;
    if (!word_.empty()) {
      const auto line = lines_.lower_bound(word_);
      if (!line.starts_with(word_)) return false;
      if (line == word_ && word_.size() >= least_word && nothing_follows(at)) return true;
    }
    if (at == text_.size()) return false;
    if (takes(text_[at], at)) return true;
    const auto letters = look_alikes(text_[at]);
    return std::any_of(letters.begin(), letters.end(), [&](char letter) { return takes(letter, at); });
  }

  bool takes(char letter, std::size_t at) {  // NOLINT(misc-no-recursion)
    word_ += letter;
    const bool found = goes_on(at + 1);
    word_.pop_back();
    return found;
  }

  /// What is behind the word is decoration, or the word again.
  bool nothing_follows(std::size_t at) const {
    for (;;) {
      if (is_decoration(text_.substr(at))) return true;
      std::size_t next = at;
      while (next < text_.size() && next - at < most_separators && !is_letter(text_[next]) &&
             !may_stand_for(text_[next], word_.front())) {
        ++next;
      }
      const auto copied = copy_at(next);
      if (copied == 0) return false;
      at = next + copied;
      if (copied < word_.size() && at < text_.size() && !is_decoration(text_.substr(at))) return false;
    }
  }

  bool is_decoration(std::string_view rest) const {
    return rest.size() + start_ <= most_decoration && std::none_of(rest.begin(), rest.end(), is_letter);
  }

  /// How many characters of the word stand here again.
  std::size_t copy_at(std::size_t at) const {
    std::size_t same = 0;
    while (same < word_.size() && at + same < text_.size() && may_stand_for(text_[at + same], word_[same])) ++same;
    return same;
  }

  std::string_view text_;
  SortedLines lines_;
  std::string word_;
  std::size_t start_ = 0;
  int steps_ = 0;
};

bool is_listed(std::string_view text) {
  return Walk(text, commonest_passwords()).finds() || Walk(text, common_passwords()).finds();
}

}  // namespace

bool is_common_password(std::string_view password) {
  auto text = folded(password);
  bool found = commonest_passwords().contains(text) || common_passwords().contains(text) || is_listed(text);
  if (!found) {
    std::reverse(text.begin(), text.end());
    found = is_listed(text);
  }
  wipe(text);
  return found;
}

std::string password_skeleton(std::string_view password) {
  auto text = folded(password);
  while (!text.empty() && !is_letter(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if(text.begin(), text.end(), is_letter));
  for (char& c : text) {
    if (const auto letters = look_alikes(c); !letters.empty()) c = letters.front();
  }
  return text;
}

}  // namespace postern::auth
