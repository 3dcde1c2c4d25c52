// SPDX-License-Identifier: Apache-2.0
// Hashes of other servers. The vectors come from libxcrypt, Python's hashlib and the reference implementation of Argon2.
#include "auth/imported_hash.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

constexpr std::string_view password = "imported: pass w\u00f6rd";

struct Vector {
  const char* name;
  std::string text;
  std::string_view password;
};

const Vector vectors[] = {
    {"sha512crypt",
     "{SHA512-CRYPT}$6$saltsaltsalt$VO0eqLriSInggNXaIxKsR2ADYCXYkrCTrbRTUNdi1auRhRfK8WU2/4xC2cjhqYLE2BgVImHwX3wtUmyqkjTf50",
     password},
    {"sha512crypt_rounds",
     "{SHA512-CRYPT}$6$rounds=1500$saltsaltsalt$4DrJlGpyc9CsuuDKcI.eBxdNbSeVC77mV7/"
     "qox4eBJFS1dyIBDp.GQyOgTSAfrE5es22BRHn8dfKDopBHrWFP/",
     password},
    {"sha256crypt", "{SHA256-CRYPT}$5$saltsaltsalt$YBNrjCd5w68nUvaq25wKruOUaDKljj3SfxE1zMT2qJ9", password},
    {"bcrypt_2y", "{BLF-CRYPT}$2y$05$abcdefghijklmnopqrstuuBDGJSkhgQxwt0BxInPAjrO10hnTo08m", password},
    {"bcrypt_2b", "{BLF-CRYPT}$2b$04$abcdefghijklmnopqrstuu3hNihNsyfSeqiyBz17fDNcx7TXw99su", password},
    {"pbkdf2", "{PBKDF2}$1$somesalt$5000$1fbb8d4ca00456ade12753175cdd05bb2ac219c5", password},
    {"ssha512", "{SSHA512}K1C784LzDseJkAWwff7r3qF1zywmAmvshylFAUg0XPQliC4rECjzIpN++24BZ2GIYfBUEwpxlNsFbBALxPIjqjEyMzQ1Njc4",
     password},
    {"argon2id", "{ARGON2ID}$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
    {"argon2id_lanes", "{ARGON2ID}$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
     "password"},
};

TEST(ImportedHash, EverySchemeKnowsItsPasswordOnly) {
  for (const auto& [name, text, right] : vectors) {
    const auto hash = check_imported(text);
    ASSERT_TRUE(hash) << name << ": " << hash.error().text;
    EXPECT_TRUE(is_imported(*hash)) << name;
    EXPECT_EQ(*hash, text) << name;
    EXPECT_TRUE(matches_imported(*hash, Secret(right)).value()) << name;
    EXPECT_FALSE(matches_imported(*hash, Secret(std::string(right) + "x")).value()) << name;
    EXPECT_FALSE(matches_imported(*hash, Secret("wrong")).value()) << name;
  }
}

TEST(ImportedHash, CryptStandsForItsKinds) {
  const std::string sha512 = vectors[0].text.substr(std::string("{SHA512-CRYPT}").size());
  EXPECT_EQ(check_imported("{CRYPT}" + sha512).value(), vectors[0].text);
  EXPECT_EQ(check_imported("{crypt}$2y$05$abcdefghijklmnopqrstuuBDGJSkhgQxwt0BxInPAjrO10hnTo08m").value(), vectors[3].text);
  EXPECT_EQ(check_imported("{blf-crypt}$2y$05$abcdefghijklmnopqrstuuBDGJSkhgQxwt0BxInPAjrO10hnTo08m").value(), vectors[3].text);
}

// A hash that names a huge cost would occupy a thread for minutes at every attempt.
TEST(ImportedHash, RefusesCostsThatWouldStopTheServer) {
  const std::string crypt_tail(86, 'a');
  const std::string bcrypt_tail(53, 'a');
  for (const auto& text : {
           "{SHA512-CRYPT}$6$rounds=1000001$salt$" + crypt_tail,
           "{SHA512-CRYPT}$6$rounds=999999999$salt$" + crypt_tail,
           "{SHA256-CRYPT}$5$rounds=999999999$salt$" + crypt_tail.substr(0, 43),
           "{BLF-CRYPT}$2y$15$" + bcrypt_tail,
           "{BLF-CRYPT}$2y$31$" + bcrypt_tail,
           std::string("{PBKDF2}$1$salt$2000001$1fbb8d4ca00456ade12753175cdd05bb2ac219c5"),
           std::string("{ARGON2ID}$argon2id$v=19$m=131073,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
           std::string("{ARGON2ID}$argon2id$v=19$m=65536,t=9,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
           std::string("{ARGON2ID}$argon2id$v=19$m=8,t=4294967295,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
       }) {
    const auto checked = check_imported(text);
    ASSERT_FALSE(checked) << text;
    EXPECT_EQ(checked.error().kind, ErrorKind::limit) << text << ": " << checked.error().text;
  }
}

TEST(ImportedHash, RefusesDamagedText) {
  for (const auto& [name, text, right] : vectors) {
    const auto scheme = text.find('}') + 1;
    // A cut salted hash may be a hash with a shorter salt; all others end where they end.
    const bool open_end = text.starts_with("{SSHA512}") || text.starts_with("{ARGON2ID}");
    for (std::size_t cut = scheme; cut + (open_end ? 24 : 1) < text.size(); ++cut) {
      EXPECT_FALSE(check_imported(text.substr(0, cut))) << name << " " << cut;
    }
    EXPECT_FALSE(check_imported(text + std::string("\0x", 2))) << name;
  }
  for (const auto* bad : {"{SHA512-CRYPT}", "{SHA512-CRYPT}$5$salt$x", "{SHA512-CRYPT}$6$rounds=$salt$x", "{BLF-CRYPT}$2y$0x$",
                          "{PBKDF2}$1$$1$00", "{PBKDF2}$2$salt$1$00", "{SSHA512}!", "{ARGON2ID}$argon2i$v=19$m=8,t=1,p=1$a$b"}) {
    EXPECT_EQ(check_imported(bad).error().kind, ErrorKind::invalid) << bad;
  }
}

TEST(ImportedHash, RefusesOtherSchemesWithTheRemedy) {
  for (const auto* bad :
       {"", "secret", "{PLAIN}secret", "{MD5-CRYPT}$1$x$y", "{CRYPT}$1$x$y", "{CRYPT}x", "{SHA1}x", "{", "{}", "$6$a$b"}) {
    const auto checked = check_imported(bad);
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().kind, ErrorKind::unsupported) << bad;
    EXPECT_NE(checked.error().text.find("{BLF-CRYPT}"), std::string::npos);
    EXPECT_EQ(checked.error().text.find("secret"), std::string::npos) << "nothing of it is repeated";
  }
}

}  // namespace
}  // namespace postern::auth
