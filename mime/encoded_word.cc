// SPDX-License-Identifier: Apache-2.0
// Encoded words: see encoded_word.h. Decoding scans each octet a bounded number of times: a word's parts contain no "?", so
// a failed start never looks beyond the next start.
#include "mime/encoded_word.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "base/encoding.h"
#include "mime/charset.h"
#include "mime/header.h"
#include "mime/lexical.h"
#include "mime/transfer_encoding.h"

namespace postern::mime {
namespace {

constexpr std::size_t max_charset = 64;
constexpr std::string_view word_start = "=?UTF-8?";
/// Octets of text in one word: 75 less "=?UTF-8?Q?" and "?=".
constexpr std::size_t word_payload = max_encoded_word - word_start.size() - 2 - 2;
/// Longest run without white space that is left unencoded; a line may have 998.
constexpr std::size_t max_plain_run = 900;

struct EncodedWord {
  std::string charset;
  std::string octets;
};

int hex_value(char c) { return ascii::is_digit(c) ? c - '0' : ascii::lower(c) - 'a' + 10; }

/// RFC 2047 §4.2: "_" is a space, =XX an octet; anything else stands for itself.
std::string decode_q(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '=' && i + 2 < text.size() && ascii::is_hex(text[i + 1]) && ascii::is_hex(text[i + 2])) {
      out += static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '_' ? ' ' : text[i];
    }
  }
  return out;
}

bool is_charset_char(char c) { return ascii::is_vchar(c) && !std::string_view("()<>@,;:\"/[]?=").contains(c); }

/// The cursor is at "=?": consumes one encoded word, or nothing.
// encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="
std::optional<EncodedWord> take_word(Cursor& in) {
  // RFC 2047 §2, RFC 2231 §5
  const std::size_t start = in.position();
  const auto failed = [&] {
    in.restore(start);
    return std::nullopt;
  };
  in.take("=?");
  const auto charset = in.take_while(is_charset_char);
  if (charset.empty() || charset.size() > max_charset || !in.take('?')) return failed();
  const char encoding = ascii::lower(in.next().value_or('\0'));
  if ((encoding != 'b' && encoding != 'q') || !in.take('?')) return failed();
  auto text = in.take_while([](char c) { return c != '?'; });
  if (!in.take("?=")) return failed();
  EncodedWord word{std::string(charset.substr(0, charset.find('*'))), {}};
  word.octets = encoding == 'q' ? decode_q(text) : decode_transfer(text, TransferEncoding::base64);
  return word;
}

/// Collects words and the text between; words of one charset share a decoder, since characters may be cut between them.
class WordCollector {
 public:
  void plain(std::string_view text) {
    end_run();
    out_ += to_utf8(text, "utf-8");
  }
  void word(const EncodedWord& word) {
    const std::string charset = ascii::lower(word.charset);
    if (!decoder_ || charset != charset_) {
      end_run();
      decoder_.emplace(charset);
      charset_ = charset;
    }
    decoder_->decode(word.octets, out_);
  }
  bool in_run() const { return decoder_.has_value(); }
  std::string take() {
    end_run();
    return std::move(out_);
  }

 private:
  void end_run() {
    if (decoder_) decoder_->finish(out_);
    decoder_.reset();
  }
  std::optional<CharsetDecoder> decoder_;
  std::string charset_;
  std::string out_;
};

/// Controls but TAB become spaces, those of U+0080–U+009F too. Needs well-formed UTF-8.
std::string without_controls(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (ascii::is_ctl(text[i]) && text[i] != '\t') text[i] = ' ';
    const bool c1 = text[i] == '\xC2' && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) text[i] = text[i + 1] = ' ';
  }
  return text;
}

/// Octets of the UTF-8 character at `at`.
std::size_t character_size(std::string_view utf8, std::size_t at) {
  std::size_t size = 1;
  while (at + size < utf8.size() && (static_cast<unsigned char>(utf8[at + size]) & 0xC0) == 0x80) ++size;
  return size;
}

