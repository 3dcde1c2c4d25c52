// SPDX-License-Identifier: Apache-2.0
// What SEARCH BODY, TEXT, HEADER and the like look into: the one definition of a message's text, used for messages that are
// decoded on the fly and for the text store alike, so that both give the same answers. Without I/O.
//
//   header   fields as lines "NAME: value" with encoded words decoded and folding removed (RFC 5322 §2.2.3, RFC 2047)
//   body     text parts with transfer encoding and charset decoded, text/html without its tags (mime/html_text.h), and the
//            header lines of enclosed messages, in the order of the message; parts are apart by a line end
//
// All of it in the comparison form of mime::casemap (RFC 5051). Not text: parts of other types, preamble and epilogue, headers
// of parts (RFC 3501 §6.4.4 leaves that to the server). Of a header block max_header_block octets and max_fields fields count.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mime/html_text.h"
#include "mime/part.h"
#include "mime/section.h"
#include "mime/text_decoder.h"

namespace postern::mime {

/// Where in a message a piece of text stands. The fields that people search most are apart, so that a search for a subject
/// reads little.
enum class TextPlace : std::uint8_t { main_fields, other_fields, body };
inline constexpr std::size_t text_places = 3;

/// Places as bits: 1 << TextPlace.
using TextPlaces = unsigned;
constexpr TextPlaces place_bit(TextPlace place) { return 1U << static_cast<unsigned>(place); }
inline constexpr TextPlaces header_places = place_bit(TextPlace::main_fields) | place_bit(TextPlace::other_fields);
inline constexpr TextPlaces all_places = header_places | place_bit(TextPlace::body);

/// Subject, From, To, Cc and Bcc are main fields. Without regard to case.
TextPlace place_of_field(std::string_view name);

/// Takes the text of one message, in order for each place. Header pieces are whole lines with their line end; pieces of the body
/// end anywhere between two characters.
class TextSink {
 public:
  virtual ~TextSink() = default;
  virtual void add(TextPlace place, std::string_view text) = 0;
};

/// The lines of a header block, for the header's places, or all of them for the body when `enclosed`.
enum class HeaderOf : bool { message, enclosed };
void add_header_text(std::string_view block, HeaderOf whose, TextSink& sink);

/// Asks for the octets it needs and gives the text to the sink. What comes out does not depend on how the octets are cut.
/// Memory: one header block and some 20 KiB.
class TextExtractor {
 public:
  /// Offsets of the tree count from behind a prefix of so many octets, which has header fields of its own. `tree` and `sink` must
  /// outlive the extractor.
  struct Source {
    const PartTree& tree;
    std::uint64_t prefix = 0;
    TextPlaces places = all_places;
  };
  TextExtractor(const Source& source, TextSink& sink);

  /// The octets it needs next; nothing when it is done. Never empty.
  std::optional<Range> wants() const;
  /// The octets at the beginning of wants(), at least one, at most all of them.
  void feed(std::string_view octets);

 private:
  enum class Kind : std::uint8_t { header, enclosed_header, text };
  struct Step {
    Kind kind;
    Range octets;
    PartIndex part;
  };
  void plan(TextPlaces places, std::uint64_t prefix);
  void add_step(const Step& step);
  void begin_step();
  void end_step();
  void add_body(std::string_view decoded);
  void fold_through(std::size_t keep_below);

  const PartTree& tree_;
  TextSink& sink_;
  std::vector<Step> steps_;
  std::size_t step_ = 0;
  std::uint64_t position_ = 0;  ///< in the current step, absolute
  std::string block_;           ///< header octets so far
  std::optional<TextDecoder> decoder_;
  std::optional<HtmlText> html_;
  std::string decoded_;
  std::string waiting_;  ///< decoded text that is not folded yet
};

/// Changes whenever the text of some message may come out differently: the rules here, or ICU's tables.
std::uint32_t search_text_version();

}  // namespace postern::mime
