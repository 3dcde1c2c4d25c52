// SPDX-License-Identifier: Apache-2.0
#include "policy/dkim_signature.h"

#include <gtest/gtest.h>

#include "tests/policy/dkim_messages.h"

namespace postern::policy {
namespace {

constexpr std::string_view good = "v=1; a=rsa-sha256; d=Example.COM; s=Sel.a; h=From:to; bh=YQ==; b=Yg==";

/// `good` with one tag put in the place of the one of that name, or behind all.
Result<DkimSignature> with(std::string_view name, std::string_view value) {
  std::string out;
  bool placed = false;
  const std::string text = std::string(name) + "=" + std::string(value);
  const auto tags = TagList::parse(good);
  for (const auto& tag : tags->tags()) {
    const bool here = tag.name == name;
    placed = placed || here;
    if (!out.empty()) out += "; ";
    out += here ? text : std::string(tag.name) + "=" + std::string(tag.value);
  }
  return parse_dkim_signature(placed ? out : out + ";" + text);
}

TEST(DkimSignature, ReadsTheExampleOfTheRfc) {
  const auto value = rfc6376_signature.substr(rfc6376_signature.find(':') + 1);
  const auto signature = parse_dkim_signature(value);
  ASSERT_TRUE(signature) << signature.error().text;
  EXPECT_EQ(signature->algorithm, DkimAlgorithm::rsa_sha256);
  EXPECT_EQ(signature->key_name(), "brisbane._domainkey.example.com");
  EXPECT_EQ(signature->agent, "joe@football.example.com");
  EXPECT_EQ(signature->agent_domain, "football.example.com");
  EXPECT_EQ(signature->fields, (std::vector<std::string>{"received", "from", "to", "subject", "date", "message-id"}));
  EXPECT_EQ(signature->signature.size(), 128U);
  EXPECT_FALSE(signature->length);
}

TEST(DkimSignature, Defaults) {
  const auto signature = parse_dkim_signature(good);
  ASSERT_TRUE(signature);
  EXPECT_EQ(signature->domain, "example.com");
  EXPECT_EQ(signature->selector, "sel.a");
  EXPECT_EQ(signature->agent, "@example.com");
  EXPECT_EQ(signature->header, Canonical::simple);
  EXPECT_EQ(signature->body, Canonical::simple);
  EXPECT_EQ(with("c", "relaxed")->body, Canonical::simple);
  EXPECT_EQ(with("c", "relaxed")->header, Canonical::relaxed);
  EXPECT_EQ(with("l", "0")->length, 0U);
  EXPECT_EQ(with("t", "1117574938")->signed_at, 1117574938);
  EXPECT_TRUE(with("q", "x/y:dns/txt"));
  EXPECT_TRUE(with("zz", "unknown tags are ignored"));
  EXPECT_EQ(with("i", "a=3Bb@mail.example.com")->agent, "a;b@mail.example.com");
}

TEST(DkimSignature, Malformed) {
  struct Row {
    std::string_view name;
    std::string_view value;
  };
  constexpr Row rows[] = {
      {"v", "2"},         {"v", ""},           {"a", ""},
      {"a", "rsa-md5"},   {"b", ""},           {"b", "%%"},
      {"bh", ""},         {"bh", "x"},         {"c", "loose"},
      {"c", "simple/"},   {"c", "/simple"},    {"d", ""},
      {"d", "com"},       {"d", "a..b"},       {"d", "a b.example"},
      {"h", ""},          {"h", "to:subject"}, {"h", "from::to"},
      {"i", "joe"},       {"i", "@other.com"}, {"i", "@xexample.com"},
      {"i", "@com"},      {"l", "-1"},         {"l", "1x"},
      {"l", ""},          {"q", "dns/xml"},    {"s", ""},
      {"s", "a..b"},      {"s", "a/b"},        {"s", ".a"},
      {"t", "yesterday"}, {"x", ""},           {"x", "99999999999999999999"},
  };
  for (const auto& row : rows) EXPECT_FALSE(with(row.name, row.value)) << row.name << '=' << row.value;
  for (const auto* const text : {"", ";", "v", "v=1", "v=1;v=1", "=1", "1=2", "v=1;;a=b", "\x01=2", "v=\x01", "v=1; t=5; x=5"}) {
    EXPECT_FALSE(parse_dkim_signature(text)) << text;
  }
  EXPECT_FALSE(parse_dkim_signature(std::string(good) + "; t=10; x=9"));
}

// security.md D44
TEST(DkimSignature, ManyFieldsAreRefused) {
  std::string names = "from";
  for (int i = 0; i < 100'000; ++i) names += ":a";
  EXPECT_FALSE(with("h", names));
  std::string fewer = "from";
  for (std::size_t i = 1; i < signed_fields_max; ++i) fewer += ":a";
  EXPECT_TRUE(with("h", fewer));
  EXPECT_FALSE(with("h", fewer + ":a"));
}

TEST(DkimSignature, WithoutItsOwnValue) {
  EXPECT_EQ(without_signature("DKIM-Signature: a=b; b=abc\r\n def ; c=d"), "DKIM-Signature: a=b; b=; c=d");
  EXPECT_EQ(without_signature("DKIM-Signature: bh=x;\r\n\tb = abc="), "DKIM-Signature: bh=x;\r\n\tb =");
  EXPECT_EQ(without_signature("DKIM-Signature: b=x"), "DKIM-Signature: b=");
  EXPECT_EQ(without_signature("DKIM-Signature: bh=x"), "DKIM-Signature: bh=x");
}

TEST(DkimKeyRecord, Reads) {
  const auto key = parse_dkim_key("v=DKIM1; h=sha1:sha256; k=rsa; n=note; s=email; t=y:s; p=YW\r\n Jj");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->key, "abc");
  EXPECT_TRUE(key->testing && key->exact_agent && key->takes_sha256 && key->for_mail && !key->ed25519);
  EXPECT_FALSE(parse_dkim_key("p=YWJj; h=sha1")->takes_sha256);
  EXPECT_FALSE(parse_dkim_key("p=YWJj; s=tlsrpt")->for_mail);
  EXPECT_TRUE(parse_dkim_key("p=YWJj; s=*")->for_mail);
  EXPECT_TRUE(parse_dkim_key("k=ed25519;p=YWJj")->ed25519);
  EXPECT_EQ(parse_dkim_key("v=DKIM1; p=").error().kind, ErrorKind::not_found);
  for (const auto* const text : {"", "v=DKIM1", "v=DKIM2; p=YWJj", "p=YWJj; v=DKIM1", "p=!", "k=dsa; p=YWJj", "x"}) {
    EXPECT_FALSE(parse_dkim_key(text)) << text;
  }
}

// RFC 6376 §5.4.2
TEST(SignedFields, FromTheBottomUp) {
  const SignedFields fields("A: 1\r\nB: 2\r\nA: 3\r\n\r\n");
  std::string out;
  fields.append(out, {"a", "a", "a", "b", "missing"}, Canonical::relaxed);
  EXPECT_EQ(out, "a:3\r\na:1\r\nb:2\r\n");
  EXPECT_EQ(fields.all("a").size(), 2U);
}

}  // namespace
}  // namespace postern::policy
