// SPDX-License-Identifier: Apache-2.0
// The text of a part for SEARCH, in pieces of every size.
#include "mime/text_decoder.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

TEST(TextDecoder, DecodesBothLayersAtEveryCut) {
  const std::string message =
      "Content-Type: text/plain; charset=iso-8859-15\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=A4 is=\r\n one "
      "=E4=\r\n";
  const Part part = parse_message(message).root();
  const std::string raw = message.substr(part.body_begin, part.body_size());
  for (std::size_t step = 1; step <= raw.size(); ++step) {
    TextDecoder decoder(part);
    std::string out;
    for (std::size_t at = 0; at < raw.size(); at += step) decoder.decode(std::string_view(raw).substr(at, step), out);
    decoder.finish(out);
    EXPECT_EQ(out, "\xe2\x82\xac is one \xc3\xa4");
  }
}

TEST(TextDecoder, ACutCharacterBecomesAReplacement) {
  TextDecoder decoder(TransferEncoding::base64, "utf-8");
  std::string out;
  decoder.decode("4oI", out);
  decoder.finish(out);
  EXPECT_EQ(out, "\xef\xbf\xbd");
}

}  // namespace
}  // namespace postern::mime
