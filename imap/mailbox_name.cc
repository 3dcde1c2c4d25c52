// SPDX-License-Identifier: Apache-2.0
// Modified UTF-7 (RFC 3501 §5.1.3) and LIST patterns.
#include "imap/mailbox_name.h"

#include <bitset>

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "imap/limits.h"
#include "mime/charset.h"
#include "mime/normalize.h"
#include "store/mailbox_name.h"

namespace postern::imap {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
constexpr std::string_view inbox = "INBOX";
constexpr char32_t first_high = 0xd800, first_low = 0xdc00, end_surrogate = 0xe000, first_supplementary = 0x10000;

bool is_printable(char32_t c) { return c >= 0x20 && c < 0x7f; }

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&out](char32_t octet) { out += static_cast<char>(static_cast<unsigned char>(octet)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else if (c < first_supplementary) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
  }
  put(0x80 | (c & 0x3f));
}

/// The code point at the start of valid UTF-8, which is advanced.
char32_t take_code_point(std::string_view& text) {
  const auto octet = [&text](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  const std::size_t n = utf8_sequence(text);
  char32_t c = 0xfffd;
  if (n == 1) c = octet(0);
  if (n == 2) c = (octet(0) & 0x1f) << 6 | (octet(1) & 0x3f);
  if (n == 3) c = (octet(0) & 0x0f) << 12 | (octet(1) & 0x3f) << 6 | (octet(2) & 0x3f);
  if (n == 4) c = (octet(0) & 0x07) << 18 | (octet(1) & 0x3f) << 12 | (octet(2) & 0x3f) << 6 | (octet(3) & 0x3f);
  text.remove_prefix(std::max<std::size_t>(n, 1));
  return c;
}

/// UTF-16 units to UTF-8. Error: lone surrogates, and characters that must be written directly.
Result<> append_units(std::string& out, const std::vector<char32_t>& units) {
  for (std::size_t i = 0; i < units.size(); ++i) {
    char32_t c = units[i];
    if (c >= first_high && c < end_surrogate) {
      const bool pair = c < first_low && i + 1 < units.size() && units[i + 1] >= first_low && units[i + 1] < end_surrogate;
      if (!pair) return fail(ErrorKind::invalid, "lone surrogate");
      c = first_supplementary + ((c - first_high) << 10) + (units[++i] - first_low);
    }
    if (is_printable(c)) return fail(ErrorKind::invalid, "encoded character that must be written as it is");
    append_utf8(out, c);
  }
  return {};
}

/// The base64 run between "&" and "-".
Result<> append_shifted(std::string& out, std::string_view base64) {
  std::vector<char32_t> units;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : base64) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos) return fail(ErrorKind::invalid, "not modified base64");
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 16) continue;
    count -= 16;
    units.push_back(bits >> count & 0xffff);
  }
  if (count >= 6 || (bits & ((1U << count) - 1)) != 0) return fail(ErrorKind::invalid, "left-over bits in modified base64");
  return append_units(out, units);
}

/// Appends one shifted run for the UTF-16 units.
void append_base64(std::string& out, std::vector<std::uint16_t>& units) {
  if (units.empty()) return;
  out += '&';
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const auto unit : units) {
    bits = bits << 16 | unit;
    count += 16;
    while (count >= 6) {
      count -= 6;
      out += alphabet[bits >> count & 0x3f];
    }
    bits &= (1U << count) - 1;
  }
  if (count > 0) out += alphabet[bits << (6 - count) & 0x3f];
  out += '-';
  units.clear();
}

void fold_inbox(std::string& name) {
  const auto first = std::string_view(name).substr(0, name.find(store::hierarchy_separator));
  if (ascii::iequals(first, inbox)) name.replace(0, inbox.size(), inbox);
}

/// Wildcard runs mean no more than their strongest member.
std::string fold_wildcards(std::string_view pattern) {
  std::string out;
  for (const char c : pattern) {
    const bool wild = c == '*' || c == '%';
    const bool after_wild = !out.empty() && (out.back() == '*' || out.back() == '%');
    if (!wild || !after_wild) {
      out += c;
    } else if (c == '*') {
      out.back() = '*';
    }
  }
  return out;
}

}  // namespace

