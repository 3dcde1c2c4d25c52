// SPDX-License-Identifier: Apache-2.0
// What we seal passes our own verifier, set after set; a chain that is broken is not continued as if it were whole.
#include "policy/arc_seal.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "dns/zone.h"
#include "tests/policy/dkim_messages.h"

namespace postern::policy {
namespace {

constexpr UnixTime now = 1'528'637'950;
const std::string header = std::string(rfc6376_header);

class ArcSealTest : public testing::Test {
 protected:
  ArcSealTest() {
    add("rsa", DkimAlgorithm::rsa_sha256);
    add("ed", DkimAlgorithm::ed25519_sha256);
  }
  void add(const std::string& selector, DkimAlgorithm algorithm) {
    EXPECT_TRUE(keys_.add(selector, make_private_key(algorithm, 1024).value()));
    const auto type = algorithm == DkimAlgorithm::ed25519_sha256 ? "k=ed25519; " : "";
    zone_.add(selector + "._domainkey.forward.example. TXT \"v=DKIM1; " + type + "p=" + keys_.public_key(selector).value() +
              "\"");
  }
  /// The fields of one set more.
  std::string fields(const std::string& on, ArcCode chain, const std::string& selector = "rsa") {
    BodyHash hash(Canonical::relaxed, std::nullopt);
    hash.feed(rfc6376_body);
    ArcSealing sealing{.domain = "forward.example",
                       .selector = selector,
                       .key_id = selector,
                       .results =
                           "mx.forward.example;\r\n\tspf=pass smtp.mailfrom=football.example.com;\r\n\tdmarc=pass "
                           "header.from=football.example.com",
                       .chain = chain,
                       .now = now};
    return async::run_alone(seal_arc(keys_, std::move(sealing), on, hash.finish())).value();
  }
  ArcResult verify(const std::string& text) {
    const SignedFields all(text);
    BodyHashes hashes;
    ArcVerifier verifier(all, hashes);
    hashes.feed(rfc6376_body);
    hashes.finish();
    return async::run_alone(verifier.verify(zone_, now));
  }
  MemoryKeys keys_;
  dns::Zone zone_{"forward.example. TXT \"x\""};
};

TEST_F(ArcSealTest, OurVerifierPassesEverySet) {
  auto text = header;
  for (std::size_t i = 1; i <= 4; ++i) {
    text = fields(text, i == 1 ? ArcCode::none : ArcCode::pass, i % 2 == 0 ? "ed" : "rsa") + text;
    const auto result = verify(text);
    EXPECT_EQ(result.code, ArcCode::pass) << i << ": " << result.reason << "\n" << text;
    EXPECT_EQ(result.sealers.size(), i);
  }
  EXPECT_TRUE(vouches(verify(text), "football.example.com", {"forward.example"}));
  // RFC 5322 §2.1.1: lines of at most 78 octets.
  for (std::size_t from = 0, end = text.find("\r\n"); end != std::string::npos; from = end + 2, end = text.find("\r\n", from)) {
    EXPECT_LE(end - from, 78U) << text.substr(from, end - from);
  }
}

TEST_F(ArcSealTest, TheDkimSignatureIsCovered) {
  const auto signed_header = std::string(rfc8463_signatures) + header;
  const auto text = fields(signed_header, ArcCode::none) + signed_header;
  EXPECT_EQ(verify(text).code, ArcCode::pass);
  auto changed = text;
  changed.replace(changed.find("d=football"), 10, "d=baseball");
  EXPECT_EQ(verify(changed).code, ArcCode::fail);
}

TEST_F(ArcSealTest, ABrokenChainIsDeclaredOnce) {
  auto text = fields(header, ArcCode::none) + header;
  text.replace(text.find("Is dinner"), 9, "No dinner");
  EXPECT_EQ(verify(text).code, ArcCode::fail);
  const auto more = fields(text, ArcCode::fail);
  EXPECT_NE(more.find("cv=fail"), std::string::npos) << more;
  text = more + text;
  EXPECT_EQ(verify(text).code, ArcCode::fail);
  EXPECT_EQ(fields(text, ArcCode::fail), "") << "nothing is added to a chain that was declared broken";
}

TEST_F(ArcSealTest, AnUnclearChainIsLeft) {
  const auto once = fields(header, ArcCode::none) + header;
  EXPECT_EQ(fields(once, ArcCode::temperror), "");
  EXPECT_EQ(fields(once, ArcCode::none), "") << "a chain that nobody has looked at";
  EXPECT_EQ(fields(header, ArcCode::pass), "");
  EXPECT_EQ(fields("ARC-Seal: i=0; cv=none\r\n" + header, ArcCode::fail), "");
  EXPECT_EQ(fields("ARC-Seal: i=50; cv=pass\r\n" + header, ArcCode::pass), "");
}

}  // namespace
}  // namespace postern::policy
