// SPDX-License-Identifier: Apache-2.0
// Values with parameters: see content_type.h. Pieces are collected first (at most max_parameters), then joined.
#include "mime/content_type.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "mime/charset.h"
#include "mime/encoded_word.h"
#include "mime/header.h"
#include "mime/lexical.h"

namespace postern::mime {
namespace {

constexpr int no_section = -1;
/// Longest encoded value on one line before it is written in pieces.
constexpr std::size_t max_inline_value = 60;

/// token = 1*<any CHAR except SPACE, CTLs, or tspecials>
// RFC 2045 §5.1
bool is_token_char(char c) { return ascii::is_vchar(c) && !std::string_view("()<>@,;:\\\"/[]?=").contains(c); }

/// One parameter as written: name, name*, name*3 or name*3*.
struct Piece {
  std::string name;
  int section = no_section;
  bool extended = false;
  std::string value;
};

/// Splits the marks of RFC 2231 from a name.
// parameter-name = attribute ["*" section] ["*"]
void read_name(std::string_view written, Piece& piece) {
  // RFC 2231 §7
  Cursor in(written);
  piece.name = ascii::lower(in.take_until('*'));
  if (in.at_end()) return;
  in.take('*');
  if (const auto section = in.take_number(max_parameters - 1)) {
    piece.section = static_cast<int>(*section);
    if (!in.take('*')) {
      if (!in.at_end()) piece.name = ascii::lower(written);
      return;
    }
  }
  piece.extended = in.at_end();
  if (!in.at_end()) piece.name = ascii::lower(written);
}

/// A quoted string, or everything up to white space or ";": boundaries and file names with specials are often unquoted.
std::string take_value(Cursor& in) {
  if (in.is('"')) return take_quoted(in);
  return std::string(in.take_while([](char c) { return !is_fws(c) && c != ';' && c != '\0'; }));
}

// *(";" attribute "=" value), with anything in between skipped
std::vector<Piece> take_pieces(Cursor& in) {
  // RFC 2045 §5.1
  std::vector<Piece> pieces;
  while (!in.at_end() && pieces.size() < max_parameters) {
    skip_cfws(in);
    if (in.take(';')) continue;
    const auto name = in.take_while(is_token_char);
    skip_cfws(in);
    if (!name.empty() && in.take('=')) {
      skip_cfws(in);
      Piece piece;
      read_name(name, piece);
      piece.value = take_value(in);
      pieces.push_back(std::move(piece));
    } else if (name.empty()) {
      in.next();
    }
  }
  return pieces;
}

/// %XX to octets; a broken sequence stays as it is.
std::string decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool pair = text[i] == '%' && i + 2 < text.size() && ascii::is_hex(text[i + 1]) && ascii::is_hex(text[i + 2]);
    const auto octet = pair ? hex_decode(text.substr(i + 1, 2)) : Result<std::string>(std::string(1, text[i]));
    out += octet.value_or("");
    if (pair) i += 2;
  }
  return out;
}

/// Takes charset'language' from the front of the first extended piece.
std::string_view take_charset(std::string_view value, Parameter& parameter) {
  // RFC 2231 §4
  const std::size_t first = value.find('\'');
  const std::size_t second = first == std::string_view::npos ? first : value.find('\'', first + 1);
  if (second == std::string_view::npos) return value;
  parameter.charset = ascii::lower(value.substr(0, first));
  parameter.language = value.substr(first + 1, second - first - 1);
  return value.substr(second + 1);
}

/// Joins the sections 0, 1, 2, … of one name, as far as they go without a gap. RFC 2231 §3.
Parameter join_sections(const std::vector<Piece>& pieces, std::string_view name) {
  std::array<const Piece*, max_parameters> sections{};
  for (const Piece& piece : pieces) {
    if (piece.section == no_section || piece.name != name) continue;
    auto& slot = sections.at(static_cast<std::size_t>(piece.section));
    if (slot == nullptr) slot = &piece;
  }
  Parameter joined;
  joined.name = name;
  for (std::size_t i = 0; i < sections.size() && sections[i] != nullptr; ++i) {
    std::string_view text = sections[i]->value;
    if (i == 0 && sections[i]->extended) {
      joined.extended = true;
      text = take_charset(text, joined);
    }
    joined.value += sections[i]->extended ? decode_percent(text) : std::string(text);
  }
  return joined;
}

Parameter single(const Piece& piece) {
  Parameter parameter;
  parameter.name = piece.name;
  parameter.extended = piece.extended;
  parameter.value = piece.extended ? decode_percent(take_charset(piece.value, parameter)) : piece.value;
  return parameter;
}