Result<std::string> decode_utf7(std::string_view wire) {
  std::string out;
  Cursor in(wire);
  bool after_shift = false;
  while (!in.at_end()) {
    const char c = *in.next();
    if (!is_printable(static_cast<unsigned char>(c))) return fail(ErrorKind::invalid, "octet outside of printable ASCII");
    if (c != '&') {
      out += c;
      after_shift = false;
      continue;
    }
    const auto run = in.take_until('-');
    if (!in.take('-')) return fail(ErrorKind::invalid, "shift without end");
    if (run.empty()) {
      out += '&';
      after_shift = false;
      continue;
    }
    if (after_shift) return fail(ErrorKind::invalid, "null shift");
    if (auto good = append_shifted(out, run); !good) return std::unexpected(good.error());
    after_shift = true;
  }
  return out;
}

std::string encode_mailbox_name(std::string_view name) {
  std::string out;
  std::vector<std::uint16_t> units;
  while (!name.empty()) {
    const char32_t c = take_code_point(name);
    if (is_printable(c)) {
      append_base64(out, units);
      out += static_cast<char>(c);
      if (c == U'&') out += '-';
    } else if (c < first_supplementary) {
      units.push_back(static_cast<std::uint16_t>(c));
    } else {
      units.push_back(static_cast<std::uint16_t>(first_high + ((c - first_supplementary) >> 10)));
      units.push_back(static_cast<std::uint16_t>(first_low + ((c - first_supplementary) & 0x3ff)));
    }
  }
  append_base64(out, units);
  return out;
}

namespace {

/// The name as UTF-8, whichever form it came in.
Result<std::string> decode(std::string_view wire, NameForm form) {
  if (form == NameForm::utf7) return decode_utf7(wire);
  auto name = mime::to_utf8(wire, "utf-8");
  if (name != wire) return fail(ErrorKind::invalid, "broken UTF-8");
  return name;
}

}  // namespace

// RFC 9051 §5.1, RFC 6855 §3: after ENABLE names are Net-Unicode, and "&" is nothing but "&".
Result<std::string> decode_mailbox_name(std::string_view wire, NameForm form) {
  const auto name = decode(wire, form);
  if (!name) return name;
  return store::canonical_mailbox(mime::nfc(*name));
}

Result<std::string> decode_new_mailbox(std::string_view wire, NameForm form) {
  if (wire.find_first_of("*%") != std::string_view::npos) return fail(ErrorKind::invalid, "wildcard in a mailbox name");
  return decode_mailbox_name(wire, form);
}

Result<ListPattern> ListPattern::make(std::string_view reference, std::string_view pattern, NameForm form) {
  auto text = decode(std::string(reference) + std::string(pattern), form);
  if (!text) return std::unexpected(text.error());
  if (text->size() > limits::list_pattern) return fail(ErrorKind::limit, "pattern too long");
  ListPattern out;
  out.text_ = fold_wildcards(mime::nfc(*text));
  fold_inbox(out.text_);
  return out;
}

// Runs all positions of the pattern at once: live[i] says that text_[0, i) matches the name read so far.
bool ListPattern::matches(std::string_view name) const {
  std::bitset<limits::list_pattern + 1> live;
  const auto skip_wildcards = [this, &live] {
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (live[i] && (text_[i] == '*' || text_[i] == '%')) live[i + 1] = true;
    }
  };
  live[0] = true;
  skip_wildcards();
  for (const char c : name) {
    std::bitset<limits::list_pattern + 1> next;
    for (std::size_t i = live._Find_first(); i < text_.size(); i = live._Find_next(i)) {
      if (text_[i] == '*' || (text_[i] == '%' && c != store::hierarchy_separator)) {
        next[i] = true;
      } else if (text_[i] == c) {
        next[i + 1] = true;
      }
    }
    live = next;
    if (live.none()) return false;
    skip_wildcards();
  }
  return live[text_.size()];
}

}  // namespace postern::imap
