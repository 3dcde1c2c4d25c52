// SPDX-License-Identifier: Apache-2.0
#include "store/mailbox_name.h"

#include <gtest/gtest.h>

namespace postern::store {

// security.md D90
TEST(MailboxName, AcceptsAndRefuses) {
  const struct {
    std::string name;
    std::string canonical;  ///< empty: refused
  } cases[] = {
      {"inbox", "INBOX"},
      {"InBox/work", "INBOX/work"},
      {"inboxes", "inboxes"},
      {"work/inbox", "work/inbox"},
      {"Entwürfe", "Entwürfe"},
      {"a b & c", "a b & c"},
      {"", ""},
      {"/", ""},
      {"/a", ""},
      {"a/", ""},
      {"a//b", ""},
      {"..", ""},
      {"a/../b", ""},
      {"a/.", ""},
      {std::string("a\0b", 3), ""},
      {"a\r\nb", ""},
      {"a\x7f", ""},
      {"a\xff", ""},
      {"\xc0\xaf", ""},
      {"1/2/3/4/5/6/7/8/9/10", "1/2/3/4/5/6/7/8/9/10"},
  };
  for (const auto& [name, canonical] : cases) {
    const auto result = canonical_mailbox(name);
    EXPECT_EQ(result.value_or(""), canonical) << name;
    if (!result) EXPECT_EQ(result.error().kind, ErrorKind::invalid) << name;
  }
}

TEST(MailboxName, HasLimits) {
  EXPECT_EQ(canonical_mailbox("1/2/3/4/5/6/7/8/9/10/11").error().kind, ErrorKind::limit);
  EXPECT_TRUE(canonical_mailbox(std::string(1000, 'a')));
  EXPECT_EQ(canonical_mailbox(std::string(1001, 'a')).error().kind, ErrorKind::limit);
  std::string deep = "a";
  for (int i = 0; i < 10'000; ++i) deep += "/a";
  EXPECT_EQ(canonical_mailbox(deep).error().kind, ErrorKind::limit);
}

TEST(MailboxName, KnowsItsFamily) {
  EXPECT_EQ(mailbox_parents("a/b/c"), (std::vector<std::string>{"a", "a/b"}));
  EXPECT_TRUE(mailbox_parents("a").empty());
  EXPECT_TRUE(is_below("a/b", "a"));
  EXPECT_FALSE(is_below("ab", "a"));
  EXPECT_FALSE(is_below("a", "a"));
  EXPECT_TRUE(mailbox_before("INBOX", "Archive"));
}

}  // namespace postern::store
