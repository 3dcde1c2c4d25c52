// SPDX-License-Identifier: Apache-2.0
// The header block of a message or body part: fields with exact offsets, lookup by name, unfolding, and where it ends.
//
// Views point into the block that was given; the caller keeps it alive. Reading never fails: lines that are no field are
// skipped and flagged. Whoever receives mail asks check_limits() first and refuses what is beyond (security.md D27).
// Line ends are CRLF; a bare LF counts as a line end too, because stored mail from elsewhere has them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::mime {

/// Largest header block we accept and interpret, in octets.
inline constexpr std::size_t max_header_block = 256 * 1024;
/// Largest single field, name and folding included; longer values are interpreted up to here.
inline constexpr std::size_t max_field = 64 * 1024;
/// Most fields in one block.
inline constexpr std::size_t max_fields = 2'000;

/// One header field. Offsets count from the start of the block.
struct Field {
  std::string_view name;  ///< as written, without the colon and without white space before it
  std::string_view raw;   ///< after the colon, folding included, without the last line end
  std::size_t begin = 0;  ///< of the name's first octet
  std::size_t end = 0;    ///< after the last line end of the field
  /// True when the name equals `other` without regard to case.
  bool is(std::string_view other) const;
  /// raw without line ends of folding and without white space around it (RFC 5322 §2.2.3); NUL and bare CR become spaces.
  std::string value() const;
};

/// The next field at or after `position`, which moves behind it; nothing at the end or at the empty line. Lines that are no
/// field are skipped; `skipped`, when given, is set then.
std::optional<Field> next_field(std::string_view block, std::size_t& position, bool* skipped = nullptr);

/// All fields of a block, up to max_fields. Copies nothing of the text.
class Header {
 public:
  Header() = default;
  explicit Header(std::string_view block);

  const std::vector<Field>& fields() const { return fields_; }
  /// The first field of this name, or null.
  const Field* first(std::string_view name) const;
  /// All fields of this name, top to bottom.
  std::vector<const Field*> all(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  /// The unfolded value of the first field of this name; empty when there is none.
  std::string value(std::string_view name) const;
  /// Lines that are no field were skipped, or there were more fields than max_fields.
  bool damaged() const { return damaged_; }

 private:
  std::vector<Field> fields_;
  bool damaged_ = false;
};

/// RFC 5322 §2.2.3: removes the line ends of folding; NUL and bare CR become spaces; trims white space at both ends.
std::string unfold(std::string_view raw);

/// Where a header block ends.
struct HeaderEnd {
  std::size_t fields_end = 0;  ///< of the empty line, or of the text when there is none
  std::size_t body_begin = 0;  ///< after the empty line
  bool found = false;          ///< an empty line was there
};
HeaderEnd find_header_end(std::string_view message);

/// The same for text that comes in pieces.
class HeaderEndFinder {
 public:
  /// How many octets of `bytes` still belong to the header (the empty line included). 0 when done before.
  std::size_t feed(std::string_view bytes);
  bool done() const { return done_; }
  /// Octets of the header so far, the empty line included.
  std::uint64_t size() const { return size_; }

 private:
  std::uint64_t size_ = 0;
  std::uint32_t line_length_ = 0;  ///< octets in the current line, a CR at its start not counted
  bool cr_ = false;                ///< the current line is a single CR so far
  bool done_ = false;
};

/// Error too_large (block or field) or limit (number of fields). One pass, no allocation.
Result<> check_limits(std::string_view block);

/// What select_fields keeps.
enum class Select : std::uint8_t { only, except };
/// The named fields (or all others) exactly as they stand, in their order, then the empty line when the block has one:
/// HEADER.FIELDS and HEADER.FIELDS.NOT of RFC 3501 §6.4.5.
std::string select_fields(std::string_view block, std::span<const std::string> names, Select mode);

}  // namespace postern::mime
