// SPDX-License-Identifier: Apache-2.0
// Stress against a model: several clients of one mailbox, each with extensions of its own, do random things in turn. What each
// client is told is checked line by line against its own picture, and each picture against a model that knows no server: which
// messages there are, in which order, with which flags, which of them a conditional STORE must refuse, and what belongs to
// results that are kept up to date. A seed that fails is named and can be run again.
#include <random>
#include <set>

#include "base/cursor.h"
#include "tests/imap/client.h"

namespace postern::test {
namespace {

using Uid = std::uint32_t;
using Flags = std::set<std::string>;

/// The mailbox as it must be.
struct Model {
  struct Message {
    Flags flags;
    std::string subject;
    unsigned changed = 0;  ///< the step that made it or changed its flags last
  };
  std::map<Uid, Message> messages;
  Uid next = 1;
  unsigned step = 0;
  std::string story;  ///< what was said, for whoever reads a failure

  void add(Flags flags, std::string subject) { messages[next++] = {std::move(flags), std::move(subject), step}; }
  void change(Uid uid, char how, const std::string& flag) {
    const auto found = messages.find(uid);
    if (found == messages.end()) return;
    auto flags = how == '=' ? Flags() : found->second.flags;
    if (how == '-') {
      flags.erase(flag);
    } else {
      flags.insert(flag);
    }
    if (flags != found->second.flags) found->second.changed = step;
    found->second.flags = std::move(flags);
  }
};

std::string between(std::string_view line, std::string_view before, std::string_view after) {
  const auto from = line.find(before);
  if (from == std::string_view::npos) return {};
  const auto begin = from + before.size();
  return std::string(line.substr(begin, line.find(after, begin) - begin));
}

std::vector<Uid> read_numbers(std::string_view text) {
  std::vector<Uid> out;
  for (Cursor in(text); !in.at_end(); in.take(',')) {
    const auto lo = static_cast<Uid>(in.take_number().value_or(0));
    const auto hi = in.take(':') ? static_cast<Uid>(in.take_number().value_or(0)) : lo;
    for (auto n = lo; n <= hi && n != 0; ++n) out.push_back(n);
    if (lo == 0) break;
  }
  return out;
}

Flags read_flags(std::string_view text) {
  Flags out;
  for (Cursor in(text); !in.at_end(); in.take(' ')) {
    if (const auto flag = in.take_until(' '); flag != "\\Recent") out.emplace(flag);
  }
  return out;
}

enum class Kind : std::uint8_t { plain, condstore, qresync, notify, contexts };

/// One client: a picture of the mailbox that follows untagged responses and nothing else.
class Reader {
 public:
  Reader(ImapHouse& house, Model& model, Kind kind) : house_(house), model_(model), kind_(kind) { come(); }

  Kind kind() const { return kind_; }
  std::string name() const {
    return std::array{"plain", "condstore", "qresync", "notify", "contexts"}[static_cast<std::size_t>(kind_)];
  }
  bool knows_modseq() const { return kind_ == Kind::condstore || kind_ == Kind::qresync; }
  const std::vector<Uid> uids() const {
    std::vector<Uid> out;
    for (const auto& one : picture_) out.push_back(one.uid);
    return out;
  }
  unsigned synced() const { return synced_; }
  std::uint64_t highest() const { return highest_; }

  /// A new connection. With QRESYNC the picture is kept and only what changed is believed; else all is asked for anew.
  void come() {
    client_ = std::make_unique<ImapClient>(house_);
    client_->command("LOGIN alice secret");
    std::string parameter;
    if (kind_ == Kind::condstore) client_->command("ENABLE CONDSTORE");
    if (kind_ == Kind::qresync) client_->command("ENABLE QRESYNC");
    if (kind_ == Kind::qresync && highest_ != 0) {
      parameter = fmt::format(" (QRESYNC ({} {}))", validity_, highest_);
    } else {
      picture_.clear();
    }
    sorted_.clear();
    found_.clear();
    const auto told = client_->command("SELECT INBOX" + parameter);
    validity_ = std::stoul(between(told, "UIDVALIDITY ", "]"));
    // Numbers mean nothing until the new ones are known: what was kept, without what vanished, then what is new.
    selecting_ = true;
    take(told, "SELECT");
    selecting_ = false;
    run("UID FETCH 1:* (FLAGS)");
    if (kind_ == Kind::notify) run("NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange))");
    if (kind_ == Kind::contexts) {
      found_tag_ = open_context("UID SEARCH RETURN (UPDATE ALL) UNDELETED FLAGGED", found_);
      sorted_tag_ = open_context("UID SORT RETURN (UPDATE ALL) (SUBJECT REVERSE ARRIVAL) UTF-8 UNSEEN", sorted_);
    }
    check();
  }

