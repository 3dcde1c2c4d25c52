// SPDX-License-Identifier: Apache-2.0
#include "policy/dkim_verify.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "base/encoding.h"
#include "dns/zone.h"
#include "policy/dkim_key.h"
#include "policy/dkim_sign.h"
#include "tests/policy/dkim_messages.h"

namespace postern::policy {
namespace {

constexpr UnixTime at_signing = 1'528'637'909;

struct Given {
  std::string header;
  std::string body;
  UnixTime now = at_signing + 10;
  std::size_t piece = 1'000'000;
};

std::vector<DkimResult> verify(const Given& given, dns::Resolver& zone) {
  const SignedFields fields(given.header);
  BodyHashes hashes;
  DkimVerifier verifier(fields, hashes);
  for (std::string_view rest = given.body; !rest.empty(); rest.remove_prefix(std::min(given.piece, rest.size()))) {
    hashes.feed(rest.substr(0, given.piece));
  }
  hashes.finish();
  return async::run_alone(verifier.verify(zone, given.now));
}

Given rfc6376() {
  return {std::string(rfc6376_signature) + std::string(rfc6376_received) + std::string(rfc6376_header) + "\r\n",
          std::string(rfc6376_body)};
}
Given rfc8463() { return {std::string(rfc8463_signatures) + std::string(rfc6376_header) + "\r\n", std::string(rfc8463_body)}; }

TEST(DkimVerify, ExampleOfRfc6376) {
  dns::Zone zone(example_keys);
  for (const std::size_t piece : {1'000'000U, 1U, 7U}) {
    auto given = rfc6376();
    given.piece = piece;
    const auto results = verify(given, zone);
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].code, DkimCode::pass) << results[0].reason;
    EXPECT_EQ(results[0].domain, "example.com");
    EXPECT_EQ(results[0].bits, 1024);
    EXPECT_EQ(results[0].reason, "1024 bit key");
    EXPECT_EQ(results[0].beginning, "AuUoFEfD");
    EXPECT_TRUE(results[0].counts());
  }
}

