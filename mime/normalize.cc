// SPDX-License-Identifier: Apache-2.0
// NFC by ICU, with a way past it for ASCII.
#include "mime/normalize.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>

#include "base/ascii.h"

namespace postern::mime {

std::string nfc(std::string_view utf8) {
  if (ascii::is_ascii(utf8)) return std::string(utf8);
  UErrorCode error = U_ZERO_ERROR;
  const auto* form = icu::Normalizer2::getNFCInstance(error);
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  if (U_SUCCESS(error)) {
    form->normalizeUTF8(0, icu::StringPiece(utf8.data(), static_cast<int32_t>(utf8.size())), sink, nullptr, error);
  }
  return U_SUCCESS(error) ? out : std::string(utf8);
}

std::uint16_t unicode_version() {
  UVersionInfo version;
  u_getUnicodeVersion(version);
  return static_cast<std::uint16_t>(version[0] << 8 | version[1]);
}

}  // namespace postern::mime
