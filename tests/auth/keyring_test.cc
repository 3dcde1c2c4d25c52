// SPDX-License-Identifier: Apache-2.0
#include "auth/keyring.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

struct KeyringTest : ::testing::Test {
  test::Folder folder;
  std::filesystem::path path = folder.path() / "auth.key";
};

TEST_F(KeyringTest, IsMadeOnceAndPrivate) {
  ASSERT_TRUE(Keyring::create(path));
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(Keyring::create(path).error().kind, ErrorKind::exists);
  EXPECT_TRUE(Keyring::open(path));
}

TEST_F(KeyringTest, RefusesAKeyThatOthersMayRead) {
  ASSERT_TRUE(Keyring::create(path));
  for (const mode_t mode : {0640U, 0604U, 0666U}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_EQ(Keyring::open(path).error().kind, ErrorKind::denied) << mode;
  }
}

TEST_F(KeyringTest, RefusesAKeyOfAnotherSize) {
  for (const std::size_t size : {0U, 31U, 33U, 100U}) {
    std::ofstream(path, std::ios::trunc) << std::string(size, 'k');
    ::chmod(path.c_str(), 0600);
    EXPECT_FALSE(Keyring::open(path)) << size;
  }
  EXPECT_EQ(Keyring::open(folder.path() / "none").error().kind, ErrorKind::not_found);
}

TEST_F(KeyringTest, OpensWhatItSealed) {
  const auto made = Keyring::create(path).value();
  const auto sealed = made.seal(7, "secret");
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_NE(sealed, made.seal(7, "secret")) << "nonces are fresh";
  EXPECT_EQ(Keyring::open(path).value().unseal(7, sealed).value().reveal(), "secret");
}

TEST_F(KeyringTest, RowsCannotBeSwappedOrChanged) {
  const auto keys = Keyring::create(path).value();
  const auto sealed = keys.seal(7, "secret");
  EXPECT_EQ(keys.unseal(8, sealed).error().kind, ErrorKind::corrupt);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(keys.unseal(7, changed)) << i;
    EXPECT_FALSE(keys.unseal(7, sealed.substr(0, i))) << i;
  }
  const auto other = Keyring::create(folder.path() / "other.key").value();
  EXPECT_FALSE(other.unseal(7, sealed));
}

TEST_F(KeyringTest, FakeVerifiersLastAndDiffer) {
  const auto keys = Keyring::create(path).value();
  const auto one = keys.fake_scram("nobody@example.org", 64);
  EXPECT_EQ(one, Keyring::open(path).value().fake_scram("nobody@example.org", 64));
  EXPECT_NE(one.salt, keys.fake_scram("nobody2@example.org", 64).salt);
  EXPECT_EQ(one.salt.size(), 16U);
  EXPECT_TRUE(ScramKeys::parse(one.auth_password()));
}

}  // namespace
}  // namespace postern::auth
