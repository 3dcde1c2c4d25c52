// SPDX-License-Identifier: Apache-2.0
// How long a session waits, and how long it lets wait. Only what it lasts at least is looked at: a busy machine takes longer.
#include <fstream>

#include "tests/smtp/house.h"

namespace postern::test {
namespace {

using std::chrono::milliseconds;

class Patience : public testing::Test {
 protected:
  /// Plays a dialogue; how long it took.
  milliseconds play(std::string_view text) {
    const auto file = folder_ / "dialogue.txt";
    std::ofstream(file) << text;
    const auto began = std::chrono::steady_clock::now();
    House house;
    run_dialogue(file, house);
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
  }
  Folder folder_;
};

// security.md §1.6: unknown recipients cost more from the third on, five steps at most.
TEST_F(Patience, UnknownRecipientsBecomeSlow) {
  const auto lasted = play(R"(do limit tarpit_ms 20
s~ 220 *
c: EHLO client.example
s> 250 LIMITS*
c: MAIL FROM:<eve@elsewhere.example>
s~ 250 *
repeat 9
c: RCPT TO:<guess@example.org>
s~ 550 5.1.1 *
end
)");
  EXPECT_GE(lasted, milliseconds(20) * (1 + 2 + 3 + 4 + 5 + 5 + 5));
}

// The limit for the first recipient ends with it.
TEST_F(Patience, WhoHasNamedARecipientMayTakeHisTime) {
  const auto lasted = play(R"(do limit first_recipient 1
do limit timeout 2
s~ 220 *
c: EHLO client.example
s> 250 LIMITS*
c: MAIL FROM:<eve@elsewhere.example>
s~ 250 *
c: RCPT TO:<alice@example.org>
s~ 250 *
s~ 421 4.4.2 *
closed
)");
  EXPECT_GE(lasted, milliseconds(2000));
}

}  // namespace
}  // namespace postern::test
