// SPDX-License-Identifier: Apache-2.0
// Modified UTF-7 by its letter, names, patterns.
#include "imap/mailbox_name.h"

namespace postern::imap {
namespace {

TEST(ImapMailboxName, Utf7BothWays) {
  const std::pair<std::string, std::string> rows[] = {
      {"INBOX", "INBOX"},
      {"a&-b", "a&b"},
      {"Entw&APw-rfe", "Entw\u00fcrfe"},
      {"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e"},
      {"&2D3eAA-", "\U0001F600"},
      {"&AOQ-&-", "\u00e4&"},
  };
  for (const auto& [wire, name] : rows) {
    EXPECT_EQ(decode_utf7(wire).value_or("!"), name) << wire;
    EXPECT_EQ(encode_mailbox_name(name), wire);
  }
}

TEST(ImapMailboxName, Utf7IsStrict) {
  const std::string rows[] = {
      "&",           // shift without end
      "&AOQ",        // the same
      "&AGE-",       // "a" has to be written directly
      "&AOQ-&AOQ-",  // null shift: one run would do
      "&AO-",        // left-over bits
      "&AOR-",       // bits that are not zero
      "&2D0-",       // high surrogate alone
      "&3gA-",       // low surrogate alone
      "&AO/k-",      // / is no digit of modified base64
      "\xc3\xa4",    // eight-bit
      "a\tb",        // control
      std::string("a\0b", 3),
  };
  for (const auto& wire : rows) EXPECT_FALSE(decode_utf7(wire).has_value()) << wire;
}

TEST(ImapMailboxName, Names) {
  EXPECT_EQ(decode_mailbox_name("inbox").value_or("!"), "INBOX");
  EXPECT_EQ(decode_mailbox_name("inBox/x").value_or("!"), "INBOX/x");
  EXPECT_EQ(decode_mailbox_name("Inboxes").value_or("!"), "Inboxes");
  // a + combining diaeresis is ä
  EXPECT_EQ(decode_mailbox_name("a&Awg-").value_or("!"), "\u00e4");
  for (const std::string bad : {"", "/", "a/", "/a", "a//b", "..", "a/../b", "a/.", "&AAA-", "&AAo-"}) {
    EXPECT_FALSE(decode_mailbox_name(bad).has_value()) << bad;
  }
  EXPECT_FALSE(decode_mailbox_name(std::string(1001, 'a')).has_value());
  std::string deep = "a";
  for (int i = 0; i < 10'000; ++i) deep += "/a";
  EXPECT_FALSE(decode_mailbox_name(deep).has_value());
  EXPECT_FALSE(decode_new_mailbox("a*").has_value());
  EXPECT_FALSE(decode_new_mailbox("a%b").has_value());
}

TEST(ImapMailboxName, Patterns) {
  struct Row {
    std::string reference, pattern, name;
    bool matches;
  };
  const Row rows[] = {
      {"", "*", "a/b/c", true},         {"", "%", "a", true},         {"", "%", "a/b", false},      {"", "a/%", "a/b", true},
      {"", "a/%", "a/b/c", false},      {"", "a*", "a", true},        {"", "a*c", "a/b/c", true},   {"", "%/c", "a/b/c", false},
      {"", "%/%/c", "a/b/c", true},     {"", "inbox", "INBOX", true}, {"", "INB*", "INBOX", true},  {"a/", "%", "a/b", true},
      {"a/", "*", "b", false},          {"", "a", "A", false},        {"", "*%*%*x", "abcx", true}, {"", "", "a", false},
      {"", "&AOQ-*", "\u00e4/b", true}, {"", "%b", "ab", true},       {"", "*b", "a", false},
  };
  for (const auto& row : rows) {
    const auto pattern = ListPattern::make(row.reference, row.pattern);
    ASSERT_TRUE(pattern.has_value()) << row.pattern;
    EXPECT_EQ(pattern->matches(row.name), row.matches) << row.reference << row.pattern << " " << row.name;
  }
}

TEST(ImapMailboxName, HostilePatternIsLinear) {
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "*a";
  const auto made = ListPattern::make("", pattern);
  ASSERT_TRUE(made.has_value());
  EXPECT_FALSE(made->matches(std::string(999, 'a') + "b"));
  EXPECT_FALSE(ListPattern::make("", std::string(1001, 'a')).has_value());
}

}  // namespace
}  // namespace postern::imap
