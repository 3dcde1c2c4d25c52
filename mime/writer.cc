// SPDX-License-Identifier: Apache-2.0
// Writing headers and multiparts: see writer.h.
#include "mime/writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/random.h"
#include "mime/encoded_word.h"

namespace postern::mime {
namespace {

constexpr std::size_t boundary_random = 26;    ///< base32 characters: 130 bits
constexpr std::size_t message_id_random = 20;  ///< 100 bits
constexpr std::size_t max_own_boundary = 70;   ///< RFC 2046 §5.1.1

bool is_field_name(std::string_view name) {
  // RFC 5322 §2.2
  return !name.empty() && std::ranges::all_of(name, [](char c) { return ascii::is_vchar(c) && c != ':'; });
}

/// bcharsnospace; a space is allowed inside by the grammar, but we never write one.
bool is_boundary(std::string_view boundary) {
  // RFC 2046 §5.1.1
  const auto allowed = [](char c) { return ascii::is_alnum(c) || std::string_view("'()+_,-./:=?").contains(c); };
  return !boundary.empty() && boundary.size() <= max_own_boundary && std::ranges::all_of(boundary, allowed);
}

/// "Name: value" with line ends before white space where a line would be longer than preferred_line. RFC 5322 §2.2.3.
std::string fold(std::string_view name, std::string_view value) {
  std::string out = std::string(name) + ':';
  std::size_t column = out.size();
  value = ascii::trim(value);
  bool first = true;
  while (!value.empty()) {
    const std::size_t space = value.find_first_not_of(" \t");
    const std::size_t end = std::min(value.find_first_of(" \t", space), value.size());
    const std::size_t size = end + (first ? 1 : 0);
    if (column + size > preferred_line && (!first || size <= preferred_line)) {
      out += "\r\n";
      column = 0;
    }
    if (first) out += ' ';
    out += value.substr(0, end);
    column += size;
    value.remove_prefix(end);
    first = false;
  }
  return out + "\r\n";
}

bool has_long_line(std::string_view text) {
  std::size_t from = 0;
  while (from < text.size()) {
    const std::size_t end = std::min(text.find("\r\n", from), text.size());
    if (end - from > max_line) return true;
    from = end + 2;
  }
  return false;
}

std::string format_address(const NamedAddress& who) {
  if (who.name.empty()) return who.address.to_string();
  return encode_phrase(who.name) + " <" + who.address.to_string() + '>';
}

}  // namespace

Result<> check_field_text(std::string_view text) {
  if (text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos) return {};
  return fail(ErrorKind::invalid, "CR, LF or NUL in the text of a header field");
}

void HeaderWriter::put(std::string_view name, std::string_view value) {
  if (error_) return;
  if (!is_field_name(name)) {
    error_ = Error{ErrorKind::invalid, "not a header field name"};
    return;
  }
  std::string folded = fold(name, value);
  if (has_long_line(folded)) {
    error_ = Error{ErrorKind::too_large, fmt::format("a line of {} would be longer than {}", name, max_line)};
    return;
  }
  out_ += folded;
}

HeaderWriter& HeaderWriter::field(std::string_view name, std::string_view value) {
  if (const auto checked = check_field_text(value); !checked && !error_) error_ = checked.error();
  put(name, value);
  return *this;
}

HeaderWriter& HeaderWriter::text(std::string_view name, std::string_view utf8) {
  if (const auto checked = check_field_text(utf8); !checked && !error_) error_ = checked.error();
  put(name, encode_words(utf8));
  return *this;
}

HeaderWriter& HeaderWriter::address(std::string_view name, const NamedAddress& who) { return addresses(name, {&who, 1}); }

HeaderWriter& HeaderWriter::addresses(std::string_view name, std::span<const NamedAddress> who) {
  std::string list;
  for (const NamedAddress& one : who) {
    if (const auto checked = check_field_text(one.name); !checked && !error_) error_ = checked.error();
    if (!list.empty()) list += ", ";
    list += format_address(one);
  }
  return field(name, list);
}

HeaderWriter& HeaderWriter::date(std::string_view name, const Date& when) { return field(name, format_date(when)); }

HeaderWriter& HeaderWriter::content_type(const ContentType& type) {
  std::string value = type.type + '/' + type.subtype;
  for (const Parameter& parameter : type.parameters) value += format_parameter(parameter.name, parameter.value);
  return field("Content-Type", value);
}

Result<std::string> HeaderWriter::finish() const {
  if (error_) return std::unexpected(*error_);
  return out_;
}

// multipart-body := dash-boundary CRLF body-part *(delimiter CRLF body-part) close-delimiter
Result<std::string> write_multipart(const Multipart& multipart) {
  // RFC 2046 §5.1.1
  if (!is_boundary(multipart.boundary)) return fail(ErrorKind::invalid, "not a boundary");
  ContentType type{"multipart", multipart.subtype, multipart.parameters};
  type.parameters.push_back({"boundary", multipart.boundary, {}, {}, false});
  HeaderWriter header = multipart.header;
  auto out = header.field("MIME-Version", "1.0").content_type(type).finish();
  if (!out) return out;
  const std::string dash_boundary = "--" + multipart.boundary;
  for (const BodyPart& part : multipart.parts) {
    const auto part_header = part.header.finish();
    if (!part_header) return part_header;
    if (part.body.find(dash_boundary) != std::string::npos) return fail(ErrorKind::invalid, "a part contains the boundary");
    *out += "\r\n" + dash_boundary + "\r\n" + *part_header + "\r\n" + part.body;
  }
  *out += "\r\n" + dash_boundary + "--\r\n";
  return out;
}

std::string make_boundary() {
  // "=_" cannot occur in base64 or quoted-printable text.
  return "=_" + random::token(boundary_random);
}

std::string make_message_id(UnixTime now, const mail::Domain& domain) {
  // RFC 5322 §3.6.4
  return fmt::format("<{}.{}@{}>", now, random::token(message_id_random), domain.ascii());
}

}  // namespace postern::mime
