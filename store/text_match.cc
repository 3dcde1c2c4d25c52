// SPDX-License-Identifier: Apache-2.0
#include "store/text_match.h"

#include <algorithm>
#include <cstring>

#include "base/ascii.h"

namespace postern::store {

namespace {

constexpr auto npos = std::string_view::npos;

/// glibc's memmem is linear and uses the vector units.
std::size_t find_text(std::string_view text, std::string_view needle, std::size_t from) {
  if (from >= text.size()) return npos;
  const void* found = ::memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  return found == nullptr ? npos : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::size_t line_start(std::string_view lines, std::size_t at) {
  const auto before = at == 0 ? npos : lines.rfind('\n', at - 1);
  return before == npos ? 0 : before + 1;
}

}  // namespace

Finder::Finder(const TextNeedle& needle) : text_(needle.text) {
  switch (needle.scope) {
    case TextScope::text: places_ = mime::all_places; break;
    case TextScope::body: places_ = mime::place_bit(mime::TextPlace::body); break;
    case TextScope::header:
      places_ = mime::place_bit(mime::place_of_field(needle.field));
      label_ = ascii::upper(needle.field) + ": ";
      break;
  }
  if (text_.empty() && label_.empty()) {
    places_ = 0;
    always_ = true;
  }
  if (text_.contains('\n')) places_ &= mime::place_bit(mime::TextPlace::body);
}

std::size_t Finder::find(mime::TextPlace place, std::string_view text, std::size_t from) const {
  if (label_.empty() || place == mime::TextPlace::body) return find_text(text, text_, from);
  return text_.empty() ? find_field(text, from) : find_value(text, from);
}

/// A line that begins with the label.
std::size_t Finder::find_field(std::string_view lines, std::size_t from) const {
  for (auto at = find_text(lines, label_, from); at != npos; at = find_text(lines, label_, at + 1)) {
    if (at == 0 || lines[at - 1] == '\n') return at;
  }
  return npos;
}

/// The needle behind the label of its line. A line that is not the field's is passed whole, so each is looked at once.
std::size_t Finder::find_value(std::string_view lines, std::size_t from) const {
  auto at = find_text(lines, text_, from);
  while (at != npos) {
    const auto start = line_start(lines, at);
    if (!lines.substr(start).starts_with(label_)) {
      const auto end = lines.find('\n', at);
      if (end == npos) return npos;
      at = find_text(lines, text_, end + 1);
    } else if (at < start + label_.size()) {
      at = find_text(lines, text_, start + label_.size());
    } else {
      return at;
    }
  }
  return npos;
}

std::vector<Finder> make_finders(std::span<const TextNeedle> needles) { return {needles.begin(), needles.end()}; }

mime::TextPlaces places_of(std::span<const Finder> finders) {
  mime::TextPlaces out = 0;
  for (const Finder& finder : finders) out |= finder.places();
  return out;
}

TextMatcher::TextMatcher(std::span<const Finder> finders) : finders_(finders), found_(finders.size()) {
  for (const Finder& finder : finders_) longest_ = std::max(longest_, finder.length());
  reset();
}

void TextMatcher::reset() {
  left_ = 0;
  for (std::size_t i = 0; i < finders_.size(); ++i) {
    found_[i] = finders_[i].always();
    left_ += found_[i] ? 0 : 1;
  }
  tail_.clear();
}

void TextMatcher::add(mime::TextPlace place, std::string_view text) {
  if (place != mime::TextPlace::body) return look(place, text);
  tail_ += text;
  look(place, tail_);
  const std::size_t keep = longest_ == 0 ? 0 : longest_ - 1;
  if (tail_.size() > keep) tail_.erase(0, tail_.size() - keep);
}

void TextMatcher::look(mime::TextPlace place, std::string_view text) {
  for (std::size_t i = 0; i < finders_.size(); ++i) {
    if (found_[i] || !finders_[i].in(place)) continue;
    work_ += text.size();
    if (finders_[i].find(place, text, 0) == npos) continue;
    found_[i] = true;
    --left_;
  }
}

std::size_t TextTruths::add(Uid uid) {
  uids_.push_back(uid);
  bits_.resize(bits_.size() + needles_);
  return uids_.size() - 1;
}

void TextTruths::remove(std::size_t row) {
  absent_.resize(uids_.size());
  absent_[row] = true;
}

std::size_t TextTruths::find(Uid uid) const {
  const auto at = std::ranges::lower_bound(uids_, uid);
  return at != uids_.end() && *at == uid ? static_cast<std::size_t>(at - uids_.begin()) : uids_.size();
}

}  // namespace postern::store
