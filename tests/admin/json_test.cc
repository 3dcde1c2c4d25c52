// SPDX-License-Identifier: Apache-2.0
#include "admin/json.h"

#include <gtest/gtest.h>

namespace postern::admin {
namespace {

TEST(Json, ParsesOneObjectOnly) {
  EXPECT_TRUE(parse_object(R"({"do":"status"})"));
  EXPECT_TRUE(parse_object("{}"));
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += R"({"a":)";
  for (const std::string& bad :
       {std::string(), std::string("["), std::string("[]"), std::string("null"), std::string("\"x\""), std::string("{} {}"),
        std::string("{\"a\":1,}"), std::string("{\"a\"}"), std::string("{\"a\":\"\xff\"}"), std::string("\0", 1), deep}) {
    const auto parsed = parse_object(bad);
    ASSERT_FALSE(parsed) << bad.substr(0, 40);
    EXPECT_EQ(parsed.error(), (Error{ErrorKind::invalid, "not a JSON object"})) << bad.substr(0, 40);
  }
}

TEST(Json, ReadersNameWhatIsWrong) {
  const auto object = parse_object(R"({"text":"x","empty":"","number":7,"big":18446744073709551615,"negative":-1,)"
                                   R"("half":1.5,"flag":true,"nothing":null})")
                          .value();
  EXPECT_EQ(text_argument(object, "text").value(), "x");
  EXPECT_EQ(text_argument(object, "empty").error().text, "empty is missing");
  EXPECT_EQ(text_argument(object, "number").error().text, "number is missing");
  EXPECT_EQ(optional_text(object, "flag"), "");
  EXPECT_EQ(optional_number(object, "number").value(), 7U);
  EXPECT_EQ(optional_number(object, "big").value(), UINT64_MAX);
  EXPECT_EQ(optional_number(object, "absent").value(), std::nullopt);
  EXPECT_EQ(optional_number(object, "nothing").value(), std::nullopt);
  for (const char* name : {"negative", "half", "text", "flag"}) EXPECT_FALSE(optional_number(object, name)) << name;
  EXPECT_EQ(optional_flag(object, "flag"), true);
  EXPECT_EQ(optional_flag(object, "text"), std::nullopt);
}

TEST(Json, LineHoldsNoLineBreak) {
  const auto line = to_line({{"a", "one\r\ntwo"}});
  EXPECT_EQ(line, "{\"a\":\"one\\r\\ntwo\"}\r\n");
}

}  // namespace
}  // namespace postern::admin
