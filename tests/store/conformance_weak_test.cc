// SPDX-License-Identifier: Apache-2.0
// Flags of weak passwords, on both stores: they go with their credential.
#include "store/credentials.h"
#include "tests/store/conformance.h"

namespace postern::store::test {

namespace {

class WeakTest : public Conformance {
 protected:
  Credentials& credentials() { return store_->credentials(); }
  CredentialId password(AccountId account) { return must(credentials().set_password({.account = account, .sealed = "s"})); }
  std::vector<WeakRow> weak() { return must(credentials().weak()); }
};

TEST_P(WeakTest, AFlagIsKeptWithItsFirstTime) {
  const auto two = password(2);
  const auto one = password(1);
  must(credentials().flag_weak({2, two, "too_short", 100}));
  must(credentials().flag_weak({1, one, "common", 200}));
  must(credentials().flag_weak({2, two, "breached", 300}));
  EXPECT_EQ(weak(), (std::vector<WeakRow>{{1, one, "common", 200}, {2, two, "breached", 100}}));
  must(credentials().clear_weak(one));
  must(credentials().clear_weak(999));
  EXPECT_EQ(weak(), (std::vector<WeakRow>{{2, two, "breached", 100}}));
}

TEST_P(WeakTest, AFlagGoesWithItsCredential) {
  auto id = password(1);
  must(credentials().flag_weak({1, id, "common", 100}));
  const auto next = password(1);
  EXPECT_TRUE(weak().empty());
  must(credentials().flag_weak({1, id, "common", 150}));
  EXPECT_TRUE(weak().empty()) << "late news of a password that is gone";
  must(credentials().flag_weak({2, next, "common", 150}));
  EXPECT_TRUE(weak().empty()) << "somebody else's";
  must(credentials().flag_weak({1, next, "common", 200}));
  EXPECT_EQ(weak(), (std::vector<WeakRow>{{1, next, "common", 200}}));
  must(credentials().remove(1, next));
  EXPECT_TRUE(weak().empty());
  id = password(1);
  must(credentials().flag_weak({1, id, "common", 300}));
  must(credentials().remove_all(1));
  EXPECT_TRUE(weak().empty());
}

POSTERN_CONFORMANCE(WeakTest);

}  // namespace

}  // namespace postern::store::test
