// SPDX-License-Identifier: Apache-2.0
#include "submission/fixup.h"

#include <gtest/gtest.h>

namespace postern::submission {
namespace {

std::string fix(std::string_view header) {
  const FixupFacts facts{1'800'000'000, *mail::Domain::parse("mail.example.org"),
                         [](const mail::Address& address) { return address.lookup_key() == "alice@example.org"; }};
  return fix_header(header, facts);
}

constexpr std::string_view complete = "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\nMessage-ID: <1@x>\r\n";

TEST(Fixup, LeavesCompleteHeadersAlone) {
  const auto header = std::string(complete) + "From: a@b.example\r\nSubject: folded\r\n here\r\n\r\n";
  EXPECT_EQ(fix(header), header);
}

TEST(Fixup, AddsDateAndMessageId) {
  const auto fixed = fix("From: alice@example.org\r\n\r\n");
  EXPECT_TRUE(fixed.starts_with("Date: Fri, 15 Jan 2027 08:00:00 +0000\r\nMessage-ID: <")) << fixed;
  EXPECT_TRUE(fixed.ends_with("@mail.example.org>\r\nFrom: alice@example.org\r\n\r\n")) << fixed;
}

TEST(Fixup, RemovesWhatOthersMustNotSee) {
  const auto header = std::string(complete) +
                      "bcc: secret@x.example,\r\n more@x.example\r\nBcc:\r\nResent-Bcc: a@x.example\r\n"
                      "Return-Path: <a@x.example>\r\nDelivered-To: a@x.example\r\nTo: kept@x.example\r\nX-Bcc: kept\r\n\r\n";
  EXPECT_EQ(fix(header), std::string(complete) + "To: kept@x.example\r\nX-Bcc: kept\r\n\r\n");
}

TEST(Fixup, KeepsOnlyATrueSender) {
  const auto with = [](std::string_view sender) {
    return std::string(complete) + std::string(sender) + "To: x@y.example\r\n\r\n";
  };
  EXPECT_EQ(fix(with("Sender: Alice <alice@example.org>\r\n")), with("Sender: Alice <alice@example.org>\r\n"));
  EXPECT_EQ(fix(with("Sender: boss@example.org\r\n")), with(""));
  EXPECT_EQ(fix(with("Sender: alice@example.org, boss@example.org\r\n")), with(""));
  EXPECT_EQ(fix(with("Sender: nonsense\r\n")), with(""));
}

TEST(Fixup, TakesBlocksWithoutEmptyLine) {
  EXPECT_EQ(fix(std::string(complete) + "Bcc: x"), complete);
  EXPECT_TRUE(fix("").starts_with("Date: "));
}

}  // namespace
}  // namespace postern::submission
