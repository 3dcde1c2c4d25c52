// SPDX-License-Identifier: Apache-2.0
// The MIME parser: see part.h. Lines are found with memchr; a line matters only in a header, or when it starts with "--" while
// a multipart is open. A delimiter is looked up by hash among the open multiparts (at most max_depth), innermost first, so the
// work per line does not grow with nesting.
#include "mime/part.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/ascii.h"
#include "mime/listed_fields.h"
#include "mime/part_fields.h"

namespace postern::mime {
namespace {

constexpr std::size_t max_padding = 64;  ///< white space behind a delimiter, RFC 2046 §5.1.1 "transport-padding"
constexpr std::size_t max_delimiter_line = 2 + max_boundary + 2 + max_padding + 2;
constexpr std::size_t no_level = SIZE_MAX;

std::uint8_t break_size(std::string_view line, char before) {
  const char previous = line.size() >= 2 ? line[line.size() - 2] : before;
  return previous == '\r' ? 2 : 1;
}

std::string_view without_padding(std::string_view text) {
  while (!text.empty() && ascii::is_wsp(text.back())) text.remove_suffix(1);
  return text;
}

bool is_encoded(const Part& part) {
  return part.transfer_encoding == TransferEncoding::base64 || part.transfer_encoding == TransferEncoding::quoted_printable;
}

}  // namespace

PartIndex PartTree::child(PartIndex parent, std::uint32_t number) const {
  PartIndex index = parent < parts.size() && number > 0 ? parts[parent].first_child : no_part;
  while (index != no_part && --number > 0) index = parts[index].next_sibling;
  return index;
}

PartParser::PartParser() {
  open_part(no_part, 0);
  tree_.parts.front().flags |= part_is_message;
}

void PartParser::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (only_lines_left()) {
      lines_ += static_cast<std::uint64_t>(std::ranges::count(bytes, '\n'));
      offset_ += bytes.size();
      return;
    }
    const void* found = std::memchr(bytes.data(), '\n', bytes.size());
    if (found == nullptr) return hold(bytes);
    const std::size_t size = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) + 1;
    const auto line = bytes.substr(0, size);
    bytes.remove_prefix(size);
    if (in_header_) add_header(line);
    if (held_length_ == 0) {
      end_line({line, size, break_size(line, '\0')});
    } else {
      end_held_line(line);
    }
  }
}

PartTree PartParser::finish() {
  if (held_length_ != 0) end_held_line({});
  while (in_header_) end_header(offset_);
  close_down_to(0, offset_, lines_);
  return std::move(tree_);
}

/// Keeps header octets up to the limit; what is beyond is not interpreted, but it still counts for the offsets.
void PartParser::add_header(std::string_view bytes) {
  const std::size_t room = max_header_block - header_.size();
  if (bytes.size() > room) tree_.parts[open_.back()].flags |= part_damaged_header;
  header_ += bytes.substr(0, room);
}

/// Notes the start of a line whose end has not come yet.
void PartParser::hold(std::string_view bytes) {
  if (in_header_) add_header(bytes);
  if (held_.size() < max_delimiter_line) held_ += bytes.substr(0, max_delimiter_line - held_.size());
  held_length_ += bytes.size();
  held_last_ = bytes.back();
}

/// The line that was held ends with `rest`, or with the message when that is empty.
void PartParser::end_held_line(std::string_view rest) {
  const std::uint8_t size_of_break = rest.empty() ? 0 : break_size(rest, held_last_);
  const std::uint64_t length = held_length_ + rest.size();
  if (length <= max_delimiter_line) held_ += rest;
  held_length_ = 0;
  end_line({held_, length, size_of_break});
  held_.clear();
}

void PartParser::end_line(const Line& line) {
  if (!levels_.empty() && line.text.starts_with("--") && try_delimiter(line)) return;
  offset_ += line.length;
  lines_ += line.break_size != 0 ? 1 : 0;
  break_before_ = line.break_size;
  if (!in_header_) return;
  header_mark_ = header_.size();
  if (line.length == line.break_size) end_header(offset_);
}

// delimiter := CRLF "--" boundary; close-delimiter := delimiter "--"; both with transport-padding
bool PartParser::try_delimiter(const Line& line) {
  // RFC 2046 §5.1.1
  if (line.length > max_delimiter_line) return false;
  const auto text = without_padding(line.text.substr(2, line.text.size() - 2 - line.break_size));
  if (const std::size_t level = find_level(text); level != no_level) {
    delimiter(level, false, line);
    return true;
  }
  if (!text.ends_with("--")) return false;
  const std::size_t level = find_level(text.substr(0, text.size() - 2));
  if (level == no_level) return false;
  delimiter(level, true, line);
  return true;
}

