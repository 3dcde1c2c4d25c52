// SPDX-License-Identifier: Apache-2.0
#include "outbound/commands.h"

#include <gtest/gtest.h>

namespace postern::outbound {
namespace {

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

store::QueueEntry entry_to(std::string_view to) {
  store::QueueEntry entry;
  entry.sender = address("alice@example.org");
  entry.size = 500;
  entry.recipients.push_back({.recipient = {.address = address(to)}});
  return entry;
}

Capabilities all() {
  return read_capabilities(Reply{
      250, {"x", "SIZE 1000", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING", "BINARYMIME", "REQUIRETLS", "PIPELINING", "STARTTLS"}});
}

TEST(MailCommand, SaysWhatTheServerUnderstands) {
  auto entry = entry_to("bob@example.net");
  entry.body_type = mail::BodyType::eight_bit_mime;
  entry.ret = mail::Return::headers;
  entry.envid = "a+b=c d";
  const Needs needs = needs_of(entry, "");
  EXPECT_EQ(mail_command(entry, needs, all()),
            "MAIL FROM:<alice@example.org> SIZE=500 BODY=8BITMIME RET=HDRS ENVID=a+2Bb+3Dc+20d\r\n");
  EXPECT_EQ(mail_command(entry, needs, Capabilities()), "MAIL FROM:<alice@example.org>\r\n");
  entry.sender.reset();
  EXPECT_EQ(mail_command(entry, needs, Capabilities()), "MAIL FROM:<>\r\n");
}

TEST(RcptCommand, PassesNotifyAndOrcptOn) {
  mail::Recipient one{address("bob@example.net"), mail::notify_success | mail::notify_delay, "rfc822;robert+2B@example.net"};
  EXPECT_EQ(rcpt_command(one, all()), "RCPT TO:<bob@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;robert+2B@example.net\r\n");
  EXPECT_EQ(rcpt_command(one, Capabilities()), "RCPT TO:<bob@example.net>\r\n");
  one.notify = mail::notify_never;
  one.orcpt.clear();
  EXPECT_EQ(rcpt_command(one, all()), "RCPT TO:<bob@example.net> NOTIFY=NEVER\r\n");
}

// security.md D80
TEST(Commands, HoldNoLineEndOfOthers) {
  auto entry = entry_to("bob@example.net");
  entry.envid = "x\r\nRCPT TO:<evil@example>";
  const auto mail = mail_command(entry, needs_of(entry, ""), all());
  EXPECT_EQ(mail.find("\r\n"), mail.size() - 2);
  for (const std::string orcpt : {"rfc822;a\r\nDATA", "rfc822;a b", "nosemicolon", "rfc822;a=b"}) {
    const auto rcpt = rcpt_command({address("bob@example.net"), 0, orcpt}, all());
    EXPECT_EQ(rcpt, "RCPT TO:<bob@example.net>\r\n") << orcpt;
  }
  EXPECT_EQ(rcpt_command({mail::Address("a b", mail::Domain::parse("example.net").value()), 0, ""}, all()),
            "RCPT TO:<\"a b\"@example.net>\r\n");
}

TEST(Missing, IsTheTableOfMissingExtensions) {
  auto plain = entry_to("bob@example.net");
  auto utf8 = entry_to("j\xc3\xb6rg@example.net");
  utf8.smtputf8 = true;
  auto secret = plain;
  secret.require_tls = true;
  auto eight = plain;
  eight.body_type = mail::BodyType::eight_bit_mime;
  auto large = plain;
  large.size = 1001;
  const auto status = [](const store::QueueEntry& entry, const Capabilities& offered, bool tls) {
    const auto outcome = missing(needs_of(entry, ""), {"mx.example.net", offered, tls});
    if (outcome) EXPECT_EQ(outcome->code, 0) << "the server said nothing of the kind";
    if (outcome) EXPECT_TRUE(outcome->text.starts_with("mx.example.net ")) << outcome->text;
    return outcome ? outcome->enhanced.to_string() : std::string();
  };
  const Capabilities none;
  EXPECT_EQ(status(plain, none, false), "");
  EXPECT_EQ(status(eight, none, false), "") << "8-bit text is sent as it is";
  EXPECT_EQ(status(utf8, none, false), "5.6.7");
  EXPECT_EQ(status(utf8, all(), false), "");
  EXPECT_EQ(status(large, all(), false), "5.3.4");
  EXPECT_EQ(status(large, none, false), "");
  EXPECT_EQ(status(secret, all(), false), "5.7.30");
  EXPECT_EQ(status(secret, all(), true), "");
  EXPECT_EQ(status(secret, none, true), "5.7.30");
}

// RFC 6531 §3.4: the parameter alone does not make a message international.
TEST(NeedsOf, LooksAtTheHeaderOfASmtputf8Message) {
  auto entry = entry_to("bob@example.net");
  entry.smtputf8 = true;
  EXPECT_FALSE(needs_of(entry, "Subject: plain\r\n\r\ncaf\xc3\xa9").smtputf8);
  EXPECT_TRUE(needs_of(entry, "Subject: caf\xc3\xa9\r\n\r\n").smtputf8);
  EXPECT_TRUE(needs_of(entry_to("\xc3\xb6@example.net"), "").smtputf8);
}

}  // namespace
}  // namespace postern::outbound
