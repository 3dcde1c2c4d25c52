// SPDX-License-Identifier: Apache-2.0
// The text of a message: see search_text.h. Folding goes line by line, because a line end never takes part in a decomposition
// or reordering of RFC 5051's form; so the pieces are those of the text and not those of the reading.
#include "mime/search_text.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "mime/charset.h"
#include "mime/encoded_word.h"
#include "mime/header.h"
#include "mime/normalize.h"

namespace postern::mime {
namespace {

/// Raised with every change of the rules in this file or in html_text.cc.
constexpr std::uint32_t rules_version = 1;
/// Decoded text is folded in pieces of at most this many octets.
constexpr std::size_t fold_piece = 16 * 1024;
constexpr std::array<std::string_view, 5> main_fields = {"subject", "from", "to", "cc", "bcc"};

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Appends the comparison form. Lines of ASCII, the most, go without ICU.
void append_folded(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const auto line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    if (ascii::is_ascii(line)) {
      const auto start = out.size();
      out.resize(start + line.size());
      std::ranges::transform(line, out.begin() + static_cast<std::ptrdiff_t>(start), [](char c) { return ascii::upper(c); });
    } else {
      out += casemap(line);
    }
    text.remove_prefix(line.size());
  }
}

/// One field as a line. Plain ASCII without encoded words takes the short way, with the same result.
void append_line(const Field& field, std::string& out) {
  append_folded(field.name, out);
  out += ": ";
  if (!ascii::is_ascii(field.raw) || field.raw.find("=?") != std::string_view::npos) {
    append_folded(decode_words(field.raw), out);
  } else {
    for (const char c : unfold(field.raw)) out += ascii::is_ctl(c) && c != '\t' ? ' ' : ascii::upper(c);
  }
  out += '\n';
}

}  // namespace

TextPlace place_of_field(std::string_view name) {
  const bool main = std::ranges::any_of(main_fields, [name](std::string_view one) { return ascii::iequals(one, name); });
  return main ? TextPlace::main_fields : TextPlace::other_fields;
}

void add_header_text(std::string_view block, HeaderOf whose, TextSink& sink) {
  block = block.substr(0, max_header_block);
  std::size_t position = 0;
  std::string line;
  for (std::size_t fields = 0; fields < max_fields; ++fields) {
    const auto field = next_field(block, position);
    if (!field) return;
    line.clear();
    append_line(*field, line);
    sink.add(whose == HeaderOf::enclosed ? TextPlace::body : place_of_field(field->name), line);
  }
}

TextExtractor::TextExtractor(const Source& source, TextSink& sink) : tree_(source.tree), sink_(sink) {
  plan(source.places, source.prefix);
  begin_step();
}

void TextExtractor::plan(TextPlaces places, std::uint64_t prefix) {
  const bool header = (places & header_places) != 0;
  const bool body = (places & place_bit(TextPlace::body)) != 0;
  if (header) add_step({Kind::header, {0, prefix}, 0});
  for (PartIndex i = 0; i < tree_.parts.size(); ++i) {
    const Part& part = tree_.parts[i];
    const bool root = part.parent == no_part;
    const Range head{prefix + part.header_begin, prefix + part.body_begin};
    if (part.has(part_is_message) && (root ? header : body)) add_step({root ? Kind::header : Kind::enclosed_header, head, i});
    const bool text = part.kind == PartKind::leaf && !part.has(part_opaque) && part.type.type == "text";
    if (body && text) add_step({Kind::text, {prefix + part.body_begin, prefix + part.body_end}, i});
  }
}

void TextExtractor::add_step(const Step& step) {
  Step bounded = step;
  if (step.kind != Kind::text) bounded.octets.end = std::min(step.octets.end, step.octets.begin + max_header_block);
  if (bounded.octets.size() != 0) steps_.push_back(bounded);
}

std::optional<Range> TextExtractor::wants() const {
  if (step_ == steps_.size()) return std::nullopt;
  return Range{position_, steps_[step_].octets.end};
}

void TextExtractor::begin_step() {
  if (step_ == steps_.size()) return;
  const Step& step = steps_[step_];
  position_ = step.octets.begin;
  if (step.kind != Kind::text) return;
  const Part& part = tree_.parts[step.part];
  decoder_.emplace(part);
  if (part.type.subtype == "html") html_.emplace();
}

void TextExtractor::feed(std::string_view octets) {
  position_ += octets.size();
  if (steps_[step_].kind == Kind::text) {
    decoded_.clear();
    decoder_->decode(octets, decoded_);
    add_body(decoded_);
  } else {
    block_ += octets;
  }
  if (position_ < steps_[step_].octets.end) return;
  end_step();
  ++step_;
  begin_step();
}

void TextExtractor::end_step() {
  const Step& step = steps_[step_];
  if (step.kind != Kind::text) {
    add_header_text(block_, step.kind == Kind::header ? HeaderOf::message : HeaderOf::enclosed, sink_);
    block_.clear();
    return;
  }
  decoded_.clear();
  decoder_->finish(decoded_);
  add_body(decoded_);
  if (html_) html_->finish(waiting_);
  waiting_ += '\n';
  fold_through(1);
  decoder_.reset();
  html_.reset();
}

void TextExtractor::add_body(std::string_view decoded) {
  if (html_) {
    html_->feed(decoded, waiting_);
  } else {
    waiting_ += decoded;
  }
  fold_through(fold_piece);
}

/// Folds pieces from the front until fewer octets than that wait. A piece ends behind its last line end, or between two
/// characters when it has none.
void TextExtractor::fold_through(std::size_t keep_below) {
  std::size_t done = 0;
  std::string folded;
  while (waiting_.size() - done >= keep_below) {
    auto piece = std::string_view(waiting_).substr(done, fold_piece);
    if (done + piece.size() < waiting_.size() || keep_below == fold_piece) {
      auto cut = piece.rfind('\n') + 1;
      if (cut == 0) {
        cut = piece.size();
        while (cut > 1 && done + cut < waiting_.size() && is_continuation(waiting_[done + cut])) --cut;
      }
      piece = piece.substr(0, cut);
    }
    folded.clear();
    append_folded(piece, folded);
    sink_.add(TextPlace::body, folded);
    done += piece.size();
  }
  waiting_.erase(0, done);
}

std::uint32_t search_text_version() { return rules_version << 16 | unicode_version(); }

}  // namespace postern::mime
