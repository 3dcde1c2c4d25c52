// SPDX-License-Identifier: Apache-2.0
// HtmlText: what people read of a page, whatever the cuts between pieces.
#include "mime/html_text.h"

#include <gtest/gtest.h>

#include "mime/charset.h"

namespace postern::mime {
namespace {

std::string text_of(std::string_view html, std::size_t piece = std::string_view::npos) {
  HtmlText reader;
  std::string out;
  while (!html.empty()) {
    reader.feed(html.substr(0, piece), out);
    html.remove_prefix(std::min(piece, html.size()));
  }
  reader.finish(out);
  return out;
}

struct Case {
  const char* html;
  const char* text;
};

const Case cases[] = {
    {"", ""},
    {"plain words", "plain words"},
    {"<p>one</p><p>two</p>", "one\ntwo"},
    {"f<b>oo</b><span class='x'>bar</span>", "foobar"},
    {"a<br>b<BR/>c", "a\nb\nc"},
    {"  many \r\n\t  spaces  ", "many spaces"},
    {"<td>1</td> <td>2</td>", "1\n2"},
    {"x <!-- hidden > still --> y", "x y"},
    {"x<!-->y", "xy"},
    {"<!DOCTYPE html><?xml version='1'?>z", "z"},
    {"<style>p { color: red }</style>shown<script>if (a < b) hide('</p>')</script>!", "shown\n!"},
    {"<script>never closed", ""},
    {"<SCRIPT>x</SCRIPT >y", "y"},
    {"<script>a</scriptx>b</script>c", "c"},
    {"<a href=\"x>y\" title='a>b'>link</a>", "link"},
    {"1 < 2 and 3 > 2", "1 < 2 and 3 > 2"},
    {"ends with <", "ends with <"},
    {"ends in <tag", "ends in"},
    {"Gr&uuml;&szlig;e",
     "Gr\xC3\xBC\xC3\x9F"
     "e"},
    {"&lt;tag&gt; &amp;amp; &quot;q&quot; &#39;x&#x27;", "<tag> &amp; \"q\" 'x'"},
    {"&euro;&#8364;&#x20AC;", "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"},
    {"&unknown; &; &", "&unknown; &; &"},
    {"AT&T R&D", "AT&T R&D"},
    {"&copy 2026", "\xC2\xA9 2026"},
    {"&#0;&#xD800;&#99999999;", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"a&nbsp;b",
     "a\xC2\xA0"
     "b"},
    {"a&#32;b", "a b"},
    {"&#;&#x;", "&#;&#x;"},
};

TEST(HtmlText, KeepsWhatPeopleRead) {
  for (const auto& one : cases) EXPECT_EQ(text_of(one.html), one.text) << one.html;
}

TEST(HtmlText, CutsChangeNothing) {
  for (const auto& one : cases) {
    for (const std::size_t piece : {1UL, 2UL, 3UL, 5UL})
      EXPECT_EQ(text_of(one.html, piece), text_of(one.html)) << one.html << piece;
  }
}

TEST(HtmlText, HostilePagesStaySmall) {
  EXPECT_EQ(text_of("<" + std::string(1'000'000, 'a')), "");
  EXPECT_EQ(text_of("&" + std::string(100'000, 'a')).size(), 100'001U);
  EXPECT_EQ(text_of(std::string(100'000, '<')).size(), 100'000U);
  EXPECT_EQ(text_of("<script>" + std::string(500'000, '<') + "</script>x"), "x");
}

}  // namespace
}  // namespace postern::mime