/// RFC 2047 §5 (3): what Q may leave as it is everywhere, phrases included.
bool is_q_plain(char c) { return ascii::is_alnum(c) || c == '!' || c == '*' || c == '+' || c == '-' || c == '/'; }

void append_q(std::string_view octets, std::string& out) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    if (is_q_plain(c)) {
      out += c;
    } else if (c == ' ') {
      out += '_';
    } else {
      out += {'=', hex[octet >> 4], hex[octet & 15]};
    }
  }
}

std::size_t q_size(std::string_view octets) {
  const auto plain = std::ranges::count_if(octets, [](char c) { return is_q_plain(c) || c == ' '; });
  return octets.size() * 3 - static_cast<std::size_t>(plain) * 2;
}

/// Clean UTF-8 as encoded words with spaces between, cut between characters only.
std::string force_encode(std::string_view utf8) {
  const bool use_q = q_size(utf8) <= (utf8.size() + 2) / 3 * 4;
  std::string out;
  std::size_t at = 0;
  while (at < utf8.size()) {
    std::size_t end = at;
    for (;;) {
      if (end == utf8.size()) break;
      const std::size_t next = end + character_size(utf8, end);
      const std::size_t size = use_q ? q_size(utf8.substr(at, next - at)) : (next - at + 2) / 3 * 4;
      if (size > word_payload && end != at) break;
      end = next;
    }
    if (!out.empty()) out += ' ';
    out += word_start;
    out += use_q ? "Q?" : "B?";
    if (use_q) {
      append_q(utf8.substr(at, end - at), out);
    } else {
      out += base64_encode(utf8.substr(at, end - at));
    }
    out += "?=";
    at = end;
  }
  return out;
}

bool has_long_run(std::string_view text) {
  std::size_t run = 0;
  for (const char c : text) {
    run = ascii::is_wsp(c) ? 0 : run + 1;
    if (run > max_plain_run) return true;
  }
  return false;
}

bool needs_encoding(std::string_view clean) {
  return !ascii::is_ascii(clean) || clean.find("=?") != std::string_view::npos || has_long_run(clean);
}

}  // namespace

std::string decode_words(std::string_view text) {
  const std::string unfolded = unfold(text);
  Cursor in(unfolded);
  WordCollector collector;
  std::size_t plain_from = 0;
  while (!in.at_end()) {
    const std::size_t start = unfolded.find("=?", in.position());
    if (start == std::string::npos) break;
    in.restore(start);
    const auto word = take_word(in);
    if (!word) {
      in.restore(start + 1);
      continue;
    }
    // RFC 2047 §6.2: white space between two encoded words is not shown.
    const auto between = std::string_view(unfolded).substr(plain_from, start - plain_from);
    if (!between.empty() && !(collector.in_run() && std::ranges::all_of(between, ascii::is_wsp))) collector.plain(between);
    collector.word(*word);
    plain_from = in.position();
  }
  if (plain_from < unfolded.size()) collector.plain(std::string_view(unfolded).substr(plain_from));
  return without_controls(collector.take());
}

std::string encode_words(std::string_view utf8) {
  std::string clean = clean_text(utf8);
  return needs_encoding(clean) ? force_encode(clean) : clean;
}

std::string encode_phrase(std::string_view utf8) {
  const std::string clean = clean_text(utf8);
  if (needs_encoding(clean)) return force_encode(clean);
  const bool atoms = !clean.empty() && clean.front() != ' ' && clean.back() != ' ' && clean.find("  ") == std::string::npos &&
                     std::ranges::all_of(clean, [](char c) { return c == ' ' || is_atext(c); });
  return atoms ? clean : quote(clean);
}

std::string clean_text(std::string_view text) { return without_controls(to_utf8(text, "utf-8")); }

}  // namespace postern::mime
