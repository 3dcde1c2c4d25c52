// SPDX-License-Identifier: Apache-2.0
// search_text() on every store: what is in a message is found at once, what is not there is not, and bounds hold.
#include "mime/charset.h"
#include "store/text_search.h"
#include "tests/store/conformance.h"
#include "tests/store/random_mail.h"

namespace postern::store::test {
namespace {

class SearchConformance : public Conformance {
 protected:
  /// The UIDs that have the needle, as text.
  std::string hits(const TextNeedle& needle, const UidSet& uids = {{1, 1'000}}) {
    const auto found = must(search_text(alice(), {inbox(), uids}, {.needles = {needle}}));
    UidSet out;
    for (std::size_t row = 0; row < found.size(); ++row) {
      if (found.get(row, 0)) out.add(found.uid(row));
    }
    return out.to_string();
  }
  std::string text(const std::string& needle) { return hits({TextScope::text, {}, mime::casemap(needle)}); }
  std::string body(const std::string& needle) { return hits({TextScope::body, {}, mime::casemap(needle)}); }
  std::string header(const std::string& field, const std::string& needle) {
    return hits({TextScope::header, field, mime::casemap(needle)});
  }
  void append(const std::string& message) { must(alice().append(inbox(), {searchable(message)})); }
};

TEST_P(SearchConformance, FindsTextWhereItStands) {
  append("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nX-Tag: one\r\n\r\nA sprocket, and more.\r\n");
  append("Subject: plain\r\nTo: \"A B\" <ab@x.example>\r\nContent-Type: text/html\r\n\r\n<p>sp<b>rock</b>et</p>");
  append("Subject: last sprocket\r\n\r\nnothing\r\n");
  EXPECT_EQ(text("rocket"), "1:3");
  EXPECT_EQ(body("ROCKET"), "1:2");
  EXPECT_EQ(header("subject", "gr\xC3\xBC"), "1");
  EXPECT_EQ(header("SUBJECT", ""), "1:3");
  EXPECT_EQ(header("x-tag", ""), "1");
  EXPECT_EQ(header("to", "ab@X"), "2");
  EXPECT_EQ(header("to", "one"), "");
  EXPECT_EQ(text("x-tag: one"), "1");
  EXPECT_EQ(text(""), "1:3");
  EXPECT_EQ(text("absent"), "");
  EXPECT_EQ(hits({TextScope::text, {}, "SPROCKET"}, {{2, 2}}), "2");
  EXPECT_EQ(hits({TextScope::text, {}, "SPROCKET"}, {}), "");
}

TEST_P(SearchConformance, PrefixIsHeader) {
  Delivery delivery{.account = alice_, .prefix = "Return-Path: <envelope@sender.example>\r\nDelivered-To: alice\r\n"};
  auto one = acceptance("Subject: s\r\n\r\nbody\r\n", {delivery});
  must(store_->accept(std::move(one)));
  EXPECT_EQ(header("return-path", "sender.example"), "1");
  EXPECT_EQ(text("delivered-to: alice"), "1");
  EXPECT_EQ(body("delivered"), "");
  EXPECT_EQ(header("subject", "s"), "1");
}

TEST_P(SearchConformance, SeesWhatIsThereNow) {
  append("Subject: a\r\n\r\nunique token\r\n");
  EXPECT_EQ(text("unique token"), "1");
  must(alice().copy(inbox(), {{1, 1}}, mailbox("Archive"), CopyMode::copy));
  append("Subject: a\r\n\r\nunique token too\r\n");
  EXPECT_EQ(text("unique token"), "1:2");
  must(alice().expunge(inbox(), {{1, 1}}, ExpungeMode::any));
  EXPECT_EQ(text("unique token"), "2");
  const auto archive = must(search_text(alice(), {mailbox("Archive"), {{1, 9}}}, {.needles = {{TextScope::text, {}, "UNIQUE"}}}));
  ASSERT_EQ(archive.size(), 1U);
  EXPECT_TRUE(archive.get(0, 0));
}

TEST_P(SearchConformance, OnlyOnesOwnMailboxes) {
  auto bob = session_of(bob_);
  EXPECT_EQ(error_of(search_text(*bob, {inbox(), {{1, 10}}}, {.needles = {{TextScope::text, {}, "A"}}})), ErrorKind::not_found);
}

TEST_P(SearchConformance, Bounds) {
  append("Subject: a\r\n\r\n" + std::string(100'000, 'x') + "\r\n");
  TextQuery many{.needles = std::vector<TextNeedle>(max_text_needles + 1, {TextScope::text, {}, "A"})};
  EXPECT_EQ(error_of(search_text(alice(), {inbox(), {{1, 1}}}, many)), ErrorKind::limit);
  TextQuery small{.needles = {{TextScope::text, {}, "ABSENT"}}, .work = 1'000};
  EXPECT_EQ(error_of(search_text(alice(), {inbox(), {{1, 1}}}, small)), ErrorKind::limit);
  // UIDs that do not exist cost needles times messages all the same.
  TextQuery wide{.needles = std::vector<TextNeedle>(100, {TextScope::text, {}, "A"})};
  EXPECT_EQ(error_of(search_text(alice(), {inbox(), UidSet::all()}, wide)), ErrorKind::limit);
}

TEST_P(SearchConformance, GivenUp) {
  for (int i = 0; i < 40; ++i) append("Subject: a\r\n\r\n" + std::string(50'000, 'x') + "\r\n");
  int asked = 0;
  TextQuery query{.needles = {{TextScope::body, {}, "ABSENT"}}, .gone = [&asked] { return ++asked > 1; }};
  EXPECT_EQ(error_of(search_text(alice(), {inbox(), {{1, 40}}}, query)), ErrorKind::closed);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(body("xx"), "1:40");  // the next one is not in its way
}

TEST_P(SearchConformance, MessagesWithoutMetadata) {
  must(alice().append(inbox(), {message("Subject: old\r\n\r\nno parts are known\r\n")}));
  EXPECT_EQ(body("no parts"), "1");
  EXPECT_EQ(header("subject", "old"), "1");
}

POSTERN_CONFORMANCE(SearchConformance);

}  // namespace
}  // namespace postern::store::test
