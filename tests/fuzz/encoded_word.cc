// SPDX-License-Identifier: Apache-2.0
// Encoded words and charsets: decoding gives harmless UTF-8 at any cut, and what we encode decodes to itself.
// The first octet chooses the charset, the second the cut.
#include "mime/encoded_word.h"

#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/ascii.h"
#include "base/encoding.h"
#include "mime/charset.h"

using namespace postern;
using namespace postern::mime;

namespace {

constexpr std::array<std::string_view, 14> charsets = {"utf-8",       "utf-7",       "utf-16",  "utf-32",     "iso-2022-jp",
                                                       "iso-2022-kr", "iso-2022-cn", "gb18030", "hz-gb-2312", "shift_jis",
                                                       "big5",        "euc-jp",      "scsu",    "ibm1047"};

void require(bool holds) {
  if (!holds) std::abort();
}

void check_charset(std::string_view bytes, std::string_view charset, std::size_t cut) {
  const std::string whole = to_utf8(bytes, charset);
  require(is_utf8(whole));
  CharsetDecoder decoder(charset);
  std::string pieces;
  decoder.decode(bytes.substr(0, cut), pieces);
  decoder.decode(bytes.substr(std::min(cut, bytes.size())), pieces);
  decoder.finish(pieces);
  require(is_utf8(pieces));
  if (charset == "utf-8") require(pieces == whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto charset = charsets[data[0] % charsets.size()];
  check_charset(text, charset, data[1]);
  const std::string decoded = decode_words(text);
  require(is_utf8(decoded));
  for (const char c : decoded) require(!ascii::is_ctl(c) || c == '\t');
  decode_words("=?" + std::string(charset) + "?B?" + base64_encode(text) + "?=");
  const std::string encoded = encode_words(decoded);
  require(ascii::is_ascii(encoded));
  require(ascii::trim(decode_words(encoded)) == ascii::trim(decoded));
  casemap(decoded);
  return 0;
}