  std::string run(const std::string& command) {
    take(client_->unasked(), "");
    const auto response = client_->command(command);
    model_.story += fmt::format("{}: {}\n{}", name(), command, response);
    take(response, command);
    return response;
  }

  /// Of messages that EXISTS alone has told of: those that NOTIFY does not tell, because the client brought them itself.
  void ask_for_new() {
    const auto first = std::ranges::find(picture_, 0U, &Entry::uid);
    if (first == picture_.end()) return;
    run(fmt::format("UID FETCH {}:* (FLAGS)", first == picture_.begin() ? 1 : std::prev(first)->uid + 1));
  }

  void append(const Flags& flags, const std::string& subject) {
    std::string list;
    for (const auto& flag : flags) list += (list.empty() ? "" : " ") + flag;
    const auto text = "Subject: " + subject + "\r\n\r\nx\r\n";
    run(fmt::format("APPEND INBOX ({}) {{{}+}}\r\n{}", list, text.size(), text));
    ask_for_new();
  }

  /// What the client did silently it knows by itself.
  void believe(const std::vector<Uid>& uids, char how, const std::string& flag) {
    for (auto& one : picture_) {
      if (std::ranges::find(uids, one.uid) == uids.end()) continue;
      if (how == '=') one.flags.clear();
      if (how == '-') one.flags.erase(flag);
      if (how != '-') one.flags.insert(flag);
    }
  }

  /// Lets the server tell everything; then the picture is the model.
  void check() {
    if (kind_ == Kind::notify) {
      wait_for_news();
    } else {
      run("NOOP");
    }
    if (kind_ != Kind::notify) ask_for_new();
    ASSERT_EQ(uids(), model_uids());
    for (const auto& one : picture_) ASSERT_EQ(one.flags, model_.messages.at(one.uid).flags) << "flags of UID " << one.uid;
    if (knows_modseq()) check_modseq();
    if (kind_ == Kind::contexts) check_contexts();
    synced_ = model_.step;
  }

  void check_search() {
    check();
    const auto response = run("SEARCH FLAGGED UNDELETED");
    std::vector<Uid> expected;
    for (std::size_t i = 0; i < picture_.size(); ++i) {
      const auto& flags = model_.messages.at(picture_[i].uid).flags;
      if (flags.contains("\\Flagged") && !flags.contains("\\Deleted")) expected.push_back(static_cast<Uid>(i + 1));
    }
    auto numbers = between(response, "* SEARCH", "\r\n");
    std::ranges::replace(numbers, ' ', ',');
    ASSERT_EQ(read_numbers(numbers.empty() ? numbers : numbers.substr(1)), expected) << response;
  }

 private:
  struct Entry {
    Uid uid = 0;  ///< 0: told by EXISTS alone
    Flags flags;
    std::uint64_t modseq = 0;
  };

  std::vector<Uid> model_uids() const {
    std::vector<Uid> out;
    for (const auto& [uid, message] : model_.messages) out.push_back(uid);
    return out;
  }
  /// News come by themselves; how soon depends on the machine.
  void wait_for_news() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    const auto agrees = [&] {
      return uids() == model_uids() &&
             std::ranges::all_of(picture_, [&](const auto& one) { return one.flags == model_.messages.at(one.uid).flags; });
    };
    while (!agrees() && std::chrono::steady_clock::now() < end && !testing::Test::HasFailure()) take(client_->unasked(), "");
  }

  std::string open_context(const std::string& command, std::vector<Uid>& members) {
    const auto response = run(command);
    members = read_numbers(between(response, " ALL ", "\r\n"));
    return between(response, "(TAG \"", "\"");
  }

  void check_modseq() {
    const auto response = run("FETCH 1:* (UID MODSEQ)");
    for (const auto& one : picture_) highest_ = std::max(highest_, one.modseq);
    for (const auto& one : picture_) ASSERT_NE(one.modseq, 0U) << response;
  }

