// SPDX-License-Identifier: Apache-2.0
// Tokens of structured fields: see lexical.h.
#include "mime/lexical.h"

namespace postern::mime {
namespace {

/// The cursor is at "(": consumes the comment.
// comment = "(" *([FWS] ccontent) [FWS] ")"; ccontent = ctext / quoted-pair / comment
void skip_comment(Cursor& in, Lexical* seen) {
  // RFC 5322 §3.2.2
  if (seen != nullptr) seen->comment.clear();
  std::size_t depth = 0;
  while (!in.at_end()) {
    char c = *in.next();
    if (c == '(' && depth++ == 0) continue;
    if (c == ')' && --depth == 0) return;
    if (c == '\\' && !in.at_end()) c = *in.next();
    if (seen != nullptr && c != '\r' && c != '\n') seen->comment += c;
  }
  if (seen != nullptr) seen->broken = true;
}

}  // namespace

void skip_cfws(Cursor& in, Lexical* seen) {
  while (!in.at_end()) {
    in.take_while(is_fws);
    if (!in.is('(')) return;
    skip_comment(in, seen);
  }
}

std::string take_quoted(Cursor& in, Lexical* seen) {
  std::string out;
  in.next();
  while (!in.at_end()) {
    char c = *in.next();
    if (c == '"') return out;
    if (c == '\\' && !in.at_end()) c = *in.next();
    if (c != '\r' && c != '\n' && c != '\0') out += c;
  }
  if (seen != nullptr) seen->broken = true;
  return out;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace postern::mime