/// The innermost open multipart with this boundary, or no_level.
std::size_t PartParser::find_level(std::string_view boundary) const {
  const std::size_t hash = std::hash<std::string_view>{}(boundary);
  for (std::size_t i = levels_.size(); i-- > 0;) {
    if (levels_[i].hash == hash && levels_[i].boundary == boundary) return i;
  }
  return no_level;
}

/// Ends everything inside of the level's multipart; then a new part of it begins, or its epilogue.
void PartParser::delimiter(std::size_t level, bool closing, const Line& line) {
  if (in_header_) {
    header_.resize(std::min(header_mark_, header_.size()));
    while (in_header_) end_header(offset_);
  }
  // The line end before the delimiter belongs to it (RFC 2046 §5.1.1).
  close_down_to(levels_[level].open, offset_ - break_before_, lines_ - (break_before_ != 0 ? 1 : 0));
  levels_.erase(levels_.begin() + static_cast<std::ptrdiff_t>(level) + 1, levels_.end());
  const PartIndex multipart = levels_[level].part;
  offset_ += line.length;
  lines_ += line.break_size != 0 ? 1 : 0;
  break_before_ = line.break_size;
  if (closing) {
    tree_.parts[multipart].flags &= static_cast<std::uint8_t>(~part_unterminated);
    levels_.pop_back();
  } else {
    open_part(multipart, offset_);
  }
}

/// A new part whose header begins here. The last part that may be made takes all the rest of the message unread.
void PartParser::open_part(PartIndex parent, std::uint64_t begin) {
  const auto index = static_cast<PartIndex>(tree_.parts.size());
  Part part;
  part.parent = parent;
  part.header_begin = part.body_begin = begin;
  tree_.parts.push_back(std::move(part));
  last_child_.push_back(no_part);
  if (parent != no_part) {
    PartIndex& last = last_child_[parent];
    (last == no_part ? tree_.parts[parent].first_child : tree_.parts[last].next_sibling) = index;
    last = index;
  }
  open_.push_back(index);
  lines_at_.push_back(lines_);
  header_.clear();
  header_mark_ = 0;
  in_header_ = index + 1 < max_parts;
  if (in_header_) return;
  make_opaque(index);
  levels_.clear();
}

void PartParser::make_opaque(PartIndex index) {
  tree_.parts[index].flags |= part_opaque;
  tree_.truncated = true;
}

void PartParser::end_header(std::uint64_t body_begin) {
  const PartIndex index = open_.back();
  Part& part = tree_.parts[index];
  part.body_begin = body_begin;
  lines_at_.back() = lines_;
  in_header_ = false;
  interpreted_ += header_.size();
  // A header that was cut is not known whole.
  if (index == 0 && !part.has(part_damaged_header)) tree_.listed = listed_fields(header_);
  if (interpreted_ > max_interpreted) return make_opaque(index);
  const bool digest = part.parent != no_part && tree_.parts[part.parent].type.is("multipart", "digest");
  read_part_fields(header_, digest ? DefaultType::message_rfc822 : DefaultType::text_plain, part);
  descend(index);
}

/// Prepares for what is inside of the part, when it is a multipart or a message.
void PartParser::descend(PartIndex index) {
  const Part& part = tree_.parts[index];
  if (part.type.type == "multipart") return open_multipart(index);
  if (!part.type.is("message", "rfc822") && !part.type.is("message", "global")) return;
  // RFC 2046 §5.2.1: an enclosed message has no encoding; RFC 6532 §3.7 allows one for message/global. Then it is content.
  if (is_encoded(part)) {
    tree_.parts[index].flags |= part_opaque;
    return;
  }
  if (open_.size() > max_depth) return make_opaque(index);
  tree_.parts[index].kind = PartKind::message;
  open_part(index, part.body_begin);
  tree_.parts.back().flags |= part_is_message;
}

void PartParser::open_multipart(PartIndex index) {
  Part& part = tree_.parts[index];
  const auto boundary = without_padding(part.type.parameter("boundary"));
  if (boundary.empty() || boundary.size() > max_boundary) {
    part.flags |= part_opaque;
    return;
  }
  if (open_.size() > max_depth) return make_opaque(index);
  part.kind = PartKind::multipart;
  part.flags |= part_unterminated;
  levels_.push_back({std::hash<std::string_view>{}(boundary), index, open_.size(), std::string(boundary)});
}

/// Closes the innermost parts until `open` are left. A part never ends before its body begins, nor its parent before it.
void PartParser::close_down_to(std::size_t open, std::uint64_t end, std::uint64_t lines) {
  while (open_.size() > open) {
    Part& part = tree_.parts[open_.back()];
    end = std::max(end, part.body_begin);
    part.body_end = end;
    part.body_lines = std::max(lines, lines_at_.back()) - lines_at_.back();
    open_.pop_back();
    lines_at_.pop_back();
  }
}

PartTree parse_message(std::string_view message) {
  PartParser parser;
  parser.feed(message);
  return parser.finish();
}

}  // namespace postern::mime
