// SPDX-License-Identifier: Apache-2.0
// Property (RFC 7162): clients that come and go, keep what they know while they are away, and believe only what QRESYNC tells
// them, always agree with the server about which messages there are and what flags they have.
#include "imap/resync.h"

#include <random>

#include "base/cursor.h"
#include "tests/imap/client.h"

namespace postern::test {
namespace {

using Messages = std::map<std::uint32_t, std::string>;  ///< flags by UID

/// "\Recent" belongs to the session, not to the message.
std::string lasting(std::string flags) {
  if (const auto at = flags.find("\\Recent"); at != std::string::npos) flags.erase(at, 7);
  while (flags.ends_with(' ')) flags.pop_back();
  return flags;
}

/// What stands between the two texts; empty when they are not there.
std::string between(std::string_view line, std::string_view before, std::string_view after) {
  const auto from = line.find(before);
  if (from == std::string_view::npos) return {};
  const auto begin = from + before.size();
  return std::string(line.substr(begin, line.find(after, begin) - begin));
}

store::UidSet read_set(std::string_view text) {
  store::UidSet out;
  for (Cursor in(text); !in.at_end(); in.take(',')) {
    const auto lo = static_cast<store::Uid>(in.take_number().value_or(0));
    const auto hi = in.take(':') ? static_cast<store::Uid>(in.take_number().value_or(0)) : lo;
    out.add({lo, hi});
    if (lo == 0) break;
  }
  return out;
}

class Traveller {
 public:
  explicit Traveller(ImapHouse& house) : house_(house) {}

  bool is_there() const { return client_ != nullptr; }
  void leave() { client_.reset(); }

  /// Comes back with one of the forms of the parameter.
  void come(unsigned form) {
    client_ = std::make_unique<ImapClient>(house_);
    client_->command("LOGIN alice secret");
    client_->command("ENABLE QRESYNC");
    std::string parameter;
    if (validity_ != 0) {
      parameter = fmt::format(" (QRESYNC ({} {}", validity_, highest_);
      if (form % 4 >= 1 && fetched_ != 0) parameter += fmt::format(" 1:{}", fetched_);
      if (form % 4 >= 2 && !messages_.empty()) parameter += match_data(form);
      parameter += "))";
    }
    const auto told = run("SELECT INBOX" + parameter);
    validity_ = static_cast<std::uint32_t>(std::stoul(between(told, "UIDVALIDITY ", "]")));
    highest_ = std::stoull(between(told, "HIGHESTMODSEQ ", "]"));
    ask_for_new();  // with known UIDs the server tells of these alone
  }

  /// Runs a command and takes in what is told.
  std::string run(const std::string& command) {
    const auto response = client_->command(command);
    for (Cursor in(response); !in.at_end(); in.take('\n')) take_in(in.take_until('\n'));
    if (response.find(" EXISTS") != std::string::npos && validity_ != 0) ask_for_new();
    return response;
  }

  /// Lets the server tell everything: new messages are asked for, as a client does.
  void catch_up() {
    run("NOOP");
    run(fmt::format("UID FETCH 1:* FLAGS (CHANGEDSINCE {} VANISHED)", highest_));
  }
  const Messages& messages() const { return messages_; }

 private:
  void ask_for_new() {
    run(fmt::format("UID FETCH {}:* FLAGS", fetched_ + 1));
    if (!messages_.empty()) fetched_ = std::max(fetched_, messages_.rbegin()->first);
  }

  void take_in(std::string_view line) {
    if (line.starts_with("* VANISHED ")) {
      const auto gone = read_set(line.substr(line.rfind(' ') + 1));
      std::erase_if(messages_, [&](const auto& message) { return gone.contains(message.first); });
    }
    EXPECT_EQ(line.find(" EXPUNGE"), line.find("* OK") == 0 ? line.find(" EXPUNGE") : std::string_view::npos) << line;
    if (line.find(" FETCH (") != std::string_view::npos && line.find("FLAGS (") != std::string_view::npos) {
      const auto uid = between(line, "UID ", " ");
      ASSERT_FALSE(uid.empty()) << line;
      messages_[static_cast<std::uint32_t>(std::stoul(uid))] = lasting(between(line, "FLAGS (", ")"));
    }
    // The server has told everything up to the mod-sequence that an EXPUNGE ends with.
    if (line.find(" OK [HIGHESTMODSEQ ") != std::string_view::npos) highest_ = std::stoull(between(line, "HIGHESTMODSEQ ", "]"));
  }

