// SPDX-License-Identifier: Apache-2.0
// Transfer encodings: see transfer_encoding.h. Small state machines; one octet decides one step, so cuts cannot matter.
#include "mime/transfer_encoding.h"

#include "base/ascii.h"

namespace postern::mime {
namespace {

constexpr std::size_t max_encoded_line = 76;   ///< RFC 2045 §6.7 (5), §6.8
constexpr std::size_t max_held_space = 1'000;  ///< more white space than any line may have is kept as it is
constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view upper_hex = "0123456789ABCDEF";
constexpr std::uint8_t not_base64 = 0xff;
constexpr std::uint8_t white_space = 0xfe;

constexpr std::array<std::uint8_t, 256> make_base64_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(not_base64);
  for (std::size_t i = 0; i < base64_alphabet.size(); ++i) {
    values[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  for (const char c : {' ', '\t', '\r', '\n'}) values[static_cast<unsigned char>(c)] = white_space;
  return values;
}
constexpr auto base64_values = make_base64_values();

int hex_value(char c) {
  if (ascii::is_digit(c)) return c - '0';
  return ascii::is_hex(c) ? ascii::lower(c) - 'a' + 10 : -1;
}

}  // namespace

TransferEncoding parse_transfer_encoding(std::string_view value) {
  // A comment or parameters behind the word do not belong there; the word counts.
  value = ascii::trim(value);
  value = value.substr(0, value.find_first_of(" \t\r\n;("));
  if (ascii::iequals(value, "base64")) return TransferEncoding::base64;
  if (ascii::iequals(value, "quoted-printable")) return TransferEncoding::quoted_printable;
  for (const std::string_view word : {"", "7bit", "8bit", "binary"}) {
    if (ascii::iequals(value, word)) return TransferEncoding::identity;
  }
  return TransferEncoding::unknown;
}

// RFC 2045 §6.8
void Base64Decoder::decode(std::string_view in, std::string& out) {
  out.reserve(out.size() + in.size() / 4 * 3 + 3);
  for (const char c : in) {
    const std::uint8_t value = base64_values[static_cast<unsigned char>(c)];
    if (value < 64) {
      bits_ = bits_ << 6 | value;
      if (++count_ < 4) continue;
      out += static_cast<char>(bits_ >> 16 & 0xff);
      out += static_cast<char>(bits_ >> 8 & 0xff);
      out += static_cast<char>(bits_ & 0xff);
      bits_ = 0;
      count_ = 0;
    } else if (c == '=') {
      end_group(out);
    } else if (value == not_base64) {
      damaged_ = true;
    }
  }
}

void Base64Decoder::end_group(std::string& out) {
  if (count_ == 1) damaged_ = true;
  if (count_ == 2) out += static_cast<char>(bits_ >> 4 & 0xff);
  if (count_ == 3) {
    out += static_cast<char>(bits_ >> 10 & 0xff);
    out += static_cast<char>(bits_ >> 2 & 0xff);
  }
  bits_ = 0;
  count_ = 0;
}

void Base64Decoder::finish(std::string& out) {
  if (count_ != 0) damaged_ = true;
  end_group(out);
}

// RFC 2045 §6.7
void QuotedPrintableDecoder::decode(std::string_view in, std::string& out) {
  out.reserve(out.size() + in.size());
  std::size_t i = 0;
  while (i < in.size()) {
    if (state_ == State::text) {
      const std::size_t stop = std::min(in.find_first_of("= \t", i), in.size());
      out += in.substr(i, stop - i);
      i = stop;
      if (i == in.size()) return;
    }
    step(in[i++], out);
  }
}

void QuotedPrintableDecoder::step(char c, std::string& out) {
  switch (state_) {
    case State::text:
      if (c == '=') {
        state_ = State::equals;
      } else if (ascii::is_wsp(c)) {
        held_ += c;
        state_ = State::space;
      } else {
        out += c;
      }
      return;
    case State::equals: return after_equals(c, out);
    case State::hex: return after_hex(c, out);
    case State::soft:
    case State::soft_cr: return in_soft_break(c, out);
    case State::space:
    case State::space_cr: return in_space(c, out);
  }
}

void QuotedPrintableDecoder::after_equals(char c, std::string& out) {
  held_ = '=';
  if (hex_value(c) >= 0) {
    held_ += c;
    state_ = State::hex;
  } else if (c == '\n') {
    held_.clear();
    state_ = State::text;
  } else if (c == '\r' || ascii::is_wsp(c)) {
    held_ += c;
    state_ = c == '\r' ? State::soft_cr : State::soft;
  } else {
    flush_broken(out);
    step(c, out);
  }
}

void QuotedPrintableDecoder::after_hex(char c, std::string& out) {
  const int low = hex_value(c);
  if (low < 0) {
    flush_broken(out);
    return step(c, out);
  }
  out += static_cast<char>(hex_value(held_[1]) << 4 | low);
  held_.clear();
  state_ = State::text;
}

/// After "=" and white space: a line end makes it a soft break, anything else shows that it was none.
void QuotedPrintableDecoder::in_soft_break(char c, std::string& out) {
  if (c == '\n') {
    held_.clear();
    state_ = State::text;
  } else if (state_ == State::soft && (c == '\r' || ascii::is_wsp(c)) && held_.size() < max_held_space) {
    held_ += c;
    if (c == '\r') state_ = State::soft_cr;
  } else {
    flush_broken(out);
    step(c, out);
  }
}

/// RFC 2045 §6.7 (3): white space at the end of a line was added in transport and goes.
void QuotedPrintableDecoder::in_space(char c, std::string& out) {
  if (c == '\n') {
    out += state_ == State::space_cr ? "\r\n" : "\n";
    held_.clear();
    state_ = State::text;
  } else if (state_ == State::space && c == '\r') {
    state_ = State::space_cr;
  } else if (state_ == State::space && ascii::is_wsp(c) && held_.size() < max_held_space) {
    held_ += c;
  } else {
    if (state_ == State::space_cr) held_ += '\r';
    out += held_;
    held_.clear();
    state_ = State::text;
    step(c, out);
  }
}

void QuotedPrintableDecoder::flush_broken(std::string& out) {
  damaged_ = true;
  out += held_;
  held_.clear();
  state_ = State::text;
}

void QuotedPrintableDecoder::finish(std::string& out) {
  if (state_ == State::hex) flush_broken(out);
  if (state_ == State::space_cr) out += '\r';  // the white space was at a line's end: it goes
  held_.clear();
  state_ = State::text;
}

// RFC 2045 §6.8
void Base64Encoder::encode(std::string_view in, std::string& out) {
  out.reserve(out.size() + in.size() * 4 / 3 + in.size() / 28 + 8);
  for (const char c : in) {
    group_[count_++] = c;
    if (count_ == group_.size()) put_group(out);
  }
}

void Base64Encoder::put_group(std::string& out) {
  const auto octet = [this](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(group_[i])); };
  const std::uint32_t bits = octet(0) << 16 | octet(1) << 8 | octet(2);
  for (std::size_t i = 0; i < 4; ++i) {
    out += i <= count_ ? base64_alphabet[bits >> (18 - 6 * i) & 63] : '=';
  }
  group_.fill(0);
  count_ = 0;
  column_ = static_cast<std::uint8_t>(column_ + 4);
  if (column_ < max_encoded_line) return;
  out += "\r\n";
  column_ = 0;
}

void Base64Encoder::finish(std::string& out) {
  if (count_ != 0) put_group(out);
  if (column_ != 0) out += "\r\n";
  column_ = 0;
}

// RFC 2045 §6.7
void QuotedPrintableEncoder::encode(std::string_view in, std::string& out) {
  for (const char c : in) put(c, out);
}

void QuotedPrintableEncoder::put(char c, std::string& out) {
  if (held_ == '\r' && c == '\n') {
    held_ = 0;
    out += "\r\n";
    column_ = 0;
    return;
  }
  const bool space_before_cr = ascii::is_wsp(held_) && c == '\r';
  if (held_ != 0) flush_held(out, space_before_cr);
  if (ascii::is_wsp(c) || c == '\r') {
    held_ = c;
  } else if (ascii::is_vchar(c) && c != '=') {
    put_text({&c, 1}, out);
  } else {
    const auto octet = static_cast<unsigned char>(c);
    const std::array<char, 3> text = {'=', upper_hex[octet >> 4], upper_hex[octet & 15]};
    put_text({text.data(), text.size()}, out);
  }
}

void QuotedPrintableEncoder::flush_held(std::string& out, bool before_line_end) {
  const char c = held_;
  held_ = 0;
  if (ascii::is_wsp(c) && !before_line_end) return put_text({&c, 1}, out);
  put_text(c == ' ' ? "=20" : c == '\t' ? "=09" : "=0D", out);
}

/// One encoded octet, never split; a soft line break comes before it when the line is full.
void QuotedPrintableEncoder::put_text(std::string_view text, std::string& out) {
  if (column_ + text.size() > max_encoded_line - 1) {
    out += "=\r\n";
    column_ = 0;
  }
  out += text;
  column_ = static_cast<std::uint8_t>(column_ + text.size());
}

void QuotedPrintableEncoder::finish(std::string& out) {
  if (held_ != 0) flush_held(out, true);
  column_ = 0;
}

TransferDecoder::TransferDecoder(TransferEncoding encoding) {
  if (encoding == TransferEncoding::base64) decoder_ = Base64Decoder();
  if (encoding == TransferEncoding::quoted_printable) decoder_ = QuotedPrintableDecoder();
}

void TransferDecoder::decode(std::string_view in, std::string& out) {
  if (auto* base64 = std::get_if<Base64Decoder>(&decoder_)) return base64->decode(in, out);
  if (auto* quoted = std::get_if<QuotedPrintableDecoder>(&decoder_)) return quoted->decode(in, out);
  out += in;
}

void TransferDecoder::finish(std::string& out) {
  if (auto* base64 = std::get_if<Base64Decoder>(&decoder_)) base64->finish(out);
  if (auto* quoted = std::get_if<QuotedPrintableDecoder>(&decoder_)) quoted->finish(out);
}

bool TransferDecoder::damaged() const {
  if (const auto* base64 = std::get_if<Base64Decoder>(&decoder_)) return base64->damaged();
  if (const auto* quoted = std::get_if<QuotedPrintableDecoder>(&decoder_)) return quoted->damaged();
  return false;
}

std::string decode_transfer(std::string_view in, TransferEncoding encoding) {
  TransferDecoder decoder(encoding);
  std::string out;
  decoder.decode(in, out);
  decoder.finish(out);
  return out;
}

std::string encode_transfer(std::string_view in, TransferEncoding encoding) {
  std::string out;
  if (encoding == TransferEncoding::base64) {
    Base64Encoder encoder;
    encoder.encode(in, out);
    encoder.finish(out);
  } else if (encoding == TransferEncoding::quoted_printable) {
    QuotedPrintableEncoder encoder;
    encoder.encode(in, out);
    encoder.finish(out);
  } else {
    out = in;
  }
  return out;
}

}  // namespace postern::mime
