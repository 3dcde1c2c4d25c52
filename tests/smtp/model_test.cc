// SPDX-License-Identifier: Apache-2.0
// Random orders of commands against a model of the state (security.md D6): after every refusal, RSET, EHLO, and end of a message
// nothing of a transaction may be left. Seeds are fixed; a failure names the seed.
#include <fstream>
#include <random>

#include "tests/smtp/house.h"

namespace postern::test {
namespace {

/// What the session's state should be, and the code that each command should get.
struct Model {
  bool greeted = false;
  bool mail = false;
  bool tried = false;
  int recipients = 0;
  bool chunking = false;
  int delivered = 0;

  void reset() { mail = tried = chunking = false, recipients = 0; }

  int hello() { return greeted = true, reset(), 250; }
  int rset() { return reset(), 250; }
  int begin() {
    if (!greeted || mail) return 503;
    return mail = true, 250;
  }
  int rcpt(bool good) {
    if (!greeted || !mail) return 503;
    tried = true;
    if (chunking) return 503;
    if (!good) return 550;
    return ++recipients, 250;
  }
  int data(bool good) {
    if (!greeted || !mail || chunking) return 503;
    if (recipients == 0) return tried ? 554 : 503;
    reset();
    if (good) ++delivered;
    return good ? 250 : 550;
  }
  int bdat(bool last) {
    if (!greeted || !mail) return 503;
    if (recipients == 0) return 554;
    chunking = true;
    if (last) reset(), ++delivered;
    return 250;
  }
};

class Script {
 public:
  explicit Script(unsigned seed) : random_(seed) { out_ << "s~ 220 *\n"; }

  void command() {
    switch (random_() % 12) {
      case 0: return say("EHLO client.example", "s> " + code(model_.hello()) + " LIMITS*");
      case 1: return say("HELO client.example", "s~ " + code(model_.hello()) + " *");
      case 2: return say("RSET", expect(model_.rset()));
      case 3:
      case 4: return say("MAIL FROM:<eve@elsewhere.example>", expect(model_.begin()));
      case 5:
      case 6: return say("RCPT TO:<alice@example.org>", expect(model_.rcpt(true)));
      case 7: return unknown();
      case 8: return data(true);
      case 9: return data(false);
      case 10: return chunk("");
      default: return chunk(" LAST");
    }
  }
  std::string finish() {
    out_ << ".verify\nmessages alice@example.org " << model_.delivered << '\n';
    return out_.str();
  }

 private:
  static std::string code(int number) { return std::to_string(number); }
  static std::string expect(int number) { return "s~ " + code(number) + " *"; }
  void say(const std::string& line, const std::string& answer) { out_ << "c: " << line << '\n' << answer << '\n'; }
  void unknown() {
    if (++unknown_ > 8) return;  // the tenth would end the session
    say("RCPT TO:<nobody@example.org>", expect(model_.rcpt(false)));
  }
  void data(bool good) {
    const bool open = model_.greeted && model_.mail && !model_.chunking && model_.recipients > 0;
    const int answer = model_.data(good);
    if (!open) return say("DATA", expect(answer));
    say("DATA", "s~ 354 *");
    out_ << "c: From: a@elsewhere.example\n"
         << (good ? "" : "c: From: b@elsewhere.example\n") << "c:\nc: .\n"
         << expect(answer) << '\n';
  }
  void chunk(const std::string& last) {
    out_ << "c\\: \"BDAT 6" << last << "\\r\\nA: b\\r\\n\"\n" << expect(model_.bdat(!last.empty())) << '\n';
  }

  std::mt19937 random_;
  std::ostringstream out_;
  Model model_;
  int unknown_ = 0;
};

TEST(Model, RandomCommandOrdersLeaveNothingBehind) {
  const Folder folder;
  for (unsigned seed = 1; seed <= 150; ++seed) {
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
