// SPDX-License-Identifier: Apache-2.0
#include "policy/arc.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "base/encoding.h"
#include "dns/zone.h"
#include "policy/dkim_key.h"
#include "tests/policy/dkim_messages.h"

namespace postern::policy {
namespace {

constexpr UnixTime now = 1'528'637'950;

/// Seals messages as a forwarder does (RFC 8617 §5.1), with the Ed25519 key of RFC 8463 at any domain of `zone`.
class Sealer {
 public:
  Sealer() { EXPECT_TRUE(keys_.add("k", Secret(rfc8463_ed25519_pem))); }

  struct Choices {
    std::string domain = "lists.example";
    std::string verdict;  ///< cv=; empty: what is right
    std::string results = "dmarc=pass header.from=football.example.com";
    std::string names = "from:to:subject";
    std::string more;  ///< tags of the message signature, as "x=1; "
  };
  /// The header with one more set on top.
  std::string seal(const std::string& header, std::string_view body, const Choices& choices) {
    const auto number = std::to_string(++sets_);
    BodyHash hash(Canonical::relaxed, std::nullopt);
    hash.feed(body);
    const std::string results =
        "ARC-Authentication-Results: i=" + number + "; mx." + choices.domain + ";\r\n\t" + choices.results;
    std::string message = "ARC-Message-Signature: i=" + number +
                          "; a=ed25519-sha256; c=relaxed/relaxed;\r\n\td=" + choices.domain + "; s=s; t=1528637940; " +
                          choices.more + "h=" + choices.names + ";\r\n\tbh=" + base64_encode(hash.finish()) + ";\r\n\tb=";
    std::string text;
    std::vector<std::string> names;
    for (const auto name : split_colons(choices.names, 50)) names.emplace_back(name);
    SignedFields(header).append(text, names, Canonical::relaxed);
    append_canonical_field(text, message, Canonical::relaxed);
    message += sign(text);
    const auto verdict = !choices.verdict.empty() ? choices.verdict : sets_ == 1 ? "none" : "pass";
    std::string seal =
        "ARC-Seal: i=" + number + "; a=ed25519-sha256; d=" + choices.domain + "; s=s; t=1528637940;\r\n\tcv=" + verdict + "; b=";
    for (const auto& field : {results, message}) {
      append_canonical_field(sealed_, field, Canonical::relaxed);
      sealed_ += "\r\n";
    }
    text = sealed_;
    append_canonical_field(text, seal, Canonical::relaxed);
    seal += sign(text);
    append_canonical_field(sealed_, seal, Canonical::relaxed);
    sealed_ += "\r\n";
    return seal + "\r\n" + message + "\r\n" + results + "\r\n" + header;
  }

 private:
  std::string sign(std::string_view text) { return base64_encode(*async::run_alone(keys_.sign("k", sha256(text)))); }
  MemoryKeys keys_;
  std::size_t sets_ = 0;
  std::string sealed_;
};

constexpr std::string_view zone_text = R"(
  s._domainkey.lists.example. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
  s._domainkey.forward.example. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
  s._domainkey.slow.example. TIMEOUT
)";

ArcResult verify(const std::string& header, std::string_view body, UnixTime at = now) {
  dns::Zone zone(zone_text);
  const SignedFields fields(header);
  BodyHashes hashes;
  ArcVerifier verifier(fields, hashes);
  hashes.feed(body);
  hashes.finish();
  return async::run_alone(verifier.verify(zone, at));
}

const std::string header = std::string(rfc6376_header) + "\r\n";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Arc, NoChain) { EXPECT_EQ(verify(header, rfc6376_body).code, ArcCode::none); }

TEST(Arc, ChainsPass) {
  Sealer sealer;
  auto text = header;
  for (std::size_t i = 1; i <= 5; ++i) {
    text = sealer.seal(text, rfc6376_body, {.domain = i % 2 == 1 ? "lists.example" : "forward.example"});
    const auto result = verify(text, rfc6376_body);
    EXPECT_EQ(result.code, ArcCode::pass) << i << ": " << result.reason;
    EXPECT_EQ(result.sealers.size(), i);
  }
  EXPECT_EQ(verify(text, rfc6376_body).sealers[1], "forward.example");
}

TEST(Arc, AnExpiredMessageSignatureFails) {
  constexpr UnixTime skew = 300;
  Sealer sealer;
  const auto text = sealer.seal(header, rfc6376_body, {.more = "x=" + std::to_string(now) + "; "});
  EXPECT_EQ(verify(text, rfc6376_body, now + skew).code, ArcCode::pass);
  EXPECT_EQ(verify(text, rfc6376_body, now + skew + 1).reason, "ARC-Message-Signature: expired");
}

