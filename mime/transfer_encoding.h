// SPDX-License-Identifier: Apache-2.0
// Content-Transfer-Encoding (RFC 2045 §6) as streams: base64 and quoted-printable, both directions.
// Input may be cut anywhere; the output does not depend on where (security.md D33). Decoders never fail: what does not belong
// is skipped (base64) or kept (quoted-printable), and flagged. State is a few octets.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace postern::mime {

enum class TransferEncoding : std::uint8_t { identity, base64, quoted_printable, unknown };

/// "BASE64 " → base64; 7bit, 8bit, binary and nothing → identity.
TransferEncoding parse_transfer_encoding(std::string_view value);

/// RFC 2045 §6.8. Skips what is not of the alphabet; padding ends a group, and more groups may follow.
class Base64Decoder {
 public:
  /// Appends what `in` decodes to.
  void decode(std::string_view in, std::string& out);
  /// Appends the rest of an unpadded last group.
  void finish(std::string& out);
  bool damaged() const { return damaged_; }

 private:
  void end_group(std::string& out);
  std::uint32_t bits_ = 0;
  std::uint8_t count_ = 0;  ///< characters in bits_, 0–3
  bool damaged_ = false;
};

/// RFC 2045 §6.7. White space before a line end goes; a broken "=XY" stays as it is; "=" at the end is a soft line break.
class QuotedPrintableDecoder {
 public:
  void decode(std::string_view in, std::string& out);
  void finish(std::string& out);
  bool damaged() const { return damaged_; }

 private:
  enum class State : std::uint8_t { text, equals, hex, soft, soft_cr, space, space_cr };
  void step(char c, std::string& out);
  void after_equals(char c, std::string& out);
  void after_hex(char c, std::string& out);
  void in_soft_break(char c, std::string& out);
  void in_space(char c, std::string& out);
  void flush_broken(std::string& out);

  State state_ = State::text;
  std::string held_;  ///< the broken sequence or white space that is not decided yet, bounded
  bool damaged_ = false;
};

/// RFC 2045 §6.8: lines of 76 characters, CRLF after each.
class Base64Encoder {
 public:
  void encode(std::string_view in, std::string& out);
  void finish(std::string& out);

 private:
  void put_group(std::string& out);
  std::array<char, 3> group_{};
  std::uint8_t count_ = 0;  ///< octets in group_
  std::uint8_t column_ = 0;
};

/// RFC 2045 §6.7: lines of at most 76 characters; CRLF stays a line end, a bare CR or LF is encoded.
class QuotedPrintableEncoder {
 public:
  void encode(std::string_view in, std::string& out);
  void finish(std::string& out);

 private:
  void put(char c, std::string& out);
  void put_text(std::string_view text, std::string& out);
  void flush_held(std::string& out, bool before_line_end);
  char held_ = 0;  ///< a space, TAB or CR whose form depends on what follows
  std::uint8_t column_ = 0;
};

/// A decoder chosen at run time; identity and unknown pass through.
class TransferDecoder {
 public:
  explicit TransferDecoder(TransferEncoding encoding);
  void decode(std::string_view in, std::string& out);
  void finish(std::string& out);
  bool damaged() const;

 private:
  std::variant<std::monostate, Base64Decoder, QuotedPrintableDecoder> decoder_;
};

/// Whole values, for small parts.
std::string decode_transfer(std::string_view in, TransferEncoding encoding);
/// `unknown` is treated as identity.
std::string encode_transfer(std::string_view in, TransferEncoding encoding);

}  // namespace postern::mime
