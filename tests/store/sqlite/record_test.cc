// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/record.h"

#include <gtest/gtest.h>

namespace postern::store::sqlite {

TEST(Record, RoundTripsAndNoticesEveryFlippedBit) {
  const RecordHeader header{Codec::raw, RecordKind::single, 0, 1ull << 40, (1ull << 40) + 1, 0x0123456789abcdefull};
  const HeaderBytes bytes = encode(header, "date 1\n");
  const auto back = decode({bytes.data(), bytes.size()});
  ASSERT_TRUE(back);
  EXPECT_EQ(back->kind, RecordKind::single);
  EXPECT_EQ(back->arrival_length, 7u);
  EXPECT_EQ(back->stored_length, 1ull << 40);
  EXPECT_EQ(back->original_length, (1ull << 40) + 1);
  EXPECT_EQ(back->checksum, 0x0123456789abcdefull);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    HeaderBytes broken = bytes;
    broken[bit / 8] = static_cast<char>(broken[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode({broken.data(), broken.size()})) << bit;
  }
  EXPECT_FALSE(decode({bytes.data(), bytes.size() - 1}));
}

TEST(Record, ChecksumIsTheSameInPieces) {
  std::string body;
  for (int i = 0; i < 5000; ++i) body += std::to_string(i);
  Checksum sum;
  sum.add(std::string_view(body).substr(0, 17));
  sum.add(std::string_view(body).substr(17));
  EXPECT_EQ(sum.value(), checksum(body));
}

TEST(Record, ArrivalNamesEverybody) {
  Acceptance work{body_of("x"), {}, 1'800'000'000, {{7, "INBOX", "", 1}}, QueueEntry{}};
  work.enqueue->recipients.push_back({.recipient = {mail::Address::parse("a@b.example").value()}});
  EXPECT_EQ(arrival_text(work), "date 1800000000\nto 7 1 INBOX\nfrom <>\nrcpt a@b.example\n");
}

}  // namespace postern::store::sqlite
