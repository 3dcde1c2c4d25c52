// SPDX-License-Identifier: Apache-2.0
// FETCH of more than one window of octets: the next window is read while one is written, and every message is told whole, in
// order, also those that another session has expunged.
#include "imap/read_ahead.h"

#include "tests/imap/client.h"

namespace postern::test {
namespace {

std::string message(int number) {
  std::string out = fmt::format("Subject: {}\r\n\r\n", number);
  while (out.size() < 70'000U + static_cast<std::size_t>(number) * 100) out += fmt::format("line of message {}\r\n", number);
  return out;
}

TEST(ImapReadAhead, WindowsFollowEachOther) {
  constexpr int count = 40;
  ImapHouse house;
  for (int i = 1; i <= count; ++i) house.deliver("alice", message(i));
  ImapClient client(house), other(house);
  for (auto* one : {&client, &other}) {
    one->command("LOGIN alice secret");
    one->command("SELECT INBOX");
  }
  other.command("STORE 3,17:19,40 +FLAGS.SILENT (\\Deleted)");
  other.command("EXPUNGE");
  const auto response = client.command("FETCH 1:* (BODY.PEEK[])");
  std::size_t at = 0;
  for (int i = 1; i <= count; ++i) {
    const auto whole = ImapHouse::prefix() + message(i);
    const auto start = fmt::format("* {} FETCH (BODY[] {{{}}}\r\n", i, whole.size());
    ASSERT_EQ(response.substr(at, start.size()), start);
    ASSERT_TRUE(response.compare(at + start.size(), whole.size(), whole) == 0) << i;
    at += start.size() + whole.size() + std::string_view(")\r\n").size();
  }
}

TEST(ImapReadAhead, ReadsOnBehindTheWindow) {
  ImapHouse house;
  for (int i = 1; i <= 40; ++i) house.deliver("alice", message(i));
  const auto session = house.store().session(identity(house.account("alice"), "alice@example.org"));
  const auto mailbox = house.run(session->status("INBOX"))->id;
  imap::ReadAhead texts(*session, mailbox, 256 * 1024, imap::ReadAhead::Use::all);
  texts.begin(store::UidSet{{1, 40}});
  const auto finish = [&](async::Task<> task) {
    house.run([](async::Task<> inner) -> async::Task<bool> {
      co_await std::move(inner);
      co_return true;
    }(std::move(task)));
  };
  int loads = 0;
  for (store::Uid uid = 1; uid <= 40; ++uid) {
    if (!texts.knows(uid)) {
      finish(texts.load(uid));
      finish(texts.read_on());
      ++loads;
    }
    const auto* text = texts.get(uid);
    ASSERT_NE(text, nullptr) << uid;
    EXPECT_NE(text->octets.find(fmt::format("Subject: {}\r\n", uid)), std::string::npos);
  }
  EXPECT_GT(loads, 2);
}

}  // namespace
}  // namespace postern::test