  void check_contexts() {
    std::vector<Uid> found;
    std::vector<std::pair<std::string, Uid>> order;
    for (const auto& [uid, message] : model_.messages) {
      if (message.flags.contains("\\Flagged") && !message.flags.contains("\\Deleted")) found.push_back(uid);
      if (!message.flags.contains("\\Seen")) order.emplace_back(message.subject, uid);
    }
    std::ranges::sort(order);
    std::vector<Uid> sorted;
    for (const auto& [subject, uid] : order) sorted.push_back(uid);
    ASSERT_EQ(found_, found) << "the result of SEARCH";
    if (sorted_ == sorted) return;
    std::string subjects;
    for (const auto& [subject, uid] : order) subjects += fmt::format(" {}:{}", uid, subject);
    ASSERT_EQ(sorted_, sorted) << "the result of SORT;" << subjects << "\n"
                               << run("UID SORT (SUBJECT REVERSE ARRIVAL) UTF-8 UNSEEN");
  }

  // ---- what the server says

  void take(const std::string& text, const std::string& command) {
    for (Cursor in(text); !in.at_end(); in.take('\n')) {
      auto line = std::string(in.take_until('\n'));
      if (line.ends_with('\r')) line.pop_back();
      take_line(line, command);
      ASSERT_FALSE(testing::Test::HasFatalFailure()) << "in: " << line << "\nafter: " << command;
    }
  }

  void take_line(const std::string& line, const std::string& command) {
    if (line.starts_with("* VANISHED ")) return take_vanished(line);
    if (line.starts_with("* ESEARCH (TAG \"")) return take_update(line);
    const auto number = line.starts_with("* ") ? std::strtoul(line.c_str() + 2, nullptr, 10) : 0;
    if (line.ends_with(" EXISTS")) return take_exists(number);
    if (line.ends_with(" EXPUNGE")) return take_expunge(number, command);
    if (line.find(" FETCH (") != std::string::npos && number != 0) return take_fetch(line, number, command);
    if (selecting_ || !knows_modseq()) return;
    if (const auto told = between(line, "HIGHESTMODSEQ ", "]"); !told.empty()) ASSERT_GE(std::stoull(told), highest_);
  }

  void take_exists(std::size_t number) {
    if (selecting_) {
      // What vanished is told behind it; numbers become right with the FETCH of all.
      exists_ = number;
      return;
    }
    ASSERT_GE(number, picture_.size()) << "only EXPUNGE makes it less";
    picture_.resize(number);
  }

  // RFC 3501 §7.4.1: never in answer to FETCH, STORE or SEARCH
  void take_expunge(std::size_t number, const std::string& command) {
    ASSERT_NE(kind_, Kind::qresync) << "VANISHED was asked for";
    ASSERT_FALSE(command.starts_with("FETCH") || command.starts_with("STORE") || command.starts_with("SEARCH")) << command;
    ASSERT_LE(number, picture_.size());
    const auto gone = picture_[number - 1].uid;
    ASSERT_TRUE(gone == 0 || !model_.messages.contains(gone)) << "UID " << gone << " is still there";
    picture_.erase(picture_.begin() + static_cast<std::ptrdiff_t>(number - 1));
  }

  void take_vanished(const std::string& line) {
    ASSERT_EQ(kind_, Kind::qresync);
    for (const auto uid : read_numbers(line.substr(line.rfind(' ') + 1))) {
      ASSERT_FALSE(model_.messages.contains(uid)) << "UID " << uid << " is still there";
      // One that EXISTS alone has told of stands where its UID belongs.
      auto at = std::ranges::find(picture_, uid, &Entry::uid);
      if (at == picture_.end()) {
        at = std::ranges::find_if(picture_, [uid](const auto& one) { return one.uid > uid; });
        while (at != picture_.begin() && std::prev(at)->uid == 0) --at;
        if (at != picture_.end() && at->uid != 0) at = picture_.end();
      }
      if (at != picture_.end()) picture_.erase(at);
    }
  }

  void take_fetch(const std::string& line, std::size_t number, const std::string& command) {
    const auto uid = static_cast<Uid>(std::strtoul(between(line, "UID ", " ").c_str(), nullptr, 10));
    ASSERT_TRUE(uid != 0 || kind_ != Kind::qresync) << "RFC 7162 §3.2.4";
    if (picture_.size() < exists_) picture_.resize(exists_);
    exists_ = 0;
    ASSERT_TRUE(number >= 1 && number <= picture_.size()) << "there are " << picture_.size();
    auto& one = picture_[number - 1];
    ASSERT_TRUE(uid == 0 || one.uid == 0 || one.uid == uid) << "number " << number << " was UID " << one.uid;
    if (uid != 0) one.uid = uid;
    if (line.find("FLAGS (") != std::string::npos) {
      one.flags = read_flags(between(line, "FLAGS (", ")"));
      const bool asked = command.find("FETCH") != std::string::npos;
      ASSERT_TRUE(asked || !knows_modseq() || line.find("MODSEQ (") != std::string::npos) << "RFC 7162 §3.2";
    }
    if (const auto modseq = between(line, "MODSEQ (", ")"); !modseq.empty()) {
      ASSERT_GE(std::stoull(modseq), one.modseq) << "it never goes back";
      one.modseq = std::stoull(modseq);
    }
  }

