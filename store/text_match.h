// SPDX-License-Identifier: Apache-2.0
// Finding needles in the text of messages: the one definition of what matches, for text that is decoded on the fly and for the
// blocks of the text store. Without I/O.
//
// A needle stands in a header within one line, so a needle with a line end is in no header. In the body it may stand across
// lines, exactly as the text has them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mime/search_text.h"
#include "store/ids.h"

namespace postern::store {

/// What of a message a needle is looked for in (RFC 3501 §6.4.4).
enum class TextScope : std::uint8_t {
  text,   ///< header and body
  body,   ///< without the message's own header
  header  ///< the value of a field, as people read it
};

struct TextNeedle {
  TextScope scope = TextScope::text;
  std::string field;  ///< for `header`: the field's name, in any case
  std::string text;   ///< in the comparison form of mime::casemap; empty: every message, or every one that has the field
};

/// A needle made ready.
class Finder {
 public:
  explicit Finder(const TextNeedle& needle);

  /// The places of a message that have to be looked at.
  mime::TextPlaces places() const { return places_; }
  bool in(mime::TextPlace place) const { return (places_ & mime::place_bit(place)) != 0; }
  /// True for needles that every message has.
  bool always() const { return places_ == 0 && always_; }
  std::size_t length() const { return text_.size(); }
  /// The first match at or after `from` in text of this place (for headers: whole lines), as the offset of its first octet; npos
  /// when there is none. Linear in what it passes.
  std::size_t find(mime::TextPlace place, std::string_view text, std::size_t from) const;

 private:
  std::size_t find_field(std::string_view lines, std::size_t from) const;
  std::size_t find_value(std::string_view lines, std::size_t from) const;

  std::string text_;
  std::string label_;  ///< "SUBJECT: "; empty when any line will do
  mime::TextPlaces places_ = 0;
  bool always_ = false;
};

std::vector<Finder> make_finders(std::span<const TextNeedle> needles);
mime::TextPlaces places_of(std::span<const Finder> finders);

/// Which needles one message has, as its text comes in pieces.
class TextMatcher final : public mime::TextSink {
 public:
  /// `finders` must outlive the matcher.
  explicit TextMatcher(std::span<const Finder> finders);

  /// Begins the next message.
  void reset();
  void add(mime::TextPlace place, std::string_view text) override;
  bool found(std::size_t finder) const { return found_[finder]; }
  bool all_found() const { return left_ == 0; }
  /// Octets compared so far, times needles, over all messages.
  std::uint64_t work() const { return work_; }

 private:
  void look(mime::TextPlace place, std::string_view text);

  std::span<const Finder> finders_;
  std::vector<bool> found_;
  std::size_t left_ = 0;
  std::size_t longest_ = 0;
  std::string tail_;  ///< end of the body so far, and the piece under test
  std::uint64_t work_ = 0;
};

/// Which of many messages has which of several needles. Rows are added in the order of UIDs.
class TextTruths {
 public:
  explicit TextTruths(std::size_t needles) : needles_(needles) {}
  /// Gives the row's index.
  std::size_t add(Uid uid);
  void set(std::size_t row, std::size_t needle) { bits_[row * needles_ + needle] = true; }
  bool get(std::size_t row, std::size_t needle) const { return bits_[row * needles_ + needle]; }
  std::size_t size() const { return uids_.size(); }
  std::size_t needles() const { return needles_; }
  Uid uid(std::size_t row) const { return uids_[row]; }
  /// The message turned out to be gone.
  void remove(std::size_t row);
  bool present(std::size_t row) const { return absent_.empty() || !absent_[row]; }
  /// The row of a UID; size() when there is none.
  std::size_t find(Uid uid) const;

 private:
  std::size_t needles_;
  std::vector<Uid> uids_;
  std::vector<bool> bits_;
  std::vector<bool> absent_;  ///< empty while all are present
};

}  // namespace postern::store
