// SPDX-License-Identifier: Apache-2.0
// Property: two clients that change one mailbox at random and believe only what they are told always agree with the server
// about which message has which number.
#include <random>

#include "base/cursor.h"
#include "tests/imap/client.h"

namespace postern::test {
namespace {

/// A client that keeps its own picture from untagged responses.
class Believer {
 public:
  Believer(ImapHouse& house, std::string name) : client_(house), name_(std::move(name)) {
    client_.command("LOGIN alice secret");
    client_.command("SELECT INBOX");
    learn();
  }

  /// Runs a command and takes in what is told. Gives the response.
  std::string run(const std::string& command) {
    const auto response = client_.command(command);
    for (Cursor in(response); !in.at_end(); in.take_until('\n'), in.take('\n')) {
      if (!in.take("* ")) continue;
      const auto number = in.take_number();
      if (!number) continue;
      if (in.take(" EXPUNGE")) forget(*number, command);
      if (in.take(" EXISTS")) grow(*number, command);
    }
    return response;
  }

  /// Asks for the UIDs of all messages: they must be those of the picture; unknown ones are learned.
  void check() {
    if (uids_.empty()) return;
    const auto asked = uids_.size();  // the reply may announce more
    const auto response = run("FETCH 1:" + std::to_string(asked) + " UID");
    for (std::size_t i = 0; i < asked; ++i) {
      const auto mark = fmt::format("* {} FETCH (UID ", i + 1);
      const auto at = response.find(mark);
      ASSERT_NE(at, std::string::npos) << name_ << " lacks " << i + 1 << " in " << response;
      const auto uid = std::stoul(response.substr(at + mark.size()));
      if (uids_[i] == 0) uids_[i] = uid;
      ASSERT_EQ(uids_[i], uid) << name_ << " number " << i + 1;
    }
  }

  std::size_t size() const { return uids_.size(); }

 private:
  void learn() {
    const auto response = client_.command("UID FETCH 1:* FLAGS");
    std::size_t count = 0;
    for (auto at = response.find(" FETCH ("); at != std::string::npos; at = response.find(" FETCH (", at + 1)) ++count;
    uids_.assign(count, 0);
    check();
  }
  void forget(std::uint64_t number, const std::string& command) {
    ASSERT_LE(number, uids_.size()) << name_ << " " << command;
    ASSERT_FALSE(command.starts_with("FETCH") || command.starts_with("STORE") || command.starts_with("SEARCH")) << command;
    uids_.erase(uids_.begin() + static_cast<std::ptrdiff_t>(number - 1));
  }
  void grow(std::uint64_t size, const std::string& command) {
    ASSERT_GE(size, uids_.size()) << name_ << " " << command;
    uids_.resize(size, 0);
  }

  ImapClient client_;
  std::string name_;
  std::vector<std::uint64_t> uids_;  ///< by number; 0 when not asked yet
};

TEST(ImapView, NumbersAgreeUnderRandomChanges) {
  for (const unsigned seed : {1U, 2U, 3U, 4U}) {
    ImapHouse house;
    house.act("mail alice 10");
    Believer clients[] = {{house, "first"}, {house, "second"}};
    std::mt19937 random(seed);
    for (int step = 0; step < 150; ++step) {
      auto& client = clients[random() % 2];
      const auto pick = [&] { return std::to_string(random() % std::max<std::size_t>(client.size(), 1) + 1); };
      switch (random() % 9) {
        case 0: house.act("mail alice 2"); break;
        case 1: client.run("STORE " + pick() + " +FLAGS.SILENT (\\Deleted)"); break;
        case 2: client.run("EXPUNGE"); break;
        case 3: client.run("NOOP"); break;
        case 4: client.run("STORE " + pick() + " FLAGS (\\Flagged)"); break;
        case 5: client.run("SEARCH ALL"); break;
        case 6: client.run("MOVE " + pick() + " Trash"); break;
        case 7: client.run("UID STORE 1:* +FLAGS (\\Seen)"); break;
        default: client.check();
      }
      if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << " step " << step;
    }
    for (auto& client : clients) {
      client.run("NOOP");
      client.check();
    }
    EXPECT_EQ(clients[0].size(), clients[1].size());
  }
}

TEST(ImapView, TenThousandFlagsComeWhole) {
  ImapHouse house;
  house.act("mail alice 10000");
  ImapClient client(house);
  client.command("LOGIN alice secret");
  client.command("SELECT INBOX");
  const auto response = client.command("FETCH 1:* (UID FLAGS)");
  EXPECT_NE(response.find("* 10000 FETCH (UID 10000 FLAGS ("), std::string::npos);
  EXPECT_EQ(std::ranges::count(response, '\n'), 10'001);
  const auto sizes = client.command("FETCH 1:* (RFC822.SIZE)");
  EXPECT_EQ(std::ranges::count(sizes, '\n'), 10'001);
}

}  // namespace
}  // namespace postern::test