  /// Numbers and UIDs as this client believes them: some from the lower half.
  std::string match_data(unsigned form) const {
    std::string numbers, uids;
    std::size_t number = 0;
    for (const auto& [uid, flags] : messages_) {
      ++number;
      if (number % (1 + form % 3) != 0 || number > messages_.size() / 2 + 1) continue;
      numbers += fmt::format("{}{}", numbers.empty() ? "" : ",", number);
      uids += fmt::format("{}{}", uids.empty() ? "" : ",", uid);
    }
    return numbers.empty() ? "" : fmt::format(" ({} {})", numbers, uids);
  }

  ImapHouse& house_;
  std::unique_ptr<ImapClient> client_;
  Messages messages_;
  std::uint32_t validity_ = 0;
  std::uint32_t fetched_ = 0;  ///< the flags of all messages up to here were asked for
  std::uint64_t highest_ = 1;
};

Messages truth(ImapHouse& house) {
  ImapClient client(house);
  client.command("LOGIN alice secret");
  client.command("EXAMINE INBOX");
  const auto response = client.command("UID FETCH 1:* FLAGS");
  Messages out;
  for (Cursor in(response); !in.at_end(); in.take('\n')) {
    const auto line = in.take_until('\n');
    const auto uid = between(line, "(UID ", " ");
    if (line.starts_with("* ") && !uid.empty())
      out[static_cast<std::uint32_t>(std::stoul(uid))] = lasting(between(line, "FLAGS (", ")"));
  }
  return out;
}

std::string random_change(std::mt19937& random) {
  static constexpr std::string_view flags[] = {"\\Seen", "\\Flagged", "\\Answered", "$Label", "\\Deleted"};
  const auto uid = 1 + random() % 40;
  switch (random() % 6) {
    case 0: return "EXPUNGE";
    case 1: return fmt::format("UID EXPUNGE {}:{}", uid, uid + 3);
    case 2: return fmt::format("UID MOVE {} Trash", uid);
    case 3: return fmt::format("UID COPY {} INBOX", uid);
    default:
      return fmt::format("UID STORE {}:{} {}FLAGS{} ({})", uid, uid + random() % 3, random() % 3 == 0 ? "-" : "+",
                         random() % 2 == 0 ? ".SILENT" : "", flags[random() % std::size(flags)]);
  }
}

TEST(ImapResync, TravellersAgreeWithTheServer) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    ImapHouse house;
    house.act("mail alice 12");
    std::vector<std::unique_ptr<Traveller>> all;
    for (int i = 0; i < 3; ++i) all.push_back(std::make_unique<Traveller>(house));
    for (int step = 0; step < 120; ++step) {
      auto& one = *all[random() % all.size()];
      if (!one.is_there()) {
        one.come(static_cast<unsigned>(random()));
        one.catch_up();
        ASSERT_EQ(one.messages(), truth(house)) << "after a return, step " << step;
      } else if (random() % 10 == 0) {
        one.leave();
      } else if (random() % 8 == 0) {
        one.catch_up();
        ASSERT_EQ(one.messages(), truth(house)) << "while there, step " << step;
      } else if (random() % 6 == 0) {
        house.act("mail alice 1");
      } else {
        const auto change = random_change(random);
        one.run(change);
        // A client knows what its silent changes do; this one asks.
        if (change.find(".SILENT") != std::string::npos) one.run("UID FETCH 1:* FLAGS");
      }
    }
  }
}

// The parameter alone, without asking for more, is enough.
TEST(ImapResync, OneRoundTrip) {
  for (unsigned form = 0; form < 4; ++form) {
    ImapHouse house;
    house.act("mail alice 10");
    Traveller away(house), busy(house);
    away.come(0);
    away.leave();
    busy.come(0);
    busy.run("UID STORE 2:5 +FLAGS (\\Deleted)");
    busy.run("UID STORE 8 +FLAGS (\\Flagged)");
    busy.run("EXPUNGE");
    away.come(form);
    EXPECT_EQ(away.messages(), truth(house)) << form;
  }
}

TEST(ImapResync, LongVanishedIsSplit) {
  store::UidSet uids;
  for (store::Uid uid = 1; uid < 3'000; uid += 2) uids.add(uid);
  std::string out;
  imap::append_vanished(out, uids, "(EARLIER) ");
  store::UidSet read;
  for (Cursor in(out); !in.at_end(); in.take('\n')) {
    auto line = in.take_until('\n');
    EXPECT_LT(line.size(), 8'000U);
    line.remove_suffix(1);
    const auto part = read_set(line.substr(line.rfind(' ') + 1));
    for (const auto& range : part.ranges()) read.add(range);
  }
  EXPECT_EQ(read, uids);
}

}  // namespace
}  // namespace postern::test
