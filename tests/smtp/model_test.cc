// SPDX-License-Identifier: Apache-2.0
// Random orders of commands against a model of the state (security.md D6): after every refusal, RSET, EHLO, STARTTLS and end of a
// message nothing of a transaction may be left: no sender, no recipient, no octet of content. Seeds are fixed; a failure names
// the seed.
#include <fstream>
#include <random>

#include "tests/smtp/house.h"

namespace postern::test {
namespace {

/// What the session's state should be, and the code that each command should get.
struct Model {
  bool greeted = false;
  bool tls = false;
  bool mail = false;
  bool good_sender = true;  ///< the rules let it pass
  bool tried = false;
  bool alice = false, bob = false;
  bool chunking = false;
  int for_alice = 0, for_bob = 0;  ///< delivered

  bool recipients() const { return alice || bob; }
  void reset() { mail = tried = chunking = alice = bob = false; }
  void deliver() { for_alice += alice ? 1 : 0, for_bob += bob ? 1 : 0; }

  int hello() { return greeted = true, reset(), 250; }
  int rset() { return reset(), 250; }
  int start_tls() {
    if (!greeted || tls) return 503;
    return tls = true, greeted = false, reset(), 220;
  }
  int begin(bool from_good_sender) {
    if (!greeted || mail) return 503;
    good_sender = from_good_sender;
    return mail = true, 250;
  }
  /// A MAIL that is refused leaves no transaction.
  int begin_refused(int refusal) const { return !greeted || mail ? 503 : refusal; }
  int rcpt(bool Model::* whom) {
    if (!greeted || !mail) return 503;
    tried = true;
    if (chunking) return 503;
    if (whom == nullptr || !good_sender) return 550;
    return this->*whom = true, 250;
  }
  int data(bool good) {
    if (!greeted || !mail || chunking) return 503;
    if (!recipients()) return tried ? 554 : 503;
    if (good) deliver();
    reset();
    return good ? 250 : 550;
  }
  int bdat(bool last, bool good) {
    if (!greeted || !mail) return 503;
    if (!recipients()) return 554;
    chunking = true;
    if (!good) return reset(), 500;
    if (last) deliver(), reset();
    return 250;
  }
};

class Script {
 public:
  explicit Script(unsigned seed) : random_(seed) { out_ << "do dns null.example. MX 0 .\ns~ 220 *\n"; }

  void command() {
    switch (random_() % 20) {
      case 0: return say("EHLO client.example", "s> " + code(model_.hello()) + " LIMITS*");
      case 1: return say("HELO client.example", expect(model_.hello()));
      case 2: return say("RSET", expect(model_.rset()));
      case 3:
      case 4:
      case 5: return say("MAIL FROM:<eve@elsewhere.example>", expect(model_.begin(true)));
      case 6: return say("MAIL FROM:<eve@null.example>", expect(model_.begin(false)));
      case 7: return say("MAIL FROM:<eve@elsewhere.example> NONSENSE=1", expect(model_.begin_refused(555)));
      case 8: return say("MAIL FROM:<eve@@elsewhere.example>", expect(model_.begin_refused(553)));
      case 9:
      case 10: return say("RCPT TO:<alice@example.org>", expect(model_.rcpt(&Model::alice)));
      case 11:
      case 12: return say("RCPT TO:<bob@example.org>", expect(model_.rcpt(&Model::bob)));
      case 13: return unknown();
      case 14: return data(true);
      case 15: return data(false);
      case 16: return chunk("", true);
      case 17: return chunk(" LAST", true);
      case 18: return chunk("", false);
      default: return random_() % 4 == 0 ? start_tls() : say("TURN", expect(502));
    }
  }
  std::string finish() {
    out_ << ".verify\nmessages alice@example.org " << model_.for_alice << "\nmessages bob@example.org " << model_.for_bob << '\n';
    return out_.str();
  }

 private:
  static std::string code(int number) { return std::to_string(number); }
  static std::string expect(int number) { return "s~ " + code(number) + " *"; }
  void say(const std::string& line, const std::string& answer) { out_ << "c: " << line << '\n' << answer << '\n'; }
  void unknown() {
    if (++unknown_ > 8) return;  // the tenth would end the session
    say("RCPT TO:<nobody@example.org>", expect(model_.rcpt(nullptr)));
  }
  void start_tls() {
    const int answer = model_.start_tls();
    say("STARTTLS", expect(answer));
    if (answer == 220) out_ << "tls\n";
  }
  void data(bool good) {
    const bool open = model_.greeted && model_.mail && !model_.chunking && model_.recipients();
    const int answer = model_.data(good);
    if (!open) return say("DATA", expect(answer));
    say("DATA", "s~ 354 *");
    out_ << "c: From: a@elsewhere.example\n"
         << (good ? "" : "c: From: b@elsewhere.example\n") << "c:\nc: .\n"
         << expect(answer) << '\n';
  }
  /// A bad chunk has a line that is too long: it ends the transaction at once (RFC 3030 §2).
  void chunk(const std::string& last, bool good) {
    if (good) {
      out_ << "c\\: \"BDAT 6" << last << "\\r\\nA: b\\r\\n\"\n";
    } else {
      out_ << "c\\: \"BDAT 9006" << last << "\\r\\nA: b\\r\\n\\(9000:x)\"\n";
    }
    out_ << expect(model_.bdat(!last.empty(), good)) << '\n';
  }

  std::mt19937 random_;
  std::ostringstream out_;
  Model model_;
  int unknown_ = 0;
};

TEST(Model, RandomCommandOrdersLeaveNothingBehind) {
  const Folder folder;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    House house;
    ASSERT_EQ(house.act("limit errors 100000"), "");
    Script script(seed);
    for (int i = 0; i < 60; ++i) script.command();
    const auto file = folder / "script.txt";
    std::ofstream(file) << script.finish();
    run_dialogue(file, house);
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace postern::test
