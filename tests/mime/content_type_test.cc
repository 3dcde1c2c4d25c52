// SPDX-License-Identifier: Apache-2.0
// Values with parameters: RFC 2045 and RFC 2231 forms, unquoted specials as they occur, and damage.
#include "mime/content_type.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

std::string show(const Parameters& parameters) {
  std::string out;
  for (const Parameter& one : parameters) {
    out += '[' + one.name + (one.extended ? "*" + one.charset + '\'' + one.language : "") + '=' + one.value + ']';
  }
  return out;
}

TEST(ContentType, ReadsTypesAndParameters) {
  struct Case {
    std::string_view value, type, parameters;
  };
  const Case cases[] = {
      {"", "text/plain", ""},
      {"text/plain; charset=us-ascii (Plain text)", "text/plain", "[charset=us-ascii]"},
      {"TEXT/HTML;CHARSET=\"UTF-8\"", "text/html", "[charset=UTF-8]"},
      {"(c) multipart (c) / (c) mixed ; boundary=\"a b\\\"c\"", "multipart/mixed", "[boundary=a b\"c]"},
      {"multipart/mixed; boundary=----=_Part_1:2/3", "multipart/mixed", "[boundary=----=_Part_1:2/3]"},
      {"text", "text/plain", ""},
      {"image", "application/octet-stream", ""},
      {"/", "application/octet-stream", ""},
      {"???; a=b", "application/octet-stream", "[a=b]"},
      {"text/plain; a=1; A=2; ; =x; b; c=", "text/plain", "[a=1][c=]"},
      {"text/plain;\r\n\tcharset=\"utf-8\";\r\n format=flowed", "text/plain", "[charset=utf-8][format=flowed]"},
      {"application/x; name=\"never closed; x=y", "application/x", "[name=never closed; x=y]"},
      // RFC 2231 §3, §4, §4.1
      {"message/external-body; access-type=URL; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub\"", "message/external-body",
       "[access-type=URL][url=ftp://cs.utk.edu/pub]"},
      {"application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "application/x-stuff",
       "[title*us-ascii'en-us=This is ***fun***]"},
      {"application/x-stuff; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*0*=us-ascii'en'This%20is%20even%20more%20; title*2=\"isn't "
       "it!\"",
       "application/x-stuff", "[title*us-ascii'en=This is even more ***fun*** isn't it!]"},
      {"a/b; n*1=second", "a/b", ""},
      {"a/b; n*0=a; n*2=c", "a/b", "[n=a]"},
      {"a/b; n*0=a; n*0=b", "a/b", "[n=a]"},
      {"a/b; n*=utf-8''%zz%4", "a/b", "[n*utf-8'=%zz%4]"},
      {"a/b; n*=no%20quotes", "a/b", "[n*'=no quotes]"},
      {"a/b; n*999999999999999999999=x", "a/b", "[n*999999999999999999999=x]"},
  };
  for (const Case& one : cases) {
    const ContentType type = parse_content_type(one.value);
    EXPECT_EQ(type.type + '/' + type.subtype, one.type) << one.value;
    EXPECT_EQ(show(type.parameters), one.parameters) << one.value;
  }
}

TEST(ContentType, ExtendedFormIsPreferred) {
  const auto type = parse_content_type("a/b; filename=plain.txt; filename*=UTF-8''%E2%82%AC.txt");
  ASSERT_EQ(type.parameters.size(), 2u);
  EXPECT_EQ(find_parameter(type.parameters, "filename")->utf8(), "\xe2\x82\xac.txt");
  EXPECT_EQ(find_parameter(type.parameters, "name"), nullptr);
}

TEST(ContentType, ValuesComeOutAsHarmlessUtf8) {
  EXPECT_EQ(parse_content_type("a/b; n*=iso-8859-1''%E4%0D%0Ax").parameters.at(0).utf8(), "\xc3\xa4  x");
  EXPECT_EQ(parse_content_type("a/b; n=\"=?iso-8859-1?Q?=E4?=.txt\"").parameters.at(0).utf8(), "\xc3\xa4.txt");
  EXPECT_EQ(parse_content_type("a/b; n=\"\xff\"").parameters.at(0).utf8(), "\xef\xbf\xbd");
}

TEST(ContentType, DispositionAndLanguages) {
  const auto disposition = parse_disposition("Attachment; filename=\"a.txt\"; size=12");
  EXPECT_EQ(disposition.value, "attachment");
  EXPECT_EQ(show(disposition.parameters), "[filename=a.txt][size=12]");
  EXPECT_EQ(parse_disposition("; filename=x").value, "attachment");
  EXPECT_EQ(parse_disposition("  ").value, "");
  EXPECT_EQ(parse_languages("en, de (Swiss)\r\n ,fr;x"), (std::vector<std::string>{"en", "de", "fr", "x"}));
}

TEST(ContentType, WritesParametersThatReadBack) {
  EXPECT_EQ(format_parameter("a", "b"), "; a=b");
  EXPECT_EQ(format_parameter("a", "b c\"d"), "; a=\"b c\\\"d\"");
  EXPECT_EQ(format_parameter("a", "\xc3\xa4"), "; a*=UTF-8''%C3%A4");
  for (const std::string& value :
       {std::string("x y"), std::string(500, 'x'), std::string("\xe2\x82\xac\xe2\x82\xac") + std::string(70, '%')}) {
    const auto type = parse_content_type("a/b" + format_parameter("name", value));
    ASSERT_EQ(type.parameters.size(), 1u);
    EXPECT_EQ(type.parameters[0].utf8(), value);
  }
}

TEST(ContentType, CountsPiecesUpToTheLimit) {
  std::string value = "a/b";
  for (int i = 0; i < 100'000; ++i) value += ";n*" + std::to_string(i) + "=x";
  const auto type = parse_content_type(value.substr(0, 60'000));
  ASSERT_EQ(type.parameters.size(), 1u);
  EXPECT_EQ(type.parameters[0].value, std::string(max_parameters, 'x'));
}

}  // namespace
}  // namespace postern::mime
