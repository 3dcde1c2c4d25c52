// SPDX-License-Identifier: Apache-2.0
// Our own check of a SCRAM proof, by the example of RFC 7677 and by every way to cheat.
#include "auth/scram_proof.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/secret.h"
#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

using testing::ScramClient;

// RFC 7677 §3
const std::string first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const std::string challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const std::string final_message =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

ScramKeys pencil() { return derive_scram(Secret("pencil"), base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==").value(), 4096).value(); }

TEST(ScramTranscript, AgreesWithTheRfcExample) {
  const auto proof = ScramTranscript(first, challenge, "").read(final_message);
  ASSERT_TRUE(proof) << proof.error().text;
  EXPECT_TRUE(proof->fits(pencil()));
  EXPECT_EQ(proof->server_final(pencil()), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  auto other = pencil();
  other.stored_key[0] = static_cast<char>(other.stored_key[0] ^ 1);
  EXPECT_FALSE(proof->fits(other));
}

TEST(ScramTranscript, EveryChangedOctetIsNoProof) {
  for (std::size_t at = 0; at < final_message.size(); ++at) {
    auto changed = final_message;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto proof = ScramTranscript(first, challenge, "").read(changed);
    EXPECT_FALSE(proof && proof->fits(pencil())) << changed;
  }
  for (std::size_t cut = 0; cut < final_message.size(); ++cut) {
    const auto proof = ScramTranscript(first, challenge, "").read(final_message.substr(0, cut));
    EXPECT_FALSE(proof && proof->fits(pencil())) << cut;
  }
}

TEST(ScramTranscript, ChannelAndFlagAreBound) {
  const std::string binding(32, 'b');
  const std::string bound_first = "p=tls-exporter,,n=user,r=rOprNGfwEbeRWgbNEkqO";
  const auto with = [&](const std::string& channel) {
    return "c=" + base64_encode(channel) + final_message.substr(std::string("c=biws").size());
  };
  EXPECT_TRUE(ScramTranscript(bound_first, challenge, binding).read(with("p=tls-exporter,," + binding)));
  EXPECT_FALSE(ScramTranscript(bound_first, challenge, binding).read(with("p=tls-exporter,," + std::string(32, 'x'))));
  EXPECT_FALSE(ScramTranscript(bound_first, challenge, binding).read(with("n,,")));
  EXPECT_FALSE(ScramTranscript(bound_first, challenge, "").read(with("p=tls-exporter,,")));
  EXPECT_FALSE(ScramTranscript("p=tls-unique,,n=user,r=x", challenge, binding).read(with("p=tls-unique,," + binding)));
  EXPECT_FALSE(ScramTranscript(first, challenge, "").read(with("y,,")));
  // 'y' says that we offered no binding; with one at hand we did.
  const std::string y_first = "y,,n=user,r=rOprNGfwEbeRWgbNEkqO";
  EXPECT_FALSE(ScramTranscript(y_first, challenge, binding).read(with("y,,")));
  EXPECT_TRUE(ScramTranscript(y_first, challenge, "").read(with("y,,")));
}

TEST(ScramTranscript, NobodyActsForSomebodyElse) {
  const auto read = [](const std::string& gs2) {
    return ScramTranscript(gs2 + "n=user,r=x", challenge, "")
        .read("c=" + base64_encode(gs2) + final_message.substr(6))
        .has_value();
  };
  EXPECT_TRUE(read("n,,"));
  EXPECT_TRUE(read("n,a=user,"));
  EXPECT_FALSE(read("n,a=other,"));
  EXPECT_FALSE(read("n,a=us=2Cer,"));
}

TEST(ScramTranscript, NothingWithoutAnExchange) {
  EXPECT_FALSE(ScramTranscript("", "", "").read(final_message));
  EXPECT_FALSE(ScramTranscript(first, "", "").read(final_message));
  EXPECT_FALSE(ScramTranscript("n", challenge, "").read(final_message));
}

}  // namespace
}  // namespace postern::auth