TEST(DkimVerify, ExamplesOfRfc8463) {
  dns::Zone zone(example_keys);
  const auto results = verify(rfc8463(), zone);
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].code, DkimCode::pass) << results[0].reason;
  EXPECT_EQ(results[0].algorithm, DkimAlgorithm::ed25519_sha256);
  EXPECT_EQ(results[1].code, DkimCode::pass) << results[1].reason;
  EXPECT_EQ(zone.queries(), 2U);
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(DkimVerify, ChangesAreSeen) {
  struct Row {
    std::string_view from;
    std::string_view to;
    DkimCode code;
    std::string_view reason;
  };
  constexpr Row rows[] = {
      {"Is dinner", "is dinner", DkimCode::fail, "signature did not verify"},
      {"Subject: Is", "Subject:  Is", DkimCode::fail, "signature did not verify"},
      {"To: Suzie", "To: x\r\nTo: Suzie", DkimCode::pass, "1024 bit key"},  // not over-signed by the example
      {"Message-ID:", "To: y\r\nMessage-ID:", DkimCode::fail, "signature did not verify"},
      {"bh=2jUS", "bh=3jUS", DkimCode::fail, "body hash did not verify"},
      {"b=AuUo", "b=BuUo", DkimCode::fail, "signature did not verify"},
      {"a=rsa-sha256", "a=rsa-sha1", DkimCode::policy, "rsa-sha1 is no longer accepted"},
      {"a=rsa-sha256", "a=ed25519-sha256", DkimCode::permerror, "the key is of another type"},
      {"a=rsa-sha256", "a=rsa-sha3", DkimCode::neutral, "unknown algorithm"},
      {"q=dns/txt", "x=1057982496", DkimCode::fail, "expired"},
      {"q=dns/txt", "t=2057982496", DkimCode::policy, "signed in the future"},
      {"q=dns/txt", "t=IN_5_MINUTES", DkimCode::fail, "signature did not verify"},
      {"q=dns/txt", "t=LATER", DkimCode::policy, "signed in the future"},
      {"q=dns/txt", "x=5_MINUTES_AGO", DkimCode::fail, "signature did not verify"},
      {"q=dns/txt", "x=EARLIER", DkimCode::fail, "expired"},
      {"s=brisbane", "s=huge", DkimCode::permerror, "the key record is longer than 4 KiB"},
      {"q=dns/txt", "l=1000", DkimCode::fail, "the body is shorter than l="},
      {"q=dns/txt", "l=3", DkimCode::fail, "body hash did not verify"},
      {"s=brisbane", "s=none", DkimCode::permerror, "no key"},
      {"s=brisbane", "s=slow", DkimCode::temperror, "key: timeout"},
      {"s=brisbane", "s=gone", DkimCode::permerror, "the key was revoked"},
      {"s=brisbane", "s=broken", DkimCode::permerror, "p= is not a key of its type"},
      {"s=brisbane", "s=exact", DkimCode::permerror, "the key does not allow subdomains in i="},
      {"s=brisbane", "s=web", DkimCode::permerror, "the key is not for mail"},
      {"s=brisbane", "s=old", DkimCode::permerror, "the key does not allow SHA-256"},
      {"s=brisbane", "s=test", DkimCode::neutral, "signature did not verify, the key is for testing"},
      {"s=brisbane", "s=small", DkimCode::policy, "RSA key of 512 bits is too weak"},
      {"h=Received", "h=Receive", DkimCode::fail, "signature did not verify"},
      {"h=Received : From", "h=Received : Fro", DkimCode::permerror, "h= does not have From"},
      {"d=example.com", "d=example.org", DkimCode::permerror, "i= is not within d="},
  };
  const std::string key(example_keys.substr(example_keys.find("p=MIG"), example_keys.find("\"\n") - example_keys.find("p=MIG")));
  dns::Zone zone(example_keys);
  zone.add(
      "slow._domainkey.example.com. TIMEOUT\n"
      "gone._domainkey.example.com. TXT \"v=DKIM1; p=\"\n"
      "broken._domainkey.example.com. TXT \"v=DKIM1; p=YWJj\"\n"
      "small._domainkey.example.com. TXT \"p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALx64rWQocm7o9Iaw9PLSN7I3UX6"
      "/+IOatO68sC+ZDJpSXOEeDRg/It8x03v9lt37ShVOlKAOMpuQKi9bYZsMHUCAwEAAQ==\"\n");
  zone.add("huge._domainkey.example.com. TXT \"v=DKIM1; " + key + "\" \"; n=" + std::string(250, 'x') + '"' + [] {
    std::string more;
    for (int i = 0; i < 16; ++i) more += " \"" + std::string(250, 'x') + '"';
    return more;
  }() + "\n");
  for (const auto& [name, tags] : {std::pair{"exact", "t=s"}, {"web", "s=web"}, {"old", "h=sha1"}, {"test", "t=y"}}) {
    zone.add(std::string(name) + "._domainkey.example.com. TXT \"" + tags + "; " + key + "\"\n");
  }
  for (const auto& row : rows) {
    auto given = rfc6376();
    auto to = std::string(row.to);
    constexpr UnixTime skew = 300;  // security.md D44
    for (const auto& [word, time] : {std::pair{"IN_5_MINUTES", given.now + skew},
                                     {"LATER", given.now + skew + 1},
                                     {"5_MINUTES_AGO", given.now - skew},
                                     {"EARLIER", given.now - skew - 1}}) {
      if (to.ends_with(std::string("=") + word)) to = to.substr(0, 2) + std::to_string(time);
    }
    given.header = replaced(given.header, row.from, to);
    const auto results = verify(given, zone);
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].code, row.code) << row.to;
    EXPECT_EQ(results[0].reason, row.reason) << row.to;
  }
  auto given = rfc6376();
  given.body += "more\r\n";
  EXPECT_EQ(verify(given, zone)[0].code, DkimCode::fail);
  given.body = std::string(rfc6376_body) + "\r\n\r\n";
  EXPECT_EQ(verify(given, zone)[0].code, DkimCode::pass);
}

