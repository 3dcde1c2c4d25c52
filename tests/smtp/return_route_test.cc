// SPDX-License-Identifier: Apache-2.0
// Notices to senders that we rewrote: back to the true sender when the address is ours and young, refused at RCPT otherwise.
#include <gtest/gtest.h>

#include "tests/smtp/disguises.h"
#include "tests/smtp/house.h"

namespace postern::test {
namespace {

constexpr std::chrono::hours a_day{24};

class ReturnRoute : public testing::Test {
 protected:
  ReturnRoute()
      : rewritten_(house_.srs()
                       .forward(mail::Address::parse("carol@elsewhere.example").value(),
                                mail::Domain::parse("example.org").value(), house_.clock().unix_now())
                       .value()
                       .to_string()) {}
  void expect(const std::string& recipient, const std::string& sender, const std::string& answer) {
    SCOPED_TRACE(recipient + " from " + sender);
    const Folder folder;
    const auto file = folder / "talk.txt";
    std::ofstream(file) << "s~ 220 *\nc: EHLO client.example\ns> 250 LIMITS*\nc: MAIL FROM:" << sender
                        << "\ns~ 250*\nc: RCPT TO:<" << recipient << ">\ns~ " << answer << "*\n";
    run_dialogue(file, house_);
  }
  House house_;
  std::string rewritten_;
};

TEST_F(ReturnRoute, ANoticeGoesBack) {
  const Folder folder;
  const auto file = folder / "talk.txt";
  std::ofstream(file)
      << "s~ 220 *\nc: EHLO client.example\ns> 250 LIMITS*\nc: MAIL FROM:<>\ns~ 250*\nc: RCPT TO:<" << rewritten_
      << ">\ns~ 250*\nc: DATA\ns~ 354*\nc: From: <postmaster@client.example>\nc: Date: Mon, 1 Jan 2024 00:00:00 +0000\n"
         "c: Subject: not delivered\nc: \nc: text\nc: .\ns~ 250*\n";
  run_dialogue(file, house_);
  const auto entries = async::run_alone(house_.store().queue().list({})).value();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_FALSE(entries[0].sender);
  EXPECT_EQ(entries[0].recipients.at(0).recipient.address.to_string(), "carol@elsewhere.example");
}

TEST_F(ReturnRoute, OnlyNoticesTakeIt) { expect(rewritten_, "<client@client.example>", "550 5.1.1"); }

TEST_F(ReturnRoute, WhatWasNotMadeHereIsRefused) {
  expect("SRS0=aaaaaaaa=aa=elsewhere.example=carol@example.org", "<>", "550 5.1.1");
  auto changed = rewritten_;
  changed.replace(changed.find("carol"), 5, "david");
  expect(changed, "<>", "550 5.1.1");
  auto foreign = rewritten_;
  foreign.replace(foreign.find("@example.org"), 12, "@elsewhere.example");
  expect(foreign, "<>", "550 5.7.1");
}

TEST_F(ReturnRoute, ItExpires) {
  house_.clock().advance(a_day * 21);
  expect(rewritten_, "<>", "250");
  house_.clock().advance(a_day);
  expect(rewritten_, "<>", "550 5.1.1");
}

}  // namespace
}  // namespace postern::test
