// SPDX-License-Identifier: Apache-2.0
// The threading algorithms of RFC 5256 on their own.
#include "imap/threads.h"

#include <random>
#include <set>

#include "imap/base_subject.h"

namespace postern::imap {
namespace {

struct Mail {
  std::string id;
  std::string references;  ///< as in the field
  std::string subject;
  UnixTime sent = 0;
};

std::string show(const ThreadTree& tree) {
  std::string out;
  for (const auto root : tree.roots) tree.append(out, root);
  return out;
}

template <class Threads>
std::string threads_of(const std::vector<Mail>& mails) {
  Threads threads;
  std::uint32_t number = 0;
  for (const auto& mail : mails) {
    auto base = base_subject(mail.subject);
    threads.add({.number = ++number,
                 .sent = mail.sent != 0 ? mail.sent : number,
                 .subject = base.text,
                 .is_reply = base.is_reply,
                 .id = mail.id,
                 .references = message_ids(mail.references)});
  }
  return show(threads.finish());
}
const auto by_references = threads_of<ReferenceThreads>;
const auto by_subject = threads_of<SubjectThreads>;

TEST(ImapThreads, MessageIds) {
  using Ids = std::vector<std::string>;
  EXPECT_EQ(message_ids("<a@x> <b@y>"), (Ids{"a@x", "b@y"}));
  EXPECT_EQ(message_ids("<a@x>junk<b@y>,(c) <d@z>"), (Ids{"a@x", "b@y", "d@z"}));
  EXPECT_EQ(message_ids("<\"a\"@x>"), (Ids{"a@x"}));
  EXPECT_EQ(message_ids("<\"a>b\"@x>"), (Ids{"a>b@x"}));
  EXPECT_EQ(message_ids("no id, <none>, <@x>, <a@>, <<a@x>, <"), (Ids{"a@x"}));
  EXPECT_EQ(message_ids(""), Ids());
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += fmt::format("<{}@x> ", i);
  const auto last = message_ids(many);
  ASSERT_EQ(last.size(), 1'000U);
  EXPECT_EQ(last.back(), "4999@x");
}

TEST(ImapThreads, References) {
  EXPECT_EQ(by_references({}), "");
  EXPECT_EQ(by_references({{"1@x", "", "a"}}), "(1)");
  EXPECT_EQ(by_references({{"1@x", "", "a"}, {"2@x", "<1@x>", "b"}, {"3@x", "<1@x> <2@x>", "c"}}), "(1 2 3)");
  EXPECT_EQ(by_references({{"1@x", "", "a"}, {"2@x", "<1@x>", "b"}, {"3@x", "<1@x>", "c"}}), "(1 (2)(3))");
  // The reply came first.
  EXPECT_EQ(by_references({{"2@x", "<1@x>", "Re: a", 9}, {"1@x", "", "a", 3}}), "(2 1)");
  // A message nobody has: two children keep their place below it, one takes its place.
  EXPECT_EQ(by_references({{"1@x", "<0@x>", "Re: a"}, {"2@x", "<0@x>", "Re: a"}}), "((1)(2))");
  EXPECT_EQ(by_references({{"1@x", "<00@x> <0@x>", "Re: a"}, {"2@x", "<1@x>", "Re: a"}}), "(1 2)");
  // A missing message in the middle.
  EXPECT_EQ(by_references({{"1@x", "", "a"}, {"3@x", "<1@x> <2@x>", "Re: a"}}), "(1 2)");
  // RFC 5256 §4: the example of the response
  EXPECT_EQ(by_references({{"2@x", "", "x"},
                           {"3@x", "", "y"},
                           {"6@x", "<3@x>", "y"},
                           {"4@x", "<6@x>", "y"},
                           {"23@x", "<4@x>", "y"},
                           {"44@x", "<6@x>", "y"},
                           {"7@x", "<44@x>", "y"},
                           {"96@x", "<7@x>", "y"}}),
            "(1)(2 3 (4 5)(6 7 8))");
}

TEST(ImapThreads, OddReferences) {
  // Loops are not closed.
  EXPECT_EQ(by_references({{"1@x", "<1@x>", "a"}}), "(1)");
  EXPECT_EQ(by_references({{"1@x", "<2@x>", "a"}, {"2@x", "<1@x>", "b"}}), "(2 1)");
  EXPECT_EQ(by_references({{"1@x", "<2@x> <3@x>", "a"}, {"2@x", "<3@x>", "b"}, {"3@x", "<2@x>", "c"}}), "(2 3 1)");
  // The same id twice: the second message is another one.
  EXPECT_EQ(by_references({{"1@x", "", "a"}, {"1@x", "", "b"}, {"2@x", "<1@x>", "c"}}), "(1 3)(2)");
  // What a message says of its own parent overrules what others said of it.
  EXPECT_EQ(by_references({{"1@x", "", "a"}, {"2@x", "", "b"}, {"4@x", "<1@x> <3@x>", "c"}, {"3@x", "<2@x>", "d"}}),
            "(1)(2 4 3)");
}

TEST(ImapThreads, EqualSubjectsMeet) {
  // Step 5: a reply goes below the message that is none.
  EXPECT_EQ(by_references({{"1@x", "", "a"}, {"2@x", "", "Re: a"}}), "(1 2)");
  EXPECT_EQ(by_references({{"2@x", "", "Re: a", 1}, {"1@x", "", "a", 2}}), "(2 1)");
  // Two that are no replies, or two replies, become siblings.
  EXPECT_EQ(by_references({{"1@x", "", "a"}, {"2@x", "", "a"}}), "((1)(2))");
  EXPECT_EQ(by_references({{"1@x", "", "Re: a"}, {"2@x", "", "Re: a"}, {"3@x", "", "Re: a"}}), "((1)(2)(3))");
  // Into a missing parent's thread.
  EXPECT_EQ(by_references({{"1@x", "<0@x>", "Re: a"}, {"2@x", "<0@x>", "Re: a"}, {"3@x", "", "a"}}), "((1)(2)(3))");
  EXPECT_EQ(
      by_references({{"1@x", "<0@x>", "Re: a"}, {"2@x", "<0@x>", "Re: a"}, {"3@x", "<9@x>", "Re: a"}, {"4@x", "<9@x>", "a"}}),
      "((1)(2)(3)(4))");
  // Without a subject nothing is put together.
  EXPECT_EQ(by_references({{"1@x", "", ""}, {"2@x", "", "Re:"}}), "(1)(2)");
}

TEST(ImapThreads, OrderedSubject) {
  EXPECT_EQ(by_subject({}), "");
  EXPECT_EQ(by_subject({{"", "", "b", 5}, {"", "", "a", 3}, {"", "", "Re: b", 6}, {"", "", "Re: b", 4}}), "(2)(4 (1)(3))");
  EXPECT_EQ(by_subject({{"", "", "a", 5}, {"", "", "a", 5}}), "(1 2)");
}

// Property: whatever the references say, every message is told exactly once.
TEST(ImapThreads, EveryMessageOnce) {
  std::mt19937 random(5256);
  for (int round = 0; round < 300; ++round) {
    std::vector<Mail> mails(1 + random() % 30);
    for (auto& mail : mails) {
      mail.id = random() % 8 == 0 ? "" : fmt::format("{}@x", random() % 20);
      for (auto n = random() % 5; n > 0; --n) mail.references += fmt::format("<{}@x> ", random() % 25);
      mail.subject = fmt::format("{}{}", random() % 2 == 0 ? "Re: " : "", random() % 6);
      mail.sent = static_cast<UnixTime>(1 + random() % 10);
    }
    const auto text = by_references(mails);
    std::multiset<std::uint32_t> numbers;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find_first_not_of("0123456789", at);
      if (end != at) numbers.insert(static_cast<std::uint32_t>(std::stoul(text.substr(at, end - at))));
      at = end == at ? at + 1 : end;
    }
    EXPECT_EQ(numbers.size(), mails.size()) << text;
    for (std::uint32_t i = 1; i <= mails.size(); ++i) EXPECT_EQ(numbers.count(i), 1U) << text;
    EXPECT_EQ(std::ranges::count(text, '('), std::ranges::count(text, ')'));
  }
}

// security.md D89: a chain of 50,000 messages costs neither stack nor square time.
TEST(ImapThreads, LongChainsAreLinear) {
  constexpr std::uint32_t count = 50'000;
  for (const bool backwards : {false, true}) {
    ReferenceThreads threads;
    for (std::uint32_t i = 1; i <= count; ++i) {
      const auto own = backwards ? count - i : i, above = backwards ? own - 1 : i - 1;
      threads.add(
          {.number = i, .sent = i, .subject = "S", .id = fmt::format("{}@x", own), .references = {fmt::format("{}@x", above)}});
    }
    EXPECT_LT(threads.steps(), 10 * count);
    const auto text = show(threads.finish());
    EXPECT_EQ(std::ranges::count(text, ' '), count - 1);
  }
}

}  // namespace
}  // namespace postern::imap
