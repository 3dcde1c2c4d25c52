// SPDX-License-Identifier: Apache-2.0
// zxcvbn behind RAII; the part that weakened a password most decides which sentence the user reads.
#include "auth/strength.h"

#include <fmt/format.h>
#include <zxcvbn.h>

#include <algorithm>
#include <memory>

#include "auth/passwords.h"
#include "base/ascii.h"
#include "base/encoding.h"

namespace postern::auth {
namespace {

/// zxcvbn looks at this many code points: its time grows with the square of the length.
constexpr std::size_t judged_length = 100;
/// Shorter words are found everywhere by chance.
constexpr std::size_t least_word = 3;

struct FreeMatches {
  void operator()(ZxcMatch_t* matches) const { ZxcvbnFreeInfo(matches); }
};
using Matches = std::unique_ptr<ZxcMatch_t, FreeMatches>;

struct Estimate {
  double bits = 0;
  Matches matches;
};

std::string first_code_points(std::string_view text, std::size_t most) {
  std::size_t at = 0;
  for (; most > 0 && at < text.size(); --most) at += std::max<std::size_t>(1, utf8_sequence(text.substr(at)));
  return std::string(text.substr(0, at));
}

Estimate estimate(const Secret& password, const std::vector<std::string>& words) {
  std::vector<const char*> dictionary;
  dictionary.reserve(words.size() + 1);
  for (const auto& word : words) dictionary.push_back(word.c_str());
  dictionary.push_back(nullptr);
  std::string judged = first_code_points(password.reveal(), judged_length);
  ZxcMatch_t* matches = nullptr;
  Estimate out;
  out.bits = ZxcvbnMatch(judged.c_str(), dictionary.data(), &matches);
  out.matches.reset(matches);
  wipe(judged);
  return out;
}

/// The user's word inside the password, or nothing.
const std::string* own_word_in(std::string_view password, const std::vector<std::string>& words) {
  const auto found = std::find_if(words.begin(), words.end(), [&](const std::string& word) {
    return ascii::ifind(password, word) != std::string_view::npos;
  });
  return found == words.end() ? nullptr : &*found;
}

/// The kind of match that covers most of the password.
int main_weakness(const ZxcMatch_t* matches) {
  int longest = 0;
  int kind = BRUTE_MATCH;
  for (const auto* match = matches; match != nullptr; match = match->Next) {
    if (match->Type % MULTIPLE_MATCH == BRUTE_MATCH || match->Length <= longest) continue;
    longest = match->Length;
    kind = static_cast<int>(match->Type) % MULTIPLE_MATCH;
  }
  return kind;
}

std::string refusal(const Secret& password, const std::vector<std::string>& words, const Estimate& judged) {
  if (const auto* word = own_word_in(password.reveal(), words)) {
    return fmt::format("Contains your name or address ({}); that is guessed early. Add unrelated words.", *word);
  }
  switch (main_weakness(judged.matches.get())) {
    case USER_MATCH:
    case USER_LEET_MATCH: return "Contains your name or address; that is guessed early. Add unrelated words.";
    case DICTIONARY_MATCH:
    case DICT_LEET_MATCH:
      return "This password is made of words attackers try first. Choose another; four unrelated words work well.";
    default: return "Easy pattern (repeat, keyboard row, date). Add unrelated words.";
  }
}

void add_words(std::vector<std::string>& words, std::string_view text) {
  std::string word;
  for (const char c : std::string(text) + " ") {
    if (ascii::is_alnum(c) || ascii::is_eight_bit(c)) {
      word += ascii::lower(c);
      continue;
    }
    if (word.size() >= least_word && std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
    word.clear();
  }
}

}  // namespace

std::vector<std::string> guessable_words(std::string_view login, std::string_view display_name, std::string_view hostname) {
  std::vector<std::string> words;
  add_words(words, login);
  add_words(words, display_name);
  add_words(words, hostname);
  add_words(words, "postern");
  return words;
}

double estimated_bits(const Secret& password, const std::vector<std::string>& words) { return estimate(password, words).bits; }

Result<> check_strength(const Secret& password, const StrengthRules& rules, const std::vector<std::string>& words) {
  const auto length = code_points(password.reveal());
  if (length < rules.min_length) {
    return fail(ErrorKind::invalid, fmt::format("Too short: {} of at least {} characters. Four unrelated words work well.",
                                                length, rules.min_length));
  }
  if (length > max_password_length) {
    return fail(ErrorKind::invalid, fmt::format("Too long: {} of at most {} characters.", length, max_password_length));
  }
  const auto judged = estimate(password, words);
  if (judged.bits < rules.min_bits) return fail(ErrorKind::invalid, refusal(password, words, judged));
  return {};
}

}  // namespace postern::auth
