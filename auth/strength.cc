// SPDX-License-Identifier: Apache-2.0
// zxcvbn behind RAII; the part that weakened a password most decides which sentence the user reads.
#include "auth/strength.h"

#include <fmt/format.h>
#include <zxcvbn.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "auth/common_password.h"
#include "auth/passphrase.h"
#include "auth/passwords.h"
#include "base/ascii.h"
#include "base/encoding.h"

namespace postern::auth {
namespace {

/// zxcvbn looks at this many code points and octets: its time grows with the square of the length.
constexpr std::size_t judged_length = 100;
constexpr std::size_t judged_octets = 200;
/// Shorter words are found everywhere by chance.
constexpr std::size_t least_word = 3;
/// A shorter word of the user's own is named as the reason only when nothing weakened the password more.
constexpr int telling_word = 4;
/// SCRAM keys may be attacked at leisure by who steals them: below this an accepted password gets advice (security.md §5).
constexpr double advised_bits = 50;
/// What a letter of another script is worth at most: one of 32 likely ones.
constexpr double foreign_bits = 5;
/// Passwords this few changes apart are guessed from each other.
constexpr std::size_t least_distance = 4;
/// What is left of a password without its digits and signs must have so many letters to be compared.
constexpr std::size_t least_skeleton = 4;
/// Tries to generate a password that the gate accepts; the first nearly always is one.
constexpr int most_tries = 100;

struct WeaknessName {
  Weakness weakness;
  std::string_view name;
  std::string_view description;
};
constexpr std::array<WeaknessName, 10> names{{
    {Weakness::malformed, "malformed", "has characters that cannot be typed reliably"},
    {Weakness::too_short, "too_short", "shorter than the rules allow"},
    {Weakness::too_long, "too_long", "longer than the rules allow"},
    {Weakness::common, "common", "on lists of passwords attackers try first"},
    {Weakness::like_old, "like_old", "made from the password before it"},
    {Weakness::own_words, "own_words", "contains the user's name or address"},
    {Weakness::common_words, "common_words", "common words and little else"},
    {Weakness::pattern, "pattern", "easy pattern"},
    {Weakness::breached, "breached", "on the breach list"},
    {Weakness::reused, "reused", "used for this account before"},
}};

const WeaknessName& row_of(Weakness weakness) {
  return *std::find_if(names.begin(), names.end(), [&](const auto& row) { return row.weakness == weakness; });
}

struct FreeMatches {
  void operator()(ZxcMatch_t* matches) const { ZxcvbnFreeInfo(matches); }
};
using Matches = std::unique_ptr<ZxcMatch_t, FreeMatches>;

struct Estimate {
  std::string judged;  ///< what was looked at; wiped with the estimate
  double bits = 0;
  Matches matches;

