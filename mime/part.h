// SPDX-License-Identifier: Apache-2.0
// The MIME tree of a message: every part with its exact offsets and what IMAP needs to know of it.
//
// PartParser is fed the message in pieces of any size and keeps only the header block it is reading. It makes one pass, never
// recurses, never fails, and its result is always a tree: offsets are ordered, children lie inside their parents, siblings do
// not overlap (security.md D28–D31, D36). Beyond the limits below the rest is left as one opaque part.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mime/content_type.h"
#include "mime/header.h"
#include "mime/transfer_encoding.h"

namespace postern::mime {

/// Deepest nesting of multiparts and enclosed messages.
inline constexpr std::size_t max_depth = 50;
/// Most parts of one message.
inline constexpr std::size_t max_parts = 1'000;
/// Header octets that are interpreted in one message, all parts together; parts behind are opaque.
inline constexpr std::size_t max_interpreted = 4 * 1024 * 1024;
using PartIndex = std::uint32_t;
inline constexpr PartIndex no_part = UINT32_MAX;

enum class PartKind : std::uint8_t {
  leaf,       ///< has content and no children
  multipart,  ///< children are its parts; there may be none
  message     ///< message/rfc822 or message/global: exactly one child, the enclosed message
};

/// Things worth knowing about a part, as bits of Part::flags.
enum PartFlag : std::uint8_t {
  part_opaque = 1,           ///< beyond a limit: type kept, but neither parsed nor to be shown as multipart or message
  part_duplicate_field = 2,  ///< a Content-* field occurred twice; the first one counts (D36)
  part_damaged_header = 4,   ///< lines that are no field, or beyond max_header_block
  part_no_content_type = 8,  ///< it had no Content-Type field; `type` is the default
  part_is_message = 16,      ///< the root, or the message enclosed by its parent: `envelope` is set
  part_unterminated = 32     ///< a multipart whose closing delimiter never came
};

/// One part. Offsets are absolute in the message; body_begin is after the empty line that ends the header.
struct Part {
  PartIndex parent = no_part;
  PartIndex first_child = no_part;
  PartIndex next_sibling = no_part;
  PartKind kind = PartKind::leaf;
  std::uint8_t flags = 0;
  TransferEncoding transfer_encoding = TransferEncoding::identity;
  std::uint64_t header_begin = 0;
  std::uint64_t body_begin = 0;
  std::uint64_t body_end = 0;
  std::uint64_t body_lines = 0;  ///< line ends in the body
  ContentType type;
  std::string encoding;     ///< Content-Transfer-Encoding as written, lower case; empty when absent
  std::string id;           ///< Content-ID with its angle brackets
  std::string description;  ///< Content-Description, still encoded
  std::string md5;          ///< Content-MD5
  std::string location;     ///< Content-Location
  Disposition disposition;
  std::vector<std::string> languages;
  std::string envelope;  ///< IMAP ENVELOPE text when part_is_message is set

  bool has(PartFlag flag) const { return (flags & flag) != 0; }
  std::uint64_t body_size() const { return body_end - body_begin; }
  std::uint64_t header_size() const { return body_begin - header_begin; }
  bool operator==(const Part&) const = default;
};

/// parts[0] is the message itself; a parent comes before its children, siblings in order.
struct PartTree {
  std::vector<Part> parts;
  bool truncated = false;  ///< a limit was reached; some parts are opaque
  std::string listed;      ///< the root's listed_fields(); empty when they are not known
  const Part& root() const { return parts.front(); }
  /// The number-th child, counted from 1; no_part when there is none.
  PartIndex child(PartIndex parent, std::uint32_t number) const;
  bool operator==(const PartTree&) const = default;
};

/// Fed once with a whole message, in order. O(n) time; memory: one header block and the tree.
class PartParser {
 public:
  PartParser();
  void feed(std::string_view bytes);
  /// The tree; the parser is used up afterwards.
  PartTree finish();

 private:
  /// An open multipart whose delimiters we look for.
  struct Level {
    std::size_t hash;  ///< of the boundary
    PartIndex part;
    std::size_t open;  ///< open_.size() with this multipart on top
    std::string boundary;
  };
  /// A line as far as it was kept.
  struct Line {
    std::string_view text;    ///< with its line end; cut when longer than any delimiter
    std::uint64_t length;     ///< true length
    std::uint8_t break_size;  ///< 0, 1 (LF) or 2 (CRLF)
  };

  bool only_lines_left() const { return !in_header_ && levels_.empty(); }
  void add_header(std::string_view bytes);
  void hold(std::string_view bytes);
  void end_held_line(std::string_view rest);
  void end_line(const Line& line);
  bool try_delimiter(const Line& line);
  std::size_t find_level(std::string_view boundary) const;
  void delimiter(std::size_t level, bool closing, const Line& line);
  void open_part(PartIndex parent, std::uint64_t begin);
  void end_header(std::uint64_t body_begin);
  void descend(PartIndex index);
  void open_multipart(PartIndex index);
  void make_opaque(PartIndex index);
  void close_down_to(std::size_t open, std::uint64_t end, std::uint64_t lines);

  PartTree tree_;
  std::vector<PartIndex> open_;          ///< from the root to the current part
  std::vector<std::uint64_t> lines_at_;  ///< beside open_: line ends before the body
  std::vector<PartIndex> last_child_;    ///< beside tree_.parts
  std::vector<Level> levels_;
  std::string header_;           ///< the header block being read
  std::size_t header_mark_ = 0;  ///< size of header_ at the start of the line
  std::string held_;             ///< start of a line that was cut by the end of a piece
  std::uint64_t held_length_ = 0;
  char held_last_ = 0;        ///< last octet of that line so far
  std::uint64_t offset_ = 0;  ///< of the current line
  std::uint64_t lines_ = 0;   ///< line ends so far
  std::size_t interpreted_ = 0;
  std::uint8_t break_before_ = 0;  ///< size of the line end before the current line
  bool in_header_ = true;
};

/// The tree of a message that is in memory.
PartTree parse_message(std::string_view message);

}  // namespace postern::mime
