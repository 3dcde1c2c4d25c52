// SPDX-License-Identifier: Apache-2.0
#include "policy/dkim_canonical.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace postern::policy {
namespace {

std::string field(std::string_view text, Canonical canonical) {
  std::string out;
  append_canonical_field(out, text, canonical);
  return out;
}

std::string body(std::string_view text, Canonical canonical, std::size_t piece = 1'000'000) {
  std::string out;
  BodyCanonicalizer canonicalizer(canonical, [&out](std::string_view bytes) { out += bytes; });
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) canonicalizer.feed(text.substr(0, piece));
  canonicalizer.finish();
  return out;
}

// RFC 6376 §3.4.5
TEST(DkimCanonical, ExamplesOfTheRfc) {
  EXPECT_EQ(field("A: X", Canonical::relaxed), "a:X");
  EXPECT_EQ(field("B : Y\t\r\n\tZ  ", Canonical::relaxed), "b:Y Z");
  EXPECT_EQ(field("B : Y\t\r\n\tZ  ", Canonical::simple), "B : Y\t\r\n\tZ  ");
  constexpr std::string_view text = " C \r\nD \t E\r\n\r\n\r\n";
  EXPECT_EQ(body(text, Canonical::relaxed), " C\r\nD E\r\n");
  EXPECT_EQ(body(text, Canonical::simple), " C \r\nD \t E\r\n");
}

TEST(DkimCanonical, Fields) {
  EXPECT_EQ(field("SubJect :   AbC  \r\n", Canonical::relaxed), "subject:AbC");
  EXPECT_EQ(field("x:", Canonical::relaxed), "x:");
  EXPECT_EQ(field("x: \r\n \r\n y", Canonical::relaxed), "x:y");
  EXPECT_EQ(field("no colon", Canonical::relaxed), "no colon:");
}

TEST(DkimCanonical, BodiesHoweverTheyAreCut) {
  struct Row {
    std::string_view text;
    std::string_view simple;
    std::string_view relaxed;
  };
  constexpr Row rows[] = {
      {"", "\r\n", ""},
      {"\r\n", "\r\n", ""},
      {"\r\n\r\n\r\n", "\r\n", ""},
      {" \t\r\n", " \t\r\n", ""},
      {"a", "a\r\n", "a\r\n"},
      {"a\r\n", "a\r\n", "a\r\n"},
      {"a\r\n\r\n\r\nb\r\n\r\n", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n"},
      {"\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n"},
      {"a \t b  \r\n  c\t\r\n \r\n", "a \t b  \r\n  c\t\r\n \r\n", "a b\r\n c\r\n"},
      {"a\rb\r\r\n", "a\rb\r\r\n", "a\rb\r\r\n"},
      {"a \r b\r", "a \r b\r\r\n", "a \r b\r\r\n"},
      {"a\nb\r\n", "a\nb\r\n", "a\nb\r\n"},
  };
  for (const auto& row : rows) {
    for (const std::size_t piece : {1'000'000U, 1U, 2U, 3U}) {
      EXPECT_EQ(body(row.text, Canonical::simple, piece), row.simple) << row.text << " by " << piece;
      EXPECT_EQ(body(row.text, Canonical::relaxed, piece), row.relaxed) << row.text << " by " << piece;
    }
  }
}

TEST(DkimCanonical, ManyEmptyLinesComeInSmallPieces) {
  std::size_t largest = 0;
  std::size_t total = 0;
  BodyCanonicalizer canonicalizer(Canonical::simple, [&](std::string_view bytes) {
    largest = std::max(largest, bytes.size());
    total += bytes.size();
  });
  std::string lines;
  for (int i = 0; i < 100'000; ++i) lines += "\r\n";
  canonicalizer.feed(lines);
  canonicalizer.feed("x");
  canonicalizer.finish();
  EXPECT_EQ(total, lines.size() + 3);
  EXPECT_LE(largest, 8192U);
}

// RFC 6376 §3.4.3 and §3.4.4: the hashes of empty bodies.
TEST(DkimCanonical, Hashes) {
  BodyHash simple(Canonical::simple, std::nullopt);
  EXPECT_EQ(base64_encode(simple.finish()), "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
  BodyHash relaxed(Canonical::relaxed, std::nullopt);
  EXPECT_EQ(base64_encode(relaxed.finish()), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  BodyHash part(Canonical::simple, 3);
  part.feed("ab");
  part.feed("cdef\r\n");
  EXPECT_EQ(part.finish(), sha256("abc"));
  EXPECT_EQ(part.size(), 8U);
  BodyHash none(Canonical::simple, 0);
  none.feed("abc");
  EXPECT_EQ(none.finish(), sha256(""));
}

}  // namespace
}  // namespace postern::policy
