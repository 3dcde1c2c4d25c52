// SPDX-License-Identifier: Apache-2.0
#include "submission/identity.h"

#include <gtest/gtest.h>

#include "mime/odd_names.h"

namespace postern::submission {
namespace {

bool is_alices(const mail::Address& address) { return address.lookup_key().starts_with("alice"); }

TEST(Identity, EveryClaimMustBeTrue) {
  const struct {
    const char* header;
    const char* refused;  ///< the beginning of the text; empty: all is well
  } cases[] = {
      {"From: alice@example.org\r\n\r\n", ""},
      {"from: Alice <ALICE@example.org>\r\n\r\n", ""},
      {"From: alice@example.org, Alice <alice+x@example.net>\r\n\r\n", ""},
      {"From: alice@example.org, bob@example.org\r\n\r\n", "From <bob@example.org> is not"},
      {"From: =?utf-8?q?alice=40example.org?= <bob@example.org>\r\n\r\n", "From <bob@example.org> is not"},
      {"From: people: alice@example.org, bob@example.org;\r\n\r\n", "From <bob@example.org> is not"},
      {"From: people:;\r\n\r\n", "From has no address"},
      {"From: alice\r\n\r\n", "From has "},
      {"From: \r\n\r\n", "From has no address"},
      {"Subject: x\r\n\r\n", "The message has no From field"},
      {"From: alice@example.org\r\nSender: boss@example.org\r\n\r\n", "Sender <boss@example.org> is not"},
      {"From: alice@example.org\r\nSender: alice@example.org\r\n\r\n", ""},
      {"From: alice@example.org\r\nResent-From: alice@a, bob@b.example\r\n\r\n", "Resent-From <bob@b.example> is not"},
      {"From: alice@example.org\r\nResent-Sender: bob@b.example\r\n\r\n", "Resent-Sender <bob@b.example> is not"},
      {"From: alice@example.org\r\nResent-From: alice@a\r\nResent-From: eve@b\r\n\r\n", "Resent-From <eve@b> is not"},
      {"From: alice@example.org\r\nFrom: bob@example.org\r\n\r\n", "From <bob@example.org> is not"},
      {"From: alice@example.org\r\nReply-To: anybody@example.com\r\n\r\n", ""},
      {"From: j\xc3\xb6rg@example.org\r\n\r\n", "From <j\\xC3\\xB6rg@example.org> is not"},
  };
  for (const auto& c : cases) {
    const auto text = identity_refusal(c.header, Claims::every, is_alices).value_or("");
    EXPECT_TRUE(text.starts_with(c.refused) && text.empty() == (*c.refused == '\0')) << c.header << text;
    EXPECT_EQ(text.find_first_of("\r\n"), std::string::npos);
  }
  EXPECT_FALSE(identity_refusal("From: alice@a\r\nSender: bob@b\r\n\r\n", Claims::author, is_alices));
}

TEST(Identity, OddNamesAreFound) {
  using Found = std::vector<std::string>;
  EXPECT_EQ(mime::odd_names("From: Alice <alice@example.org>\r\nSubject: p\u0430ypal\r\n\r\n"), Found{});
  EXPECT_EQ(mime::odd_names("From: =?utf-8?B?cNCweXBhbA==?= <x@example.org>\r\n\r\n"),
            Found{"From: the name mixes Latin and Cyrillic in one word"});
  EXPECT_EQ(mime::odd_names("From: x@xn--pypal-4ve.example\r\n\r\n"),
            Found{"From: the address x@xn--pypal-4ve.example mixes Latin and Cyrillic in one word"});
}

}  // namespace
}  // namespace postern::submission
