// SPDX-License-Identifier: Apache-2.0
// The stored tree: what is written reads back, and every damaged form is refused or still a tree.
#include "mime/part_codec.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

constexpr std::string_view message =
    "Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; name*=utf-8'de'%C3%A4; "
    "x=y\r\n"
    "Content-Language: de\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\none\r\n--b\r\nContent-Type: "
    "message/rfc822\r\n\r\n"
    "From: a@b\r\n\r\ninner\r\n--b--\r\n";

TEST(PartCodec, ReadsWhatItWrote) {
  const PartTree tree = parse_message(message);
  const auto read = decode_parts(encode_parts(tree));
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, tree);
}

TEST(PartCodec, RefusesOtherVersionsAndCuts) {
  std::string bytes = encode_parts(parse_message(message));
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_parts(bytes.substr(0, size))) << size;
  EXPECT_FALSE(decode_parts(bytes + "x"));
  bytes[0] = part_codec_version + 1;
  EXPECT_EQ(decode_parts(bytes).error().kind, ErrorKind::unsupported);
}

TEST(PartCodec, DamageNeverGivesSomethingElseThanATree) {
  const std::string bytes = encode_parts(parse_message(message));
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff, 0x7f}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      const auto read = decode_parts(damaged);
      if (read) {
        EXPECT_TRUE(is_tree(*read));
      }
    }
  }
}

TEST(PartCodec, IsTreeFindsBrokenLinksAndOffsets) {
  const PartTree good = parse_message(message);
  ASSERT_TRUE(is_tree(good));
  const std::vector<void (*)(PartTree&)> damages = {
      [](PartTree& tree) { tree.parts.clear(); },
      [](PartTree& tree) { tree.parts[1].parent = 2; },
      [](PartTree& tree) { tree.parts[1].next_sibling = 1; },
      [](PartTree& tree) { tree.parts[2].next_sibling = 0; },
      [](PartTree& tree) { tree.parts[0].first_child = no_part; },
      [](PartTree& tree) { tree.parts[1].first_child = 2; },
      [](PartTree& tree) { tree.parts[1].body_end += 1000; },
      [](PartTree& tree) { tree.parts[3].body_end += 1; },
      [](PartTree& tree) { tree.parts[2].header_begin = tree.parts[1].header_begin; },
      [](PartTree& tree) { tree.parts[1].body_begin = tree.parts[1].header_begin - 1; },
      [](PartTree& tree) { tree.parts[0].kind = PartKind::leaf; },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    PartTree tree = good;
    damages[i](tree);
    EXPECT_FALSE(is_tree(tree)) << i;
  }
}

}  // namespace
}  // namespace postern::mime
