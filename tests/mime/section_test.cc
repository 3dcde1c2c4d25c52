// SPDX-License-Identifier: Apache-2.0
// Section addressing, after the example tree of RFC 3501 §6.4.5.
#include "mime/section.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

std::string rfc_example() {
  const std::string inner =
      "Subject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\n4.2.1\r\n--i\r\n\r\n4.2.2\r\n--i--";
  return "Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"
         "--o\r\n\r\n1\r\n--o\r\nContent-Type: application/octet-stream\r\n\r\n2\r\n"
         "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: three\r\n\r\n3.1\r\n"
         "--o\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: image/gif\r\n\r\n4.1\r\n"
         "--m\r\nContent-Type: message/rfc822\r\n\r\n" +
         inner + "\r\n--m--\r\n--o--\r\n";
}

std::optional<std::string> section(const std::string& message, std::vector<std::uint32_t> path, SectionKind kind) {
  const auto range = find_section(parse_message(message), path, kind);
  if (!range) return std::nullopt;
  return message.substr(range->begin, range->size());
}

TEST(Section, FollowsTheExampleOfTheRfc) {
  const std::string message = rfc_example();
  using enum SectionKind;
  EXPECT_EQ(section(message, {}, whole), message);
  EXPECT_EQ(section(message, {}, header), "Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n");
  EXPECT_EQ(*section(message, {}, header) + *section(message, {}, text), message);
  EXPECT_EQ(section(message, {}, mime), std::nullopt);
  EXPECT_EQ(section(message, {1}, whole), "1");
  EXPECT_EQ(section(message, {1}, mime), "\r\n");
  EXPECT_EQ(section(message, {1}, header), std::nullopt);
  EXPECT_EQ(section(message, {2}, mime), "Content-Type: application/octet-stream\r\n\r\n");
  EXPECT_EQ(section(message, {3}, whole), "Subject: three\r\n\r\n3.1");
  EXPECT_EQ(section(message, {3}, header), "Subject: three\r\n\r\n");
  EXPECT_EQ(section(message, {3}, text), "3.1");
  EXPECT_EQ(section(message, {3, 1}, whole), "3.1");
  EXPECT_EQ(section(message, {3, 2}, whole), std::nullopt);
  EXPECT_EQ(section(message, {3, 1, 1}, whole), std::nullopt);
  EXPECT_EQ(section(message, {4, 1}, whole), "4.1");
  EXPECT_EQ(section(message, {4, 1}, mime), "Content-Type: image/gif\r\n\r\n");
  EXPECT_EQ(section(message, {4, 2}, header), "Subject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n");
  EXPECT_EQ(section(message, {4, 2, 1}, whole), "4.2.1");
  EXPECT_EQ(section(message, {4, 2, 2}, whole), "4.2.2");
  for (const std::vector<std::uint32_t>& path :
       {std::vector<std::uint32_t>{0}, {5}, {1, 1}, {4, 2, 3}, {UINT32_MAX}, {1, 1, 1, 1}}) {
    EXPECT_EQ(section(message, path, whole), std::nullopt);
  }
}

TEST(Section, AMessageThatIsNoMultipartHasPartOne) {
  using enum SectionKind;
  const std::string plain = "A: b\r\n\r\nbody";
  EXPECT_EQ(section(plain, {1}, whole), "body");
  EXPECT_EQ(section(plain, {1}, mime), "A: b\r\n\r\n");
  EXPECT_EQ(section(plain, {2}, whole), std::nullopt);
  EXPECT_EQ(section(plain, {1, 1}, whole), std::nullopt);
  const std::string wrapped = "Content-Type: message/rfc822\r\n\r\nA: b\r\n\r\nbody";
  EXPECT_EQ(section(wrapped, {1}, whole), "A: b\r\n\r\nbody");
  EXPECT_EQ(section(wrapped, {1}, header), "A: b\r\n\r\n");
  EXPECT_EQ(section(wrapped, {1, 1}, whole), "body");
}

}  // namespace
}  // namespace postern::mime
