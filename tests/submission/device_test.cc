// SPDX-License-Identifier: Apache-2.0
// The device listener: what is listed passes without a login, and nothing else does.
#include "submission/device.h"

#include "tests/smtp/disguises.h"
#include "tests/submission/house.h"

namespace postern::test {
namespace {

using submission::DeviceRates;

config::DevicePattern pattern(std::string_view text) { return config::DevicePattern::parse(text).value(); }

class DeviceTest : public testing::Test {
 protected:
  DeviceTest() {
    house_.default_service("device");
    house_.set_device([](auto& device) { device.networks = {*config::Network::parse("192.0.2.0/25")}; });
  }
  /// Plays lines of a dialogue after the greeting.
  void play(const std::string& lines, const std::string& words = "device ip=192.0.2.1") {
    const Folder folder;
    const auto file = folder / "talk.txt";
    std::ofstream(file) << "open c " << words << "\ns~ 220 *\nc: EHLO printer\ns> 250 LIMITS*\n" << lines;
    run_dialogue(file, house_);
  }
  static std::string rcpt(const std::string& from, const std::string& to, const std::string& mail, const std::string& rcpt) {
    return "c: MAIL FROM:" + from + "\ns~ " + mail + "*\nc: RCPT TO:<" + to + ">\ns~ " + rcpt + "*\nc: RSET\ns~ 250*\n";
  }
  static std::string message(const std::string& from = "scanner@example.org") {
    return "c: MAIL FROM:<" + from + ">\ns~ 250*\nc: RCPT TO:<alice@example.org>\ns~ 250*\nc: DATA\ns~ 354*\nc: From: " + from +
           "\nc:\nc: page 1\nc: .\n";
  }
  SubmissionHouse house_;
};

TEST_F(DeviceTest, WithoutListsOurDomainsAlone) {
  play(rcpt("<scanner@example.org>", "alice@example.org", "250", "250"));
  play(rcpt("<scanner@example.org>", "x@elsewhere.example", "250", "550 5.7.1"));
  play(rcpt("<scanner@elsewhere.example>", "alice@example.org", "550 5.7.1", "503"));
  play(rcpt("<>", "alice@example.org", "550 5.7.1", "503"));
  play(message() + "s~ 250*\n");
  play("c: AUTH PLAIN =\ns~ 502*\n");
}

TEST_F(DeviceTest, TheListsDecide) {
  house_.set_device([](auto& device) {
    device.senders = {pattern("Scanner@example.org"), pattern("@devices.example")};
    device.recipients = {pattern("@elsewhere.example"), pattern("alice@example.org")};
  });
  play(rcpt("<scanner@example.org>", "x@elsewhere.example", "250", "250"));
  play(rcpt("<printer@devices.example>", "alice@example.org", "250", "250"));
  play(rcpt("<scanner@example.org>", "bob@example.org", "250", "550 5.7.1"));
  play(rcpt("<scanner@example.org>", "x@sub.elsewhere.example", "250", "550 5.7.1"));
  play(rcpt("<alice@example.org>", "alice@example.org", "550 5.7.1", "503"));
  play(
      "c: MAIL FROM:<scanner@example.org>\ns~ 250*\nc: RCPT TO:<alice@example.org>\ns~ 250*\nc: DATA\ns~ 354*\n"
      "c: From: boss@example.org\nc:\nc: .\ns~ 550 5.7.1*\n");
  house_.set_device([](auto& device) { device.recipients = {pattern("*")}; });
  play(rcpt("<scanner@example.org>", "anybody@nowhere.example", "250", "250"));
}

TEST_F(DeviceTest, StrangersGetNothing) {
  house_.set_device([](auto& device) { device.senders = device.recipients = {pattern("*")}; });
  play(rcpt("<scanner@example.org>", "alice@example.org", "550 5.7.1", "503"), "device ip=192.0.2.200");
}

TEST_F(DeviceTest, NoDisguiseRelaysWithoutAList) {
  for (const auto& disguise : relay_disguises()) {
    SCOPED_TRACE(disguise);
    play_disguise(house_, disguise, {"EHLO client.example", "MAIL FROM:<alice@example.org>"}, {"5"},
                  "open c device ip=192.0.2.1\n");
  }
  EXPECT_EQ(house_.store().queue().depth(), 0U);
}

TEST_F(DeviceTest, LimitsOfItsOwn) {
  house_.set_device([](auto& device) {
    device.message_bytes = 1024;
    device.recipients_max = 1;
    device.messages_per_hour = 2;
  });
  play("c: MAIL FROM:<scanner@example.org> SIZE=2000\ns~ 552*\n");
  play(
      "c: MAIL FROM:<scanner@example.org>\ns~ 250*\nc: RCPT TO:<alice@example.org>\ns~ 250*\nc: RCPT TO:<bob@example.org>\ns~ "
      "452*\n");
  play(message() + "s~ 250*\n" + message() + "s~ 250*\nc: MAIL FROM:<scanner@example.org>\ns~ 451 4.7.1*\n");
  play(message() + "s~ 250*\n", "device ip=192.0.2.2");
  house_.clock().advance(std::chrono::minutes(70));
  play(message() + "s~ 250*\n");
}

TEST(DeviceRatesTest, SlideOverHourAndDay) {
  FakeClock clock;
  DeviceRates rates(clock);
  const DeviceRates::Limits limits{2, 5};
  const auto spent = [&](const std::string& device) { return rates.spend(device, limits); };
  EXPECT_TRUE(spent("a") && spent("a"));
  EXPECT_FALSE(rates.permits("a", limits));
  EXPECT_FALSE(spent("a"));
  EXPECT_TRUE(rates.permits("b", limits));
  for (int hour = 0; hour < 2; ++hour) {
    clock.advance(std::chrono::hours(1));
    EXPECT_TRUE(spent("a"));
  }
  EXPECT_TRUE(spent("a"));
  clock.advance(std::chrono::hours(2));
  EXPECT_FALSE(spent("a")) << "five in the day";
  clock.advance(std::chrono::hours(21));
  EXPECT_TRUE(spent("a"));
  clock.advance(std::chrono::hours(48));
  EXPECT_TRUE(spent("a") && spent("a"));
}

TEST(DevicePatternTest, FitsWhatItNames) {
  const auto address = [](std::string_view text) { return mail::Address::parse(text).value(); };
  struct Row {
    const char* pattern;
    const char* address;
    bool fits;
  };
  for (const auto& row : {Row{"*", "x@[192.0.2.1]", true}, Row{"@Example.org", "x@example.ORG", true},
                          Row{"@example.org", "x@sub.example.org", false}, Row{"A@example.org", "a@example.org", true},
                          Row{"a@example.org", "ab@example.org", false}, Row{"@example.org", "x@[192.0.2.1]", false}}) {
    EXPECT_EQ(pattern(row.pattern).fits(address(row.address)), row.fits) << row.pattern << " " << row.address;
  }
  for (const auto* bad : {"", "example.org", "@", "a@b@c", "*@example.org@", "a@[192.0.2.1]"}) {
    EXPECT_FALSE(config::DevicePattern::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace postern::test
