// SPDX-License-Identifier: Apache-2.0
// The text of messages as searches see it: charsets, encodings, folding, enclosed messages, and that cuts change nothing.
#include "mime/search_text.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "base/encoding.h"
#include "mime/charset.h"
#include "mime/encoded_word.h"
#include "mime/header.h"

namespace postern::mime {
namespace {

struct Collected final : TextSink {
  void add(TextPlace place, std::string_view text) override { texts[static_cast<std::size_t>(place)] += text; }
  const std::string& main() const { return texts[0]; }
  const std::string& other() const { return texts[1]; }
  const std::string& body() const { return texts[2]; }
  std::array<std::string, text_places> texts;
};

Collected text_of(const std::string& message, std::size_t piece = std::string::npos, TextPlaces places = all_places,
                  std::uint64_t prefix = 0) {
  Collected out;
  const PartTree tree = parse_message(std::string_view(message).substr(prefix));
  TextExtractor extractor({tree, prefix, places}, out);
  while (const auto range = extractor.wants()) {
    EXPECT_LT(range->begin, range->end);
    EXPECT_LE(range->end, message.size());
    extractor.feed(std::string_view(message).substr(range->begin, std::min<std::size_t>(range->size(), piece)));
  }
  return out;
}

std::string mail(const std::string& type, const std::string& body) {
  return "Subject: x\r\nContent-Type: " + type + "\r\n\r\n" + body;
}

TEST(SearchText, HeaderLines) {
  const auto text = text_of(
      "Subject: Hello\r\n =?utf-8?q?gr=C3=BC?=\r\n =?utf-8?q?n?= again\r\nX-Long:   folded\r\n\tvalue \r\nTO: b@x.example\r\n"
      "not a field\r\nEmpty:\r\n\r\nbody\r\n");
  EXPECT_EQ(text.main(), "SUBJECT: " + casemap("Hello gr\xC3\xBCn again") + "\nTO: B@X.EXAMPLE\n");
  EXPECT_EQ(text.other(), "X-LONG: FOLDED\tVALUE\nEMPTY: \n");
  EXPECT_EQ(text.body(), "BODY\r\n\n");
}

TEST(SearchText, TheShortWayForPlainFieldsGivesTheSame) {
  for (const std::string raw : {" a b", "\ta\r\n b\r\n\tc ", " ctl \x01\x7f\t x", " \"q\\\"\" (c)", "", " =x?= ?", " a\rb"}) {
    Collected short_way, long_way;
    add_header_text("A: " + raw + "\r\n", HeaderOf::message, short_way);
    EXPECT_EQ(short_way.other(), "A: " + casemap(decode_words(raw)) + "\n") << raw;
  }
}

TEST(SearchText, CharsetsAndEncodings) {
  const struct {
    std::string type, body, text;
  } cases[] = {
      {"text/plain; charset=iso-8859-1", "caf\xE9", "caf\xC3\xA9"},
      {"text/plain; charset=koi8-r", "\xF0\xD2\xC9\xD7\xC5\xD4", "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82"},
      {"text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64", base64_encode("caf\xC3\xA9 na"), "caf\xC3\xA9 na"},
      {"text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable", "ca=\r\nf=C3=A9", "caf\xC3\xA9"},
      {"text/plain; charset=iso-2022-jp", "\x1B$B$3$s\x1B(B", "\xE3\x81\x93\xE3\x82\x93"},
      {"text/plain; charset=nonsense", "plain", "plain"},
      {"text/plain; charset=utf-8", "broken \xC3 here", "broken \xEF\xBF\xBD here"},
      {"text/plain\r\nContent-Transfer-Encoding: base64", "!!not=base64!!", ""},
      {"text/html; charset=utf-8", "<p>Gr&uuml;n</p>", "Gr\xC3\xBCn"},
      {"text/html; charset=windows-1252\r\nContent-Transfer-Encoding: quoted-printable", "<b>=80</b> 5", "\xE2\x82\xAC 5"},
      {"application/octet-stream", "not text", ""},
  };
  for (const auto& one : cases) {
    const auto body = text_of(mail(one.type, one.body)).body();
    if (one.type.starts_with("application")) {
      EXPECT_EQ(body, "");
    } else if (!one.text.empty()) {
      EXPECT_EQ(body, casemap(one.text) + "\n") << one.type;
    }
  }
}

TEST(SearchText, PartsAndEnclosedMessages) {
  const std::string message =
      "Subject: outer\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n"
      "--b\r\n\r\none\r\n--b\r\nContent-Type: image/png\r\n\r\nPNG\r\n"
      "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner =?utf-8?b?w6k=?=\r\nX-A: b\r\n\r\ninner "
      "body\r\n--b--\r\nepilogue";
  const auto text = text_of(message);
  EXPECT_EQ(text.main(), "SUBJECT: OUTER\n");
  EXPECT_EQ(text.body(), "ONE\n" + casemap("SUBJECT: INNER \xC3\xA9\n") + "X-A: B\nINNER BODY\n");
  EXPECT_EQ(text_of(message, 7, place_bit(TextPlace::body)).main(), "");
  EXPECT_EQ(text_of(message, 7, header_places).body(), "");
}

TEST(SearchText, PrefixHasFieldsOfItsOwn) {
  const std::string prefix = "Return-Path: <a@x>\r\nDelivered-To: b@y\r\n";
  const auto text = text_of(prefix + "Subject: s\r\n\r\nbody", 5, all_places, prefix.size());
  EXPECT_EQ(text.other(), "RETURN-PATH: <A@X>\nDELIVERED-TO: B@Y\n");
  EXPECT_EQ(text.main(), "SUBJECT: S\n");
  EXPECT_EQ(text.body(), "BODY\n");
}

TEST(SearchText, CutsChangeNothing) {
  std::mt19937 random(7);
  const std::string pieces[] = {
      "words and words ", "\r\n",  "caf\xC3\xA9 ",      "e\xCC\x81\xCC\xA7", "\xE3\x81\x93", "<b>x</b>", "&auml;", "\xC3",
      "=C3=A9",           "=\r\n", "STRASSE \xC3\x9F ", "\xEF\xAC\x81"};
  for (const std::string type :
       {"text/plain; charset=utf-8", "text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"}) {
    std::string body;
    while (body.size() < 60'000) body += pieces[random() % std::size(pieces)];
    // One line that is longer than what is folded at once.
    for (int i = 0; i < 20'000; ++i) body += "\xC3\xA9";
    const auto message = mail(type, body);
    const auto whole = text_of(message);
    for (const std::size_t piece : {1UL, 13UL, 4'095UL, 16'384UL, 65'536UL}) {
      const auto cut = text_of(message, piece);
      EXPECT_EQ(cut.body(), whole.body()) << piece;
      EXPECT_EQ(cut.main(), whole.main());
    }
  }
}

TEST(SearchText, HostileHeadersAreBounded) {
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "A: b\r\n";
  EXPECT_EQ(text_of(many + "\r\n").other().size(), max_fields * 5);
  const auto large = text_of("Subject: " + std::string(2 * max_header_block, 'x') + "\r\n\r\nbody");
  EXPECT_LE(large.main().size(), max_header_block + 16);
  EXPECT_EQ(text_of("").body(), "");
}

TEST(SearchText, MainFields) {
  for (const std::string name : {"Subject", "FROM", "to", "Cc", "bCC"}) EXPECT_EQ(place_of_field(name), TextPlace::main_fields);
  for (const std::string name : {"Reply-To", "Message-ID", "", "Subjects"})
    EXPECT_EQ(place_of_field(name), TextPlace::other_fields);
  EXPECT_NE(search_text_version(), 0U);
}

}  // namespace
}  // namespace postern::mime