/// A message signed by us with the Ed25519 key of RFC 8463.
std::string signed_header(const std::string& header, std::string_view body, DkimSigning signing = {}) {
  MemoryKeys keys;
  EXPECT_TRUE(keys.add("k", Secret(rfc8463_ed25519_pem)));
  signing.domain = "football.example.com";
  signing.selector = "brisbane";
  signing.key_id = "k";
  BodyHash hash(signing.body, std::nullopt);
  hash.feed(body);
  const auto field = async::run_alone(sign_dkim(keys, signing, header, hash.finish()));
  EXPECT_TRUE(field) << field.error().text;
  return *field + header;
}

// security.md D43
TEST(DkimVerify, LargeKeysAreNotTried) {
  const std::string number = "\1" + std::string(512, '\xff');  // 4097 bits
  std::string der("\x30\x82\x02\x0a\x02\x82\x02\x01", 8);
  der += number + std::string("\x02\x03\x01\x00\x01", 5);
  const auto key = "p=" + base64_encode(der);
  dns::Zone zone("brisbane._domainkey.example.com. TXT \"" + key.substr(0, 250) + "\" \"" + key.substr(250, 250) + "\" \"" +
                 key.substr(500) + "\"");
  const auto results = verify(rfc6376(), zone);
  EXPECT_EQ(results[0].code, DkimCode::policy);
  EXPECT_EQ(results[0].reason, "RSA key of 4097 bits is too large");
}

TEST(DkimVerify, SeveralSignaturesAreLimited) {
  dns::Zone zone(example_keys);
  auto given = rfc8463();
  for (int i = 0; i < 3; ++i) given.header = std::string(rfc8463_signatures) + given.header;
  const auto results = verify(given, zone);
  ASSERT_EQ(results.size(), dkim_signatures_max + 1);
  EXPECT_EQ(results.back().code, DkimCode::neutral);
  EXPECT_EQ(results.back().reason, "3 more signatures were not looked at");
}

// security.md D42
TEST(DkimVerify, LengthNeverCounts) {
  dns::Zone zone(example_keys);
  MemoryKeys keys;
  ASSERT_TRUE(keys.add("k", Secret(rfc8463_ed25519_pem)));
  const std::string header = std::string(rfc6376_header) + "\r\n";
  BodyHash hash(Canonical::simple, 5);
  hash.feed(rfc6376_body);
  const std::string field = "DKIM-Signature: v=1; a=ed25519-sha256; d=football.example.com; s=brisbane; h=from; l=5; bh=" +
                            base64_encode(hash.finish()) + "; b=";
  std::string text;
  SignedFields(header).append(text, {"from"}, Canonical::simple);
  const auto signature = async::run_alone(keys.sign("k", sha256(text + field)));
  const auto results = verify({field + base64_encode(*signature) + "\r\n" + header, std::string(rfc6376_body) + "spam"}, zone);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].code, DkimCode::pass) << results[0].reason;
  EXPECT_FALSE(results[0].counts());
}

