// SPDX-License-Identifier: Apache-2.0
// One table for each rule about client, greeting and sender.
#include <gtest/gtest.h>

#include "policy/checks.h"

namespace postern::policy {
namespace {

using Kind = Finding::Kind;

TEST(ChecksClient, HeloSyntax) {
  struct Row {
    std::string_view name;
    Kind kind;
  };
  for (const auto& [name, kind] : {Row{"mail.example.org", Kind::pass},
                                   {"MAIL.Example.org.", Kind::pass},
                                   {"xn--bcher-kva.example", Kind::pass},
                                   {"[192.0.2.1]", Kind::pass},
                                   {"[IPv6:2001:db8::1]", Kind::pass},
                                   {"[2001:db8::1]", Kind::pass},
                                   {"[192.0.2.1", Kind::hit},
                                   {"[]", Kind::hit},
                                   {"[IPv6:]", Kind::hit},
                                   {"[mail.example.org]", Kind::hit},
                                   {"192.0.2.1", Kind::hit},
                                   {"2001:db8::1", Kind::hit},
                                   {"laptop", Kind::hit},
                                   {"localhost", Kind::hit},
                                   {"under_score.example", Kind::hit},
                                   {"-a.example", Kind::hit},
                                   {"a..example", Kind::hit},
                                   {".", Kind::hit}}) {
    HeloEvidence evidence;
    evidence.name = name;
    EXPECT_EQ(check_helo_syntax(evidence).kind, kind) << name;
  }
}

TEST(ChecksClient, HeloOwnName) {
  struct Row {
    std::string_view ip, name;
    Kind kind;
  };
  for (const auto& [ip, name, kind] : {Row{"192.0.2.1", "mail.example.org", Kind::hit},
                                       {"192.0.2.1", "MAIL.EXAMPLE.ORG.", Kind::hit},
                                       {"192.0.2.1", "[192.0.2.25]", Kind::hit},
                                       {"192.0.2.1", "mx.example.org", Kind::pass},
                                       {"192.0.2.25", "mail.example.org", Kind::pass},
                                       {"127.0.0.1", "mail.example.org", Kind::pass},
                                       {"::1", "mail.example.org", Kind::pass}}) {
    HeloEvidence evidence;
    evidence.ip = *IpAddress::parse(ip);
    evidence.own_ip = *IpAddress::parse("192.0.2.25");
    evidence.own_hostname = "mail.example.org";
    evidence.name = name;
    EXPECT_EQ(check_helo_own_name(evidence).kind, kind) << ip << ' ' << name;
  }
}

TEST(ChecksClient, HeloLiteral) {
  struct Row {
    std::string_view ip, name;
    Kind kind;
  };
  for (const auto& [ip, name, kind] : {Row{"192.0.2.1", "[192.0.2.1]", Kind::pass},
                                       {"192.0.2.1", "[192.0.2.2]", Kind::hit},
                                       {"2001:db8::1", "[IPv6:2001:DB8:0::1]", Kind::pass},
                                       {"192.0.2.1", "[::ffff:192.0.2.1]", Kind::pass},
                                       {"192.0.2.1", "mail.example.org", Kind::pass}}) {
    HeloEvidence evidence;
    evidence.ip = *IpAddress::parse(ip);
    evidence.name = name;
    EXPECT_EQ(check_helo_literal(evidence).kind, kind) << ip << ' ' << name;
  }
}

TEST(ChecksClient, AnswersOfDns) {
  struct Row {
    Answer answer;
    Kind kind;
  };
  for (const auto& [answer, kind] :
       {Row{Answer::unasked, Kind::pass}, {Answer::yes, Kind::pass}, {Answer::no, Kind::hit}, {Answer::unsure, Kind::unsure}}) {
    ConnectEvidence client;
    client.reverse = answer;
    EXPECT_EQ(check_reverse_name(client).kind, kind);
    HeloEvidence helo;
    helo.resolves = answer;
    EXPECT_EQ(check_helo_resolves(helo).kind, kind);
    MailEvidence sender;
    sender.receives = answer;
    EXPECT_EQ(check_sender_domain(sender).kind, kind);
    EXPECT_EQ(check_sender_null_mx(sender).kind, Kind::pass);
    sender.null_mx = true;
    EXPECT_EQ(check_sender_domain(sender).kind, Kind::pass);
    EXPECT_EQ(check_sender_null_mx(sender).kind, Kind::hit);
  }
}

}  // namespace
}  // namespace postern::policy
