// SPDX-License-Identifier: Apache-2.0
// BODY and BODYSTRUCTURE text for the kinds of parts, defaults, and trees with limits reached.
#include "mime/body_structure.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

std::string body(std::string_view message) { return imap_bodystructure(parse_message(message), Structure::basic); }
std::string extended(std::string_view message) { return imap_bodystructure(parse_message(message), Structure::extended); }

TEST(BodyStructure, Leaves) {
  EXPECT_EQ(body("\r\na\r\nb\r\n"), R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 2))");
  EXPECT_EQ(body("Content-Type: text/html; charset=utf-8; x=\"a\\\"b\"\r\nContent-Transfer-Encoding: 8BIT\r\n\r\n"),
            R"(("text" "html" ("charset" "utf-8" "x" "a\"b") NIL NIL "8bit" 0 0))");
  EXPECT_EQ(body("Content-Type: image/png\r\nContent-ID: <1>\r\nContent-Description: d\r\nContent-Transfer-Encoding: "
                 "base64\r\n\r\nAA=="),
            R"(("image" "png" NIL "<1>" "d" "base64" 4))");
  EXPECT_EQ(body("Content-Type: message/delivery-status\r\n\r\nx"), R"(("message" "delivery-status" NIL NIL NIL "7bit" 1))");
}

TEST(BodyStructure, Extensions) {
  EXPECT_EQ(
      extended("Content-Type: text/plain; format=flowed\r\nContent-MD5: m\r\nContent-Disposition: attachment; "
               "filename*=utf-8''%C3%A4.txt\r\n"
               "Content-Language: de, en\r\nContent-Location: l\r\n\r\n"),
      R"(("text" "plain" ("charset" "us-ascii" "format" "flowed") NIL NIL "7bit" 0 0 "m" ("attachment" ("filename*" "utf-8''%C3%A4.txt")) ("de" "en") "l"))");
  EXPECT_EQ(extended("Content-Disposition: inline\r\n\r\n"),
            R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL ("inline" NIL) NIL NIL))");
}

TEST(BodyStructure, Composites) {
  const std::string head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  const std::string two =
      head + "--b\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\ninner\r\n--b--\r\n";
  EXPECT_EQ(
      body(two),
      R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0)("message" "rfc822" NIL NIL NIL "7bit" 19 )"
      R"((NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0) 2) "mixed"))");
  EXPECT_EQ(
      extended(two),
      R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL)("message" "rfc822" NIL NIL NIL "7bit" 19 )"
      R"((NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL) 2 )"
      R"(NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL))");
  EXPECT_EQ(body(head), R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed"))");
  EXPECT_EQ(body("Content-Type: multipart/mixed\r\n\r\nxyz"), R"(("application" "octet-stream" NIL NIL NIL "7bit" 3))");
}

TEST(BodyStructure, HostileValuesStayValid) {
  EXPECT_EQ(body("Content-Type: text/plain; charset=\"\xff\"; x=\"a\r\n b\"\r\nContent-ID: \xe4\r\n\r\n"),
            "(\"text\" \"plain\" (\"charset\" {1}\r\n\xff \"x\" \"a b\") {1}\r\n\xe4 NIL \"7bit\" 0 0)");
}

}  // namespace
}  // namespace postern::mime