TEST(DkimSign, WhatWeSignWeVerify) {
  dns::Zone zone(example_keys);
  const std::string header = std::string(rfc6376_header) + "MIME-Version: 1.0\r\nX-Other: z\r\n\r\n";
  for (const auto head : {Canonical::simple, Canonical::relaxed}) {
    for (const auto body : {Canonical::simple, Canonical::relaxed}) {
      DkimSigning signing;
      signing.header = head;
      signing.body = body;
      signing.signed_at = at_signing;
      signing.expires = at_signing + 1000;
      const auto text = signed_header(header, rfc6376_body, signing);
      const auto results = verify({text, std::string(rfc6376_body)}, zone);
      ASSERT_EQ(results.size(), 1U);
      EXPECT_EQ(results[0].code, DkimCode::pass) << results[0].reason << '\n' << text;
      // Over-signed: a field added later breaks it (security.md D45).
      for (const auto* const more :
           {"From: x@y.example\r\n", "Subject: y\r\n", "Reply-To: z@y.example\r\n", "Content-Type: text/html\r\n"}) {
        EXPECT_EQ(verify({more + text, std::string(rfc6376_body)}, zone)[0].code, DkimCode::fail) << more;
      }
      EXPECT_EQ(verify({"X-Trace: 1\r\n" + text, std::string(rfc6376_body)}, zone)[0].code, DkimCode::pass);
      const auto late = at_signing + 1000 + dkim_clock_skew;
      EXPECT_EQ(verify({text, std::string(rfc6376_body), late}, zone)[0].code, DkimCode::pass);
      EXPECT_EQ(verify({text, std::string(rfc6376_body), late + 1}, zone)[0].reason, "expired");
      EXPECT_EQ(verify({text, std::string(rfc6376_body), at_signing - dkim_clock_skew - 1}, zone)[0].code, DkimCode::policy);
    }
  }
}

TEST(DkimSign, LinesAreShort) {
  const auto text = signed_header(std::string(rfc6376_header) + "\r\n", rfc6376_body);
  std::string_view rest = std::string_view(text).substr(0, text.find("From:"));
  EXPECT_TRUE(rest.starts_with("DKIM-Signature: v=1; a=ed25519-sha256;")) << rest;
  while (!rest.empty()) {
    const auto end = rest.find("\r\n");
    ASSERT_NE(end, std::string_view::npos);
    EXPECT_LE(end, 78U) << rest;
    rest.remove_prefix(end + 2);
  }
}

TEST(DkimKeys, PublicKeysThatAreNone) {
  // a modulus of 1024 bits; the exponent is put behind it
  const std::string number = "\x02\x81\x80" + std::string(128, '\xff');
  const auto key = [&number](const std::string& exponent) {
    const std::string inner = number + exponent;
    const char length = static_cast<char>(inner.size());
    DkimKeyRecord record;
    record.key = std::string("\x30\x81", 2) + length + inner;
    return record;
  };
  EXPECT_TRUE(PublicKey::from(key(std::string("\x02\x03\x01\x00\x01", 5))));
  EXPECT_FALSE(PublicKey::from(key("\x02\x09" + std::string(9, '\x7f')))) << "an exponent as long as a private one";
  EXPECT_FALSE(PublicKey::from(key("")));
  EXPECT_FALSE(PublicKey::from(key(std::string("\x02\x00", 2))));
  DkimKeyRecord record;
  const auto whole = key(std::string("\x02\x03\x01\x00\x01", 5)).key;
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    record.key = whole.substr(0, cut);
    EXPECT_FALSE(PublicKey::from(record)) << cut;
  }
  for (const std::string& text :
       {std::string("\x30\x80", 2), std::string("\x30\x84\xff\xff\xff\xff", 6), std::string("\x30\x81", 2)}) {
    record.key = text;
    EXPECT_FALSE(PublicKey::from(record));
  }
}

TEST(DkimKeys, WhatIsNoKeyIsRefused) {
  MemoryKeys keys;
  for (const auto* const pem : {"", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}) {
    EXPECT_FALSE(keys.add("k", Secret(pem)));
  }
  EXPECT_EQ(async::run_alone(keys.sign("none", "x")).error().kind, ErrorKind::not_found);
  ASSERT_TRUE(keys.add("k", Secret(rfc8463_ed25519_pem)));
  EXPECT_EQ(*keys.public_key("k"), "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  DkimSigning signing;
  signing.domain = "a.example";
  signing.selector = "s";
  signing.key_id = "k";
  EXPECT_FALSE(async::run_alone(sign_dkim(keys, signing, "To: a@b.example\r\n\r\n", sha256(""))));
}

}  // namespace
}  // namespace postern::policy
