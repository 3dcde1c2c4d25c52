// SPDX-License-Identifier: Apache-2.0
// Header fields: see header.h. Everything here is one pass over the text with memchr; nothing is copied but values asked for.
#include "mime/header.h"

#include <cstring>

#include "base/ascii.h"

namespace postern::mime {
namespace {

/// Offset behind the line that starts at `from`.
std::size_t line_end(std::string_view text, std::size_t from) {
  const void* found = std::memchr(text.data() + from, '\n', text.size() - from);
  return found == nullptr ? text.size() : static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) + 1;
}

/// The line without its CRLF or LF.
std::string_view without_break(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_empty_line(std::string_view line) { return line == "\r\n" || line == "\n"; }

/// Offset behind the field that starts at `from`: its line and the lines of its folding.
std::size_t field_end(std::string_view block, std::size_t from) {
  std::size_t end = line_end(block, from);
  while (end < block.size() && ascii::is_wsp(block[end])) end = line_end(block, end);
  return end;
}

/// The length of a field name at the start of the line; 0 when the line is no field.
// field-name = 1*ftext, ftext = %d33-57 / %d59-126 (any printable but ":"); obs: white space before the colon
std::size_t name_length(std::string_view line) {
  // RFC 5322 §2.2, §4.5
  std::size_t n = 0;
  while (n < line.size() && line[n] != ':' && line[n] > 0x20 && line[n] < 0x7f) ++n;
  return n;
}

std::size_t colon_after(std::string_view line, std::size_t n) {
  while (n < line.size() && ascii::is_wsp(line[n])) ++n;
  return n < line.size() && line[n] == ':' ? n : std::string_view::npos;
}

}  // namespace

bool Field::is(std::string_view other) const { return name.size() == other.size() && ascii::iequals(name, other); }

std::string Field::value() const { return unfold(raw.substr(0, max_field)); }

std::optional<Field> next_field(std::string_view block, std::size_t& position, bool* skipped) {
  while (position < block.size()) {
    const std::size_t begin = position;
    const char c = block[begin];
    if (c == '\n' || (c == '\r' && is_empty_line(block.substr(begin, 2)))) return std::nullopt;
    const std::size_t end = field_end(block, begin);
    position = end;
    const auto text = without_break(block.substr(begin, end - begin));
    const std::size_t length = name_length(text);
    const std::size_t colon = colon_after(text, length);
    if (length != 0 && colon != std::string_view::npos) {
      return Field{text.substr(0, length), text.substr(colon + 1), begin, end};
    }
    if (skipped != nullptr) *skipped = true;
  }
  return std::nullopt;
}

Header::Header(std::string_view block) {
  fields_.reserve(32);
  std::size_t position = 0;
  while (auto field = next_field(block, position, &damaged_)) {
    if (fields_.size() == max_fields) {
      damaged_ = true;
      return;
    }
    fields_.push_back(*field);
  }
}

const Field* Header::first(std::string_view name) const {
  for (const Field& field : fields_) {
    if (field.is(name)) return &field;
  }
  return nullptr;
}

std::vector<const Field*> Header::all(std::string_view name) const {
  std::vector<const Field*> found;
  for (const Field& field : fields_) {
    if (field.is(name)) found.push_back(&field);
  }
  return found;
}

std::size_t Header::count(std::string_view name) const {
  std::size_t n = 0;
  for (const Field& field : fields_) n += field.is(name) ? 1 : 0;
  return n;
}

std::string Header::value(std::string_view name) const {
  const Field* field = first(name);
  return field == nullptr ? std::string() : field->value();
}

// RFC 5322 §2.2.3
std::string unfold(std::string_view raw) {
  raw = ascii::trim(raw);
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (c == '\n') continue;
    if (c == '\r') {
      if (i + 1 < raw.size() && raw[i + 1] == '\n') continue;
      out += ' ';
    } else {
      out += c == '\0' ? ' ' : c;
    }
  }
  return out;
}

HeaderEnd find_header_end(std::string_view message) {
  std::size_t from = 0;
  while (from < message.size()) {
    const std::size_t end = line_end(message, from);
    if (is_empty_line(message.substr(from, end - from))) return {from, end, true};
    from = end;
  }
  return {message.size(), message.size(), false};
}

std::size_t HeaderEndFinder::feed(std::string_view bytes) {
  if (done_) return 0;
  std::size_t i = 0;
  while (i < bytes.size()) {
    const char c = bytes[i++];
    if (c == '\n') {
      if (line_length_ == 0) {
        done_ = true;
        break;
      }
      line_length_ = 0;
      cr_ = false;
      continue;
    }
    if (c == '\r' && line_length_ == 0 && !cr_) {
      cr_ = true;
      continue;
    }
    line_length_ = 1;
    const void* next = std::memchr(bytes.data() + i, '\n', bytes.size() - i);
    i = next == nullptr ? bytes.size() : static_cast<std::size_t>(static_cast<const char*>(next) - bytes.data());
  }
  size_ += i;
  return i;
}

Result<> check_limits(std::string_view block) {
  if (block.size() > max_header_block) return fail(ErrorKind::too_large, "the header block is larger than 256 KiB");
  std::size_t position = 0;
  std::size_t fields = 0;
  while (const auto field = next_field(block, position)) {
    if (field->end - field->begin > max_field) return fail(ErrorKind::too_large, "a header field is larger than 64 KiB");
    if (++fields > max_fields) return fail(ErrorKind::limit, "more than 2000 header fields");
  }
  return {};
}

std::string select_fields(std::string_view block, std::span<const std::string> names, Select mode) {
  std::string out;
  std::size_t position = 0;
  while (const auto field = next_field(block, position)) {
    const bool named = std::any_of(names.begin(), names.end(), [&](const std::string& name) { return field->is(name); });
    if (named == (mode == Select::only)) out += block.substr(field->begin, field->end - field->begin);
  }
  if (position < block.size()) {
    if (!out.empty() && !out.ends_with('\n')) out += "\r\n";
    out += block.substr(position, line_end(block, position) - position);
  }
  return out;
}

}  // namespace postern::mime
