// SPDX-License-Identifier: Apache-2.0
// Charsets: common ones, every cut point, hostile names and truncated sequences, and the comparison form.
#include "mime/charset.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace postern::mime {
namespace {

TEST(Charset, ConvertsAtEveryCut) {
  struct Case {
    std::string_view charset, bytes, utf8;
  };
  const Case cases[] = {
      {"utf-8", "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xac", "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xac"},
      {"UTF8", "\xff\xc3", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"us-ascii", "\xc3\xa4", "\xc3\xa4"},
      {"", "abc", "abc"},
      {"iso-8859-1", "\xe4\x80", "\xc3\xa4\xe2\x82\xac"},
      {"ISO-8859-15", "\xa4", "\xe2\x82\xac"},
      {"koi8-r", "\xc1", "\xd0\xb0"},
      {"shift_jis", "\x82\xa0", "\xe3\x81\x82"},
      {"iso-2022-jp", "\x1b$B$\"\x1b(B", "\xe3\x81\x82"},
      {"gb2312", "\xc4\xe3", "\xe4\xbd\xa0"},
      {"big5", "\xa7\x41", "\xe4\xbd\xa0"},
      {"utf-7", "+AOQ-", "\xc3\xa4"},
      {"no-such-charset", "\xc3\xa4", "\xc3\xa4"},
      {"utf-8,swaplfnl", "a\n", "a\n"},
      {"../../etc/passwd", "x", "x"},
  };
  for (const Case& one : cases) {
    for (std::size_t step = 1; step <= one.bytes.size() + 1; ++step) {
      CharsetDecoder decoder(one.charset);
      std::string out;
      for (std::size_t at = 0; at < one.bytes.size(); at += step) decoder.decode(one.bytes.substr(at, step), out);
      decoder.finish(out);
      EXPECT_EQ(out, one.utf8) << one.charset << " step " << step;
    }
  }
}

TEST(Charset, TruncatedInputIsSafe) {
  for (const std::string_view charset :
       {"utf-8", "utf-7", "utf-16", "iso-2022-jp", "iso-2022-kr", "iso-2022-cn", "gb18030", "hz-gb-2312", "scsu", "bocu-1"}) {
    for (const std::string_view bytes : {"\x1b", "\x1b$", "\xf0\x9f", "+", "+AO", "\x0e\x81", "~{", "\xfe\xff\xd8", "\x81\x30"}) {
      const std::unique_ptr<char[]> exact(new char[bytes.size()]);  // so that ASan sees a read behind the end
      std::copy(bytes.begin(), bytes.end(), exact.get());
      EXPECT_TRUE(is_utf8(to_utf8({exact.get(), bytes.size()}, charset))) << charset;
    }
  }
}

TEST(Charset, KnowsWhatItKnows) {
  for (const std::string_view name : {"utf-8", "US-ASCII", "iso-8859-1", "windows-1252", "Shift_JIS", "gb2312"}) {
    EXPECT_TRUE(is_known_charset(name)) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("x-none"), std::string("a,b=c"), std::string("/"), std::string(10'000, 'a')}) {
    EXPECT_FALSE(is_known_charset(name)) << name.substr(0, 20);
  }
}

TEST(Charset, AFinishedDecoderStartsAnew) {
  CharsetDecoder decoder("iso-2022-jp");
  std::string out;
  decoder.decode("\x1b$B", out);
  decoder.finish(out);
  out.clear();
  decoder.decode("ab", out);
  decoder.finish(out);
  EXPECT_EQ(out, "ab");
}

TEST(Charset, CasemapMakesEqualWhatPeopleThinkEqual) {
  EXPECT_EQ(casemap("aBc 1"), "ABC 1");
  EXPECT_EQ(casemap("\xc3\xa4"), casemap("\xc3\x84"));   // ä Ä
  EXPECT_EQ(casemap("\xc3\xa4"), casemap("a\xcc\x88"));  // composed and not
  EXPECT_EQ(casemap("\xd0\xbf"), casemap("\xd0\x9f"));
  EXPECT_NE(casemap("a"), casemap("b"));
  EXPECT_TRUE(is_utf8(casemap("\xff\xc3")));
}

}  // namespace
}  // namespace postern::mime