  /// "* ESEARCH (TAG "t7") UID ADDTO (3 17 4 18)"
  void take_update(const std::string& line) {
    const auto tag = between(line, "(TAG \"", "\"");
    const bool adds = line.find(" ADDTO (") != std::string::npos;
    if (!adds && line.find(" REMOVEFROM (") == std::string::npos) return;
    ASSERT_TRUE(tag == found_tag_ || tag == sorted_tag_);
    auto& members = tag == found_tag_ ? found_ : sorted_;
    const auto pairs = between(line, adds ? " ADDTO (" : " REMOVEFROM (", ")");
    for (Cursor in(pairs); !in.at_end(); in.take(' ')) {
      auto position = in.take_number().value_or(0);
      in.take(' ');
      for (const auto uid : read_numbers(in.take_until(' '))) {
        ASSERT_EQ(std::ranges::count(members, uid), adds ? 0 : 1) << "UID " << uid;
        if (position == 0 && adds) {
          members.insert(std::ranges::lower_bound(members, uid), uid);
        } else if (position == 0) {
          std::erase(members, uid);
        } else if (adds) {
          ASSERT_LE(position, members.size() + 1);
          members.insert(members.begin() + static_cast<std::ptrdiff_t>(position++ - 1), uid);
        } else {
          ASSERT_EQ(members.at(position - 1), uid) << "at position " << position;
          members.erase(members.begin() + static_cast<std::ptrdiff_t>(position - 1));
        }
      }
    }
  }

  ImapHouse& house_;
  Model& model_;
  const Kind kind_;
  std::unique_ptr<ImapClient> client_;
  std::vector<Entry> picture_;
  std::string found_tag_, sorted_tag_;
  std::vector<Uid> found_, sorted_;
  std::size_t exists_ = 0;
  std::uint64_t highest_ = 0;  ///< of all that was told until the last check
  std::uint64_t validity_ = 0;
  unsigned synced_ = 0;  ///< the model's step at the last check
  bool selecting_ = false;
};

std::string set_of(const std::vector<Uid>& uids) {
  std::string out;
  for (const auto uid : uids) out += (out.empty() ? "" : ",") + std::to_string(uid);
  return out;
}

/// Random deeds of random clients.
class Riot {
 public:
  Riot(HouseStore store, unsigned seed) : house_(store), random_(seed) {
    for (int i = 0; i < 6; ++i) deliver();
    for (const auto kind : {Kind::plain, Kind::condstore, Kind::qresync, Kind::notify, Kind::contexts, Kind::plain}) {
      readers_.push_back(std::make_unique<Reader>(house_, model_, kind));
    }
  }

