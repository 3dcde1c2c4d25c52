// SPDX-License-Identifier: Apache-2.0
#include "auth/verifier.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

using testing::cheap;
using testing::ScramClient;

ScramChallenge challenge() { return {std::string(16, 's'), 64}; }

// RFC 7677 §3
TEST(DeriveScram, AgreesWithTheRfcExample) {
  const auto keys = derive_scram(Secret("pencil"), base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==").value(), 4096).value();
  const std::string auth_message =
      "n=user,r=rOprNGfwEbeRWgbNEkqO,"
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  EXPECT_EQ(base64_encode(ScramClient::hmac(keys.server_key, auth_message)), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  // ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage); its hash must be StoredKey again.
  auto client_key = ScramClient::hmac(keys.stored_key, auth_message);
  const auto proof = base64_decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").value();
  for (std::size_t i = 0; i < proof.size(); ++i) client_key[i] = static_cast<char>(client_key[i] ^ proof[i]);
  std::string hashed(32, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(client_key.data()), 32, reinterpret_cast<unsigned char*>(hashed.data()));
  EXPECT_EQ(hashed, keys.stored_key);
}

TEST(Verifier, KnowsItsPasswordOnly) {
  const auto verifier = make_verifier(Secret("right"), cheap(), challenge()).value();
  EXPECT_TRUE(matches(verifier, Secret("right")).value());
  EXPECT_FALSE(matches(verifier, Secret("wrong")).value());
  EXPECT_FALSE(matches(verifier, Secret("")).value());
  EXPECT_FALSE(matches_nothing(Secret("right"), cheap()).value());
}

TEST(Verifier, SaltsAreFresh) {
  const auto one = make_verifier(Secret("same"), cheap(), challenge()).value();
  const auto two = make_verifier(Secret("same"), cheap(), challenge()).value();
  EXPECT_NE(one.hash, two.hash);
  EXPECT_EQ(challenge_of(one), challenge()) << "SCRAM's is the account's";
}

TEST(Verifier, NoMemoryIsNotAWrongPassword) {
  HashCost huge = cheap();
  huge.argon2_memory = std::uint64_t{1} << 62;
  EXPECT_FALSE(make_verifier(Secret("x"), huge, challenge()));
  EXPECT_EQ(matches_nothing(Secret("x"), huge).error().kind, ErrorKind::unavailable);
}

TEST(Verifier, SerialisesAndReadsBack) {
  const auto verifier = make_verifier(Secret("right"), cheap(), challenge()).value();
  const auto again = Verifier::parse(verifier.serialise()).value();
  EXPECT_EQ(again, verifier);
  const Verifier imported{"{SSHA512}" + base64_encode(std::string(72, 'x')), {}};
  EXPECT_EQ(Verifier::parse(imported.serialise()).value(), imported);
  const auto app = make_app_verifier(Secret("abc"), {Secret("abc"), Secret("a-bc")}, challenge()).value();
  EXPECT_EQ(Verifier::parse(app.serialise()).value(), app);
}

TEST(Verifier, AnAppPasswordHasOneHashAndAKeyForEachSpelling) {
  const auto app = make_app_verifier(Secret("abc"), {Secret("abc"), Secret("a-bc")}, challenge()).value();
  EXPECT_TRUE(matches(app, Secret("abc")).value());
  EXPECT_FALSE(matches(app, Secret("a-bc")).value());
  ASSERT_EQ(app.scram.size(), 2U);
  EXPECT_EQ(app.scram[1], derive_scram(Secret("a-bc"), challenge().salt, challenge().iterations).value());
  EXPECT_FALSE(needs_rehash(app, cheap()));
}

TEST(Verifier, TellsWhatIsNotAsItWouldBeMadeNow) {
  const auto ours = make_verifier(Secret("right"), cheap(), challenge()).value();
  EXPECT_FALSE(needs_rehash(ours, cheap()));
  auto dearer = cheap();
  dearer.argon2_memory *= 2;
  EXPECT_TRUE(needs_rehash(ours, dearer));
  dearer = cheap();
  ++dearer.argon2_ops;
  EXPECT_TRUE(needs_rehash(ours, dearer));
  EXPECT_TRUE(needs_rehash({"{SSHA512}xyz", {}}, cheap()));
}

TEST(Verifier, RefusesDamagedText) {
  const auto text = make_verifier(Secret("right"), cheap(), challenge()).value().serialise();
  for (std::size_t cut = 0; cut < text.size(); ++cut) EXPECT_FALSE(Verifier::parse(text.substr(0, cut))) << cut;
  for (const auto* bad :
       {"", "\n", "$argon2id$x\n", "$2b$x\nSCRAM-SHA-256$1:YQ==$:", "$argon2id$x\nSCRAM-SHA-256$0:YQ==$YQ==:YQ==",
        "$argon2id$x\nSCRAM-SHA-1$64:YQ==$YQ==:YQ==", "$argon2id$x\nSCRAM-SHA-256$99999999999:YQ==$YQ==:YQ=="}) {
    EXPECT_FALSE(Verifier::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace postern::auth