  Estimate() = default;
  Estimate(Estimate&&) = default;
  Estimate& operator=(Estimate&&) = default;
  ~Estimate() { wipe(judged); }
};

std::string judged_part(std::string_view text) {
  std::size_t at = 0;
  for (std::size_t left = judged_length; left > 0 && at < text.size(); --left) {
    const auto next = at + std::max<std::size_t>(1, utf8_sequence(text.substr(at)));
    if (next > judged_octets) break;
    at = next;
  }
  return std::string(text.substr(0, at));
}

Estimate estimate(std::string_view password, const std::vector<std::string>& words) {
  std::vector<const char*> dictionary;
  dictionary.reserve(words.size() + 1);
  for (const auto& word : words) dictionary.push_back(word.c_str());
  dictionary.push_back(nullptr);
  Estimate out;
  out.judged = judged_part(password);
  ZxcMatch_t* matches = nullptr;
  out.bits = ZxcvbnMatch(out.judged.c_str(), dictionary.data(), &matches);
  out.matches.reset(matches);
  return out;
}

/// The shortest beginning of which the text is a repetition, the last one perhaps cut; the whole text when there is none.
std::string_view repeated_unit(std::string_view text) {
  for (std::size_t period = 1; period <= text.size() / 2; ++period) {
    if (text.substr(period) == text.substr(0, text.size() - period)) return text.substr(0, period);
  }
  return text;
}

/// What zxcvbn cannot see, because it knows octets and English: repetition of something long or of characters of several octets,
/// and letters of other scripts, each of which it takes for two or three random octets. Gives at most the estimate.
double corrected_bits(double bits, std::string_view password, const std::vector<std::string>& words) {
  const auto length = code_points(password);
  const auto plain = std::count_if(password.begin(), password.end(), [](char c) { return !ascii::is_eight_bit(c); });
  if (static_cast<std::size_t>(plain) * 2 < length) bits = std::min(bits, foreign_bits * static_cast<double>(length));
  const auto unit = repeated_unit(password);
  if (unit.size() == password.size()) return bits;
  const double times = static_cast<double>(password.size()) / static_cast<double>(unit.size());
  return std::min(bits, corrected_bits(estimate(unit, words).bits, unit, words) + std::log2(times));
}

int kind_of(const ZxcMatch_t& match) { return static_cast<int>(match.Type) % MULTIPLE_MATCH; }
bool is_own(int kind) { return kind == USER_MATCH || kind == USER_LEET_MATCH; }

/// The match that covers most of the password; null when it is noise all through.
const ZxcMatch_t* main_match(const ZxcMatch_t* matches) {
  const ZxcMatch_t* longest = nullptr;
  for (const auto* match = matches; match != nullptr; match = match->Next) {
    if (kind_of(*match) == BRUTE_MATCH) continue;
    if (longest == nullptr || match->Length > longest->Length) longest = match;
  }
  return longest;
}

/// The longest match of one of the user's words that is a reason of its own.
const ZxcMatch_t* own_match(const ZxcMatch_t* matches) {
  const auto* const longest = main_match(matches);
  const ZxcMatch_t* found = nullptr;
  for (const auto* match = matches; match != nullptr; match = match->Next) {
    if (!is_own(kind_of(*match)) || (match->Length < telling_word && match != longest)) continue;
    if (found == nullptr || match->Length > found->Length) found = match;
  }
  return found;
}

/// " (alice)", or nothing when the word stands there in disguise.
std::string named(const ZxcMatch_t& match, const Estimate& judged, const std::vector<std::string>& words) {
  const auto part =
      std::string_view(judged.judged).substr(static_cast<std::size_t>(match.Begin), static_cast<std::size_t>(match.Length));
  const auto word = std::find_if(words.begin(), words.end(), [&](const auto& one) { return ascii::iequals(one, part); });
  return word == words.end() ? std::string() : " (" + *word + ")";
}

Objection too_weak(const Estimate& judged, const std::vector<std::string>& words) {
  if (const auto* own = own_match(judged.matches.get())) {
    return {Weakness::own_words,
            "Contains your name or address" + named(*own, judged, words) + "; that is guessed early. Add unrelated words."};
  }
  const auto* const match = main_match(judged.matches.get());
  const int kind = match == nullptr ? BRUTE_MATCH : kind_of(*match);
  const bool once = repeated_unit(judged.judged).size() == judged.judged.size();
  if (once && (kind == DICTIONARY_MATCH || kind == DICT_LEET_MATCH)) {
    return {Weakness::common_words, "Made of common words, which attackers try first. Add unrelated words."};
  }
  return {Weakness::pattern, "Easy pattern (repeat, keyboard row, date). Add unrelated words."};
}

/// Insertions, deletions and replacements between two texts, in octets.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row.back();
}

bool is_like(std::string_view password, std::string_view old) {
  if (old.size() >= least_skeleton && password.find(old) != std::string_view::npos) return true;
  if (password.size() >= least_skeleton && old.find(password) != std::string_view::npos) return true;
  if (distance(password, old) < least_distance) return true;
  auto one = password_skeleton(password);
  auto other = password_skeleton(old);
  const bool same = one == other && one.size() >= least_skeleton;
  wipe(one);
  wipe(other);
  return same;
}

void add_word(std::vector<std::string>& words, const std::string& word) {
  if (word.size() >= least_word && std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
}

void add_words(std::vector<std::string>& words, std::string_view text) {
  std::string word;
  for (const char c : text) {
    if (ascii::is_alnum(c) || ascii::is_eight_bit(c)) {
      word += ascii::lower(c);
      continue;
    }
    add_word(words, word);
    word.clear();
  }
  add_word(words, word);
}

void add_address(std::vector<std::string>& words, std::string_view address) {
  add_words(words, address);
  std::string joined;
  for (const char c : address.substr(0, address.rfind('@'))) {
    if (ascii::is_alnum(c) || ascii::is_eight_bit(c)) joined += ascii::lower(c);
  }
  add_word(words, joined);
}

}  // namespace

std::string_view to_string(Weakness weakness) { return row_of(weakness).name; }
std::string_view describe(Weakness weakness) { return row_of(weakness).description; }

std::optional<Weakness> weakness_named(std::string_view name) {
  const auto* const row = std::find_if(names.begin(), names.end(), [&](const auto& one) { return one.name == name; });
  if (row == names.end()) return std::nullopt;
  return row->weakness;
}

std::vector<std::string> guessable_words(const Person& person, std::string_view hostname) {
  std::vector<std::string> words;
  add_address(words, person.login);
  add_words(words, person.name);
  for (const auto& alias : person.aliases) add_address(words, alias);
  add_words(words, hostname);
  add_words(words, "postern");
  return words;
}

double estimated_bits(const Secret& password, const std::vector<std::string>& words) {
  return corrected_bits(estimate(password.reveal(), words).bits, password.reveal(), words);
}

Gate::Gate(StrengthRules rules, std::shared_ptr<BreachList> breached) : rules_(rules), breached_(std::move(breached)) {}

Judgement Gate::judge_typed(const Secret& password, const Subject& subject) const {
  const auto prepared = opaque_string(password.reveal());
  if (!prepared) {
    const bool too_long = prepared.error().kind == ErrorKind::too_large;
    return {.objection = Objection{too_long ? Weakness::too_long : Weakness::malformed, prepared.error().text}};
  }
  return judge(*prepared, subject);
}

Judgement Gate::judge(const Secret& password, const Subject& subject) const {
  const auto refused = [](Weakness weakness, std::string text, double bits = 0) {
    return Judgement{.objection = Objection{weakness, std::move(text)}, .bits = bits};
  };
  const auto length = code_points(password.reveal());
  if (length < rules_.min_length) {
    return refused(Weakness::too_short, fmt::format("Too short: {} of at least {} characters. Four unrelated words work well.",
                                                    length, rules_.min_length));
  }
  if (length > max_password_length) {
    return refused(Weakness::too_long,
                   fmt::format("Too long: {} of at most {} characters. Leave some out.", length, max_password_length));
  }
  if (is_common_password(password.reveal())) {
    return refused(Weakness::common, "This password is on lists of passwords attackers try first. Choose another.");
  }
  if (subject.old_password && is_like(password.reveal(), subject.old_password->reveal())) {
    return refused(Weakness::like_old, "Too like your old password; who knows that one tries this next. Choose unrelated words.");
  }
  auto judged = estimate(password.reveal(), subject.words);
  judged.bits = corrected_bits(judged.bits, password.reveal(), subject.words);
  if (judged.bits < rules_.min_bits) return {.objection = too_weak(judged, subject.words), .bits = judged.bits};
  if (breached_ && breached_->contains(password)) {
    return refused(Weakness::breached, "Found in a public breach list; do not use it anywhere. Choose another.", judged.bits);
  }
  Judgement out{.bits = judged.bits};
  if (judged.bits < advised_bits)
    out.advice = "Accepted. One more unrelated word would make it safe even from who steals the server's files.";
  return out;
}

Secret Gate::generate(unsigned words, const Subject& subject) const {
  for (int i = 0; i < most_tries; ++i) {
    auto password = words == 0 ? generate_password() : generate_passphrase(words);
    if (!judge(password, subject).objection) return password;
  }
  return generate_passphrase(most_passphrase_words);
}

std::uint64_t Gate::edition() const { return breached_ ? breached_->edition() : 0; }

}  // namespace postern::auth
