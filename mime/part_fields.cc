// SPDX-License-Identifier: Apache-2.0
// Content-* fields into a Part: see part_fields.h. One table of names, one pass over the fields.
#include "mime/part_fields.h"

#include <array>

#include "base/ascii.h"
#include "mime/envelope.h"

namespace postern::mime {
namespace {

constexpr std::string_view prefix = "content-";

using Setter = void (*)(Part& part, const Field& field);
struct Row {
  std::string_view name;  ///< behind "Content-"
  Setter set;
};

// RFC 2045 §5, §6, §7, §8; RFC 2183; RFC 1864; RFC 3282; RFC 2557 §4
constexpr std::array<Row, 8> rows = {{
    {"type", [](Part& part, const Field& field) { part.type = parse_content_type(field.raw); }},
    {"transfer-encoding",
     [](Part& part, const Field& field) {
       part.encoding = ascii::lower(field.value());
       part.transfer_encoding = parse_transfer_encoding(part.encoding);
     }},
    {"id", [](Part& part, const Field& field) { part.id = field.value(); }},
    {"description", [](Part& part, const Field& field) { part.description = field.value(); }},
    {"md5", [](Part& part, const Field& field) { part.md5 = field.value(); }},
    {"location", [](Part& part, const Field& field) { part.location = field.value(); }},
    {"disposition", [](Part& part, const Field& field) { part.disposition = parse_disposition(field.raw); }},
    {"language", [](Part& part, const Field& field) { part.languages = parse_languages(field.raw); }},
}};
constexpr std::size_t type_row = 0;

std::size_t row_of(const Field& field) {
  if (!ascii::istarts_with(field.name, prefix)) return rows.size();
  const auto name = field.name.substr(prefix.size());
  std::size_t row = 0;
  while (row < rows.size() && !(rows[row].name.size() == name.size() && ascii::iequals(rows[row].name, name))) ++row;
  return row;
}

}  // namespace

void read_part_fields(std::string_view block, DefaultType fallback, Part& part) {
  const Header header(block);
  std::array<bool, rows.size()> seen{};
  for (const Field& field : header.fields()) {
    const std::size_t row = row_of(field);
    if (row == rows.size()) continue;
    if (seen[row]) {
      part.flags |= part_duplicate_field;
      continue;
    }
    seen[row] = true;
    rows[row].set(part, field);
  }
  if (!seen[type_row]) {
    part.flags |= part_no_content_type;
    if (fallback == DefaultType::message_rfc822) part.type = {"message", "rfc822", {}};
  }
  if (header.damaged()) part.flags |= part_damaged_header;
  if (part.has(part_is_message)) part.envelope = imap_envelope(summarize(header));
}

}  // namespace postern::mime