  void run(unsigned steps) {
    for (unsigned i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      ++model_.step;
      SCOPED_TRACE(fmt::format("step {}", i));
      deed(*readers_[below(readers_.size())]);
    }
    const auto told = std::min<std::size_t>(model_.story.size(), 6'000);
    ASSERT_FALSE(testing::Test::HasFailure()) << "after:\n" << model_.story.substr(model_.story.size() - told);
    for (const auto& reader : readers_) {
      if (!testing::Test::HasFailure()) reader->check_search();
    }
  }

 private:
  void deed(Reader& one) {
    switch (below(16)) {
      case 0:
      case 1: return deliver();
      case 2: return append(one);
      case 3:
      case 4:
      case 5: return store(one);
      case 6: return store_by_number(one);
      case 7: return store_unchanged(one);
      case 8: return expunge(one);
      case 9: return copy(one);
      case 10: return move(one);
      case 11: return one.check_search();
      case 12: return one.come();
      default: return one.check();
    }
  }

  std::size_t below(std::size_t n) { return random_() % n; }
  std::string subject() { return fmt::format("s{:02}", below(30)); }
  std::string flag() {
    static constexpr std::string_view all[] = {"\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "$Label"};
    return std::string(all[below(std::size(all))]);
  }
  /// Up to three that the client knows.
  std::vector<Uid> some(const Reader& one) {
    auto uids = one.uids();
    std::erase(uids, 0U);
    std::ranges::shuffle(uids, random_);
    uids.resize(std::min<std::size_t>(uids.size(), 1 + below(3)));
    std::ranges::sort(uids);
    return uids;
  }

  void deliver() {
    const auto text = subject();
    ASSERT_EQ(house_.deliver("alice", "Subject: " + text + "\r\n\r\nx\r\n"), "");
    model_.add({}, text);
  }
  void append(Reader& one) {
    const Flags flags = below(2) == 0 ? Flags() : Flags{flag()};
    const auto text = subject();
    model_.add(flags, text);
    one.append(flags, text);
  }

  void store(Reader& one) {
    const auto uids = some(one);
    if (uids.empty()) return;
    const auto word = flag();
    const char how = "+-="[below(3)];
    const bool silent = below(2) == 0;
    for (const auto uid : uids) model_.change(uid, how, word);
    const auto sign = how == '=' ? std::string() : std::string(1, how);
    one.run(fmt::format("UID STORE {} {}FLAGS{} ({})", set_of(uids), sign, silent ? ".SILENT" : "", word));
    if (silent) one.believe(uids, how, word);
  }

  void store_by_number(Reader& one) {
    // RFC 5465 §5.3: who hears of EXPUNGE at any time cannot use numbers.
    const auto uids = one.kind() == Kind::notify ? std::vector<Uid>() : one.uids();
    if (uids.empty()) return;
    const auto at = below(uids.size());
    if (uids[at] == 0) return;
    const auto word = flag();
    model_.change(uids[at], '+', word);
    one.run(fmt::format("STORE {} +FLAGS ({})", at + 1, word));
  }

  // RFC 7162 §3.1.3
  void store_unchanged(Reader& one) {
    if (!one.knows_modseq() || one.highest() == 0) return;
    const auto uids = some(one);
    if (uids.empty()) return;
    const auto word = flag();
    std::vector<Uid> refused;
    for (const auto uid : uids) {
      const auto found = model_.messages.find(uid);
      if (found == model_.messages.end()) continue;
      if (found->second.changed > one.synced()) {
        refused.push_back(uid);
      } else {
        model_.change(uid, '+', word);
      }
    }
    const auto response = one.run(fmt::format("UID STORE {} (UNCHANGEDSINCE {}) +FLAGS ({})", set_of(uids), one.highest(), word));
    ASSERT_EQ(read_numbers(between(response, "[MODIFIED ", "]")), refused) << response;
  }

  void expunge(Reader& one) {
    const auto uids = below(2) == 0 ? std::vector<Uid>() : some(one);
    std::erase_if(model_.messages, [&](const auto& message) {
      const bool named = uids.empty() || std::ranges::find(uids, message.first) != uids.end();
      // EXPUNGE takes what the client can see; what came since is not in its picture.
      return named && message.second.flags.contains("\\Deleted");
    });
    one.run(uids.empty() ? "EXPUNGE" : "UID EXPUNGE " + set_of(uids));
  }

  void copy(Reader& one) {
    if (model_.messages.size() > 60) return;
    const auto uids = some(one);
    if (uids.empty()) return;
    std::vector<Model::Message> copies;
    for (const auto uid : uids) {
      if (const auto found = model_.messages.find(uid); found != model_.messages.end()) copies.push_back(found->second);
    }
    for (const auto& message : copies) model_.add(message.flags, message.subject);
    one.run(fmt::format("UID COPY {} INBOX", set_of(uids)));
    one.ask_for_new();
  }

  void move(Reader& one) {
    const auto uids = some(one);
    if (uids.empty()) return;
    for (const auto uid : uids) model_.messages.erase(uid);
    one.run(fmt::format("UID MOVE {} Trash", set_of(uids)));
  }

  ImapHouse house_;
  Model model_;
  std::mt19937 random_;
  std::vector<std::unique_ptr<Reader>> readers_;
};

/// More of them, or a certain one: POSTERN_SEED=17.
void riot(HouseStore store, unsigned first, unsigned last, unsigned steps) {
  const char* given = std::getenv("POSTERN_SEED");
  if (given != nullptr) first = last = static_cast<unsigned>(std::strtoul(given, nullptr, 10));
  for (unsigned seed = first; seed <= last && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Riot(store, seed).run(steps);
  }
}

TEST(ImapStress, ClientsAgreeWithTheModel) { riot(HouseStore::memory, 1, 12, 250); }
TEST(ImapStress, ClientsAgreeWithTheModelOnTheRealStore) { riot(HouseStore::sqlite, 101, 103, 200); }

}  // namespace
}  // namespace postern::test