/// One Parameter for each name and form, in the order of appearance; the first of equal ones counts.
Parameters join(const std::vector<Piece>& pieces) {
  Parameters parameters;
  parameters.reserve(pieces.size());
  std::vector<std::string_view> joined;
  for (const Piece& piece : pieces) {
    if (piece.section != no_section) {
      if (std::ranges::find(joined, piece.name) != joined.end()) continue;
      joined.push_back(piece.name);
      auto parameter = join_sections(pieces, piece.name);
      if (!parameter.value.empty()) parameters.push_back(std::move(parameter));
      continue;
    }
    const bool seen = std::ranges::any_of(
        parameters, [&](const Parameter& other) { return other.name == piece.name && other.extended == piece.extended; });
    if (!seen) parameters.push_back(single(piece));
  }
  return parameters;
}

std::string percent_octets(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (ascii::is_alnum(c) || c == '-' || c == '.' || c == '_') {
      out += c;
    } else {
      out += {'%', hex[octet >> 4], hex[octet & 15]};
    }
  }
  return out;
}

}  // namespace

std::string Parameter::utf8() const {
  if (extended || !charset.empty()) return clean_text(to_utf8(value, charset));
  return decode_words(value);
}

const Parameter* find_parameter(const Parameters& parameters, std::string_view name) {
  const Parameter* found = nullptr;
  for (const Parameter& parameter : parameters) {
    if (parameter.name != name) continue;
    if (parameter.extended) return &parameter;
    if (found == nullptr) found = &parameter;
  }
  return found;
}

std::string_view ContentType::parameter(std::string_view name) const {
  const Parameter* found = find_parameter(parameters, name);
  return found == nullptr ? std::string_view() : found->value;
}

// content := "Content-Type" ":" type "/" subtype *(";" parameter)
ContentType parse_content_type(std::string_view value) {
  // RFC 2045 §5.1, §5.2
  Cursor in(value.substr(0, max_field));
  skip_cfws(in);
  ContentType type;
  if (in.at_end()) return type;
  type.type = ascii::lower(in.take_while(is_token_char));
  skip_cfws(in);
  const bool slash = in.take('/');
  skip_cfws(in);
  if (slash) type.subtype = ascii::lower(in.take_while(is_token_char));
  if (type.type.empty() || type.subtype.empty() || (!slash && type.type != "text")) {
    type.type = "application";
    type.subtype = "octet-stream";
  }
  type.parameters = join(take_pieces(in));
  return type;
}

Disposition parse_disposition(std::string_view value) {
  // RFC 2183 §2
  Cursor in(value.substr(0, max_field));
  skip_cfws(in);
  Disposition disposition;
  if (in.at_end()) return disposition;
  disposition.value = ascii::lower(in.take_while(is_token_char));
  if (disposition.value.empty()) disposition.value = "attachment";
  disposition.parameters = join(take_pieces(in));
  return disposition;
}

std::vector<std::string> parse_languages(std::string_view value) {
  // RFC 3282 §2
  Cursor in(value.substr(0, max_field));
  std::vector<std::string> tags;
  while (tags.size() < max_parameters) {
    skip_cfws(in);
    if (in.at_end()) break;
    const auto tag = in.take_while(is_token_char);
    if (tag.empty()) {
      in.next();
    } else {
      tags.emplace_back(tag);
    }
  }
  return tags;
}

bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_char); }

std::string format_parameter(std::string_view name, std::string_view value) {
  const std::string clean = clean_text(value);
  std::string out;
  if (ascii::is_ascii(clean) && clean.size() <= max_inline_value) {
    out += "; ";
    out += name;
    return out + '=' + (is_token(clean) ? clean : quote(clean));
  }
  // RFC 2231 §3, §4
  const std::string encoded = percent_octets(clean);
  std::size_t at = 0;
  for (int section = 0; at < encoded.size(); ++section) {
    std::size_t end = std::min(encoded.size(), at + max_inline_value);
    const std::size_t percent = encoded.rfind('%', end - 1);
    if (end < encoded.size() && percent != std::string::npos && percent + 3 > end) end = percent;
    const bool alone = at == 0 && end == encoded.size();
    out += "; ";
    out += name;
    out += alone ? "*=" : "*" + std::to_string(section) + "*=";
    if (at == 0) out += "UTF-8''";
    out += encoded.substr(at, end - at);
    at = end;
  }
  return out;
}

}  // namespace postern::mime