TEST(Arc, WhatIsChangedFails) {
  Sealer sealer;
  auto text = sealer.seal(header, rfc6376_body, {});
  const auto first = text;
  text = sealer.seal(text, rfc6376_body, {.domain = "forward.example"});
  struct Row {
    std::string_view from;
    std::string_view to;
    std::string_view reason;
  };
  constexpr Row rows[] = {
      {"Is dinner", "Was dinner", "ARC-Message-Signature: signature did not verify"},
      {"i=1; mx.lists.example", "i=1; mx.other.example", "ARC-Seal 2: signature did not verify"},
      {"i=2; mx.forward", "i=2; mx.other", "ARC-Seal 2: signature did not verify"},
      {"i=2; mx.forward", "i=3; mx.forward", "ARC set 2 is not complete"},
      {"i=2; mx.forward", "i=1; mx.forward", "two ARC fields of one kind with number 1"},
      {"i=2; mx.forward", "i=51; mx.forward", "an ARC field without a number from 1 to 50"},
      {"i=2; mx.forward", "mx.forward", "an ARC field without a number from 1 to 50"},
      {"cv=pass", "cv=fail", "ARC-Seal 2 says cv=fail"},
      {"cv=none", "cv=pass", "ARC-Seal 1 says cv=something else"},
      {"cv=pass", "cv=none", "ARC-Seal 2 says cv=something else"},
      {"cv=pass", "cv=pass; h=from", "ARC-Seal 2 is not well formed"},
      {"ARC-Seal: i=2", "X-Seal: i=2", "ARC set 2 is not complete"},
      {"s=s", "s=t", "ARC-Seal 2: no key"},
  };
  for (const auto& row : rows) {
    const auto result = verify(replaced(text, row.from, row.to), rfc6376_body);
    EXPECT_EQ(result.code, ArcCode::fail) << row.to;
    EXPECT_EQ(result.reason, row.reason) << row.to;
  }
  EXPECT_EQ(verify(text, "other\r\n").reason, "ARC-Message-Signature: body hash did not verify");
  // What a forwarder changed after the first seal is allowed: the newest message signature counts.
  Sealer list;
  auto changed = list.seal(header, rfc6376_body, {});
  changed = list.seal(replaced(changed, "Is dinner", "[list] Is dinner"), "new\r\n", {});
  EXPECT_EQ(verify(changed, "new\r\n").code, ArcCode::pass);
}

TEST(Arc, RulesOfTheSignature) {
  Sealer with_seal;
  EXPECT_EQ(verify(with_seal.seal(header, rfc6376_body, {.names = "from:arc-seal"}), rfc6376_body).reason,
            "ARC-Message-Signature: h= has ARC-Seal");
  Sealer slow;
  EXPECT_EQ(verify(slow.seal(header, rfc6376_body, {.domain = "slow.example"}), rfc6376_body).code, ArcCode::temperror);
  Sealer without_from;
  EXPECT_EQ(verify(without_from.seal(header, rfc6376_body, {.names = "to"}), rfc6376_body).code, ArcCode::fail);
}

// security.md D50
TEST(Arc, LongChainsAreIgnored) {
  std::string text = header;
  for (int i = 1; i <= 60; ++i) {
    const auto number = "i=" + std::to_string(i);
    text = "ARC-Seal: " + number + "\r\nARC-Message-Signature: " + number + "\r\nARC-Authentication-Results: " + number +
           "; x\r\n" + text;
  }
  EXPECT_EQ(verify(text, rfc6376_body).code, ArcCode::fail);
}

TEST(Arc, Vouches) {
  ArcResult chain;
  chain.code = ArcCode::pass;
  chain.sealers = {"a.example", "lists.example"};
  chain.results = {" mx.a.example; dmarc=pass header.from=author.example",
                   " mx.lists.example; dmarc=fail header.from=author.example"};
  EXPECT_FALSE(vouches(chain, "author.example", {}));
  EXPECT_FALSE(vouches(chain, "author.example", {"lists.example"}));
  EXPECT_FALSE(vouches(chain, "author.example", {"a.example"})) << "the newest sealer is not trusted";
  EXPECT_TRUE(vouches(chain, "author.example", {"a.example", "lists.example"}));
  EXPECT_FALSE(vouches(chain, "other.example", {"a.example", "lists.example"}));
  EXPECT_TRUE(vouches(chain, "author.example", {"example"}));
  chain.code = ArcCode::fail;
  EXPECT_FALSE(vouches(chain, "author.example", {"example"}));
}

}  // namespace
}  // namespace postern::policy
