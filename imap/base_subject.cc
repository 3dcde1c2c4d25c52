// SPDX-License-Identifier: Apache-2.0
// Takes marks off both ends of a subject until nothing changes any more.
#include "imap/base_subject.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "mime/charset.h"
#include "mime/encoded_word.h"

namespace postern::imap {
namespace {

constexpr std::string_view forward_header = "[fwd:";
constexpr std::string_view forward_trailer = "(fwd)";

/// RFC 5256 §2.1 step 1: UTF-8, with each run of white space as one space; cut at a character.
std::string plain(std::string_view subject) {
  const auto decoded = mime::decode_words(subject);
  std::string out;
  for (const char c : decoded) {
    const bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (space && (out.empty() || out.back() == ' ')) continue;
    out += space ? ' ' : c;
  }
  if (out.size() <= max_subject) return out;
  auto end = max_subject;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
  out.resize(end);
  return out;
}

/// The usual subject is its own plain form: printable US-ASCII without encoded words and runs of spaces.
bool is_plain(std::string_view subject) {
  if (subject.size() > max_subject) return false;
  char last = ' ';
  for (const char c : subject) {
    if (c < ' ' || c > '~' || (c == ' ' && last == ' ') || (c == '?' && last == '=')) return false;
    last = c;
  }
  return true;
}

// RFC 5256 §5: subj-blob = "[" *BLOBCHAR "]" *WSP; BLOBCHAR is anything but brackets
bool take_blob(Cursor& in) {
  const auto from = in.position();
  if (in.take('[')) {
    in.take_while([](char c) { return c != '[' && c != ']'; });
    if (in.take(']')) {
      in.skip_wsp();
      return true;
    }
  }
  in.restore(from);
  return false;
}

// RFC 5256 §5: subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
bool take_reply_mark(Cursor& in) {
  if (!in.take_word("re") && !in.take_word("fwd") && !in.take_word("fw")) return false;
  in.skip_wsp();
  take_blob(in);
  return in.take(':');
}

class Stripper {
 public:
  explicit Stripper(std::string_view text) : text_(text) {}

  BaseSubject run() {
    do {
      trailers();
      while (leader() || blob()) {
      }
    } while (enclosing_forward());
    return {mime::casemap(text_), is_reply_};
  }

 private:
  /// Step 2: subj-trailer = "(fwd)" / WSP, at the end.
  void trailers() {
    for (;;) {
      if (!text_.empty() && ascii::is_wsp(text_.back())) {
        text_.remove_suffix(1);
      } else if (text_.size() >= forward_trailer.size() &&
                 ascii::iequals(text_.substr(text_.size() - forward_trailer.size()), forward_trailer)) {
        text_.remove_suffix(forward_trailer.size());
        is_reply_ = true;
      } else {
        return;
      }
    }
  }

  /// Step 3: subj-leader = (*subj-blob subj-refwd) / WSP.
  bool leader() {
    if (!text_.empty() && ascii::is_wsp(text_.front())) {
      text_.remove_prefix(1);
      return true;
    }
    Cursor in(text_);
    while (take_blob(in)) {
    }
    if (!take_reply_mark(in)) return false;
    text_ = in.rest();
    is_reply_ = true;
    return true;
  }

  /// Step 4: a blob in front goes when something is left behind it.
  bool blob() {
    Cursor in(text_);
    if (!take_blob(in) || in.at_end()) return false;
    text_ = in.rest();
    return true;
  }

  /// Step 6: subj-fwd = "[fwd:" subject "]".
  bool enclosing_forward() {
    if (!ascii::istarts_with(text_, forward_header) || !text_.ends_with(']')) return false;
    text_.remove_prefix(forward_header.size());
    text_.remove_suffix(1);
    is_reply_ = true;
    return true;
  }

  std::string_view text_;
  bool is_reply_ = false;
};

}  // namespace

BaseSubject base_subject(std::string_view subject) {
  if (is_plain(subject)) return Stripper(subject).run();
  const auto text = plain(subject);
  return Stripper(text).run();
}

}  // namespace postern::imap
