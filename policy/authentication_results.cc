// SPDX-License-Identifier: Apache-2.0
// The grammar of RFC 8601 §2.2.
#include "policy/authentication_results.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "mime/lexical.h"

namespace postern::policy {
namespace {

constexpr std::string_view not_in_tokens = "()<>@,;:\\\"/[]?=";
/// Octets of one text of a peer that are shown.
constexpr std::size_t shown_max = 250;

/// A quoted string without control characters.
std::string take_shown(Cursor& in) {
  std::string out = mime::take_quoted(in);
  std::erase_if(out, ascii::is_ctl);
  return out;
}

bool is_keyword_octet(char c) { return ascii::is_alnum(c) || c == '-' || c == '_'; }
/// pvalue is wider than a token: addresses and base64 occur without quotes.
bool is_value_octet(char c) { return (ascii::is_vchar(c) || ascii::is_eight_bit(c)) && c != ';' && c != '(' && c != '"'; }

std::string take_value(Cursor& in) {
  mime::skip_cfws(in);
  std::string out;
  if (in.is('"')) out = take_shown(in);
  out += in.take_while(is_value_octet);  // "local part"@domain
  return out;
}

/// keyword [CFWS] "=" [CFWS]; nothing when that is not what comes.
std::optional<std::string> take_name(Cursor& in) {
  mime::skip_cfws(in);
  const auto from = in.position();
  auto name = ascii::lower(in.take_while([](char c) { return is_keyword_octet(c) || c == '.'; }));
  mime::skip_cfws(in);
  if (in.take('/')) {  // the method's version
    mime::skip_cfws(in);
    in.take_while(ascii::is_digit);
    mime::skip_cfws(in);
  }
  if (name.empty() || !in.take('=')) {
    in.restore(from);
    return std::nullopt;
  }
  return name;
}

// RFC 8601 §2.2
//   resinfo    = [CFWS] ";" methodspec [ CFWS reasonspec ] [ CFWS 1*propspec ]
//   methodspec = [CFWS] method [CFWS] "=" [CFWS] result
//   propspec   = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue
std::optional<MethodResult> take_result(Cursor& in) {
  const auto method = take_name(in);
  if (!method) return std::nullopt;
  MethodResult out;
  out.method = *method;
  mime::skip_cfws(in);
  out.result = ascii::lower(in.take_while(is_keyword_octet));
  if (out.result.empty()) return std::nullopt;  // the next word would become it when this is written again
  while (auto name = take_name(in)) {
    auto value = take_value(in);
    if (*name == "reason") {
      out.reason = std::move(value);
    } else {
      out.properties.emplace_back(std::move(*name), std::move(value));
    }
  }
  mime::skip_cfws(in);
  return out;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return ascii::is_vchar(c) && !not_in_tokens.contains(c); });
}

/// An address or "@domain" whose parts are harmless may stand as it is.
bool is_plain_address(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos || !is_token(text.substr(at + 1))) return false;
  return at == 0 || is_token(text.substr(0, at));
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// What a peer said, made harmless: no controls, well-formed, bounded.
std::string clean(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < shown_max;) {
    const auto size = utf8_sequence(text.substr(i));
    const bool good = size > 0 && !ascii::is_ctl(text[i]);
    if (good) out += text.substr(i, size);
    if (!good) out += '?';
    i += std::max<std::size_t>(size, 1);
  }
  return out;
}

std::string value_text(std::string_view text) {
  const auto harmless = clean(text);
  return is_token(harmless) || is_plain_address(harmless) ? harmless : quoted(harmless);
}

std::string comment_text(std::string_view text) {
  std::string out;
  for (const char c : clean(text)) out += c == '(' || c == ')' || c == '\\' ? ' ' : c;
  return out;
}

/// One result, its parts separated by single spaces or folded.
void append_result(std::string& out, const MethodResult& result) {
  constexpr std::size_t line_max = 77;  // RFC 5322 §2.1.1: 78; a semicolon may follow
  std::size_t column = 0;
  const auto put = [&](const std::string& part) {
    const bool fits = column > 0 && column + 1 + part.size() <= line_max;
    const std::string_view gap = column == 0 ? "\t" : fits ? " " : "\t ";
    if (!fits) out += "\r\n";
    out.append(gap).append(part);
    column = (fits ? column : 0) + gap.size() + part.size();
  };
  put(result.method + "=" + result.result);
  if (!result.comment.empty()) put("(" + comment_text(result.comment) + ")");
  if (!result.reason.empty()) put("reason=" + quoted(clean(result.reason)));
  for (const auto& [name, value] : result.properties) {
    if (!value.empty()) put(name + "=" + value_text(value));
  }
}

}  // namespace

std::string_view MethodResult::property(std::string_view name) const {
  const auto found = std::ranges::find_if(properties, [name](const auto& entry) { return entry.first == name; });
  return found == properties.end() ? std::string_view() : std::string_view(found->second);
}

std::vector<MethodResult> read_results(std::string_view value) {
  std::vector<MethodResult> out;
  Cursor in(value.substr(0, results_value_max));
  take_value(in);  // authserv-id
  mime::skip_cfws(in);
  in.take_while(ascii::is_digit);  // its version
  mime::skip_cfws(in);
  while (out.size() < results_max && in.take(';')) {
    auto result = take_result(in);
    if (!result) break;
    out.push_back(std::move(*result));
  }
  return out;
}

std::string write_results(std::string_view authserv_id, const std::vector<MethodResult>& results) {
  std::string out = "Authentication-Results: " + value_text(authserv_id);
  if (results.empty()) out += "; none";
  for (const auto& result : results) {
    out += ';';
    append_result(out, result);
  }
  return out + "\r\n";
}

}  // namespace postern::policy
