// SPDX-License-Identifier: Apache-2.0
// Port 25 carries nothing to others, however the recipient is disguised (security.md D15, product.md promise 2). Each disguise
// is played against a whole session; the table is shared with submission's test by tests/smtp/disguises.h.
#include "tests/smtp/disguises.h"
#include "tests/smtp/house.h"

namespace postern::test {
namespace {

TEST(Relay, EveryDisguiseIsRefusedOnPort25) {
  House house;
  for (const auto& disguise : relay_disguises()) {
    SCOPED_TRACE(disguise);
    play_disguise(house, disguise, {"EHLO client.example", "MAIL FROM:<alice@example.org>"}, {"550 ", "553 ", "501 ", "500 "});
  }
  EXPECT_EQ(house.store().queue().depth(), 0U);
}

TEST(Relay, EveryDisguiseIsRefusedForTheNullSender) {
  House house;
  for (const auto& disguise : relay_disguises()) {
    SCOPED_TRACE(disguise);
    play_disguise(house, disguise, {"EHLO client.example", "MAIL FROM:<>"}, {"550 ", "553 ", "501 ", "500 "});
  }
  EXPECT_EQ(house.store().queue().depth(), 0U);
}

}  // namespace
}  // namespace postern::test
