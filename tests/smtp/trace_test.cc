// SPDX-License-Identifier: Apache-2.0
#include "smtp/trace.h"

#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

Trace sample() {
  Trace trace;
  trace.helo = "client.example";
  trace.ip = "192.0.2.1";
  trace.by = "mail.example.org";
  trace.id = "abc";
  trace.esmtp = true;
  trace.at = 1'800'000'000;
  return trace;
}

TEST(Trace, WritesReceived) {
  auto trace = sample();
  trace.recipient = "alice@example.org";
  trace.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  EXPECT_EQ(received_field(trace),
            "Received: from client.example ([192.0.2.1])\r\n"
            "\tby mail.example.org with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
            "\tid abc for <alice@example.org>;\r\n"
            "\tFri, 15 Jan 2027 08:00:00 +0000\r\n");
}

TEST(Trace, HidesTheInside) {
  auto trace = sample();
  trace.helo = {};
  EXPECT_EQ(received_field(trace).substr(0, 42), "Received: by mail.example.org with ESMTP\r\n");
}

TEST(Trace, NamesTheProtocol) {
  struct Row {
    bool esmtp, tls, auth, utf8;
    std::string_view name;
  };
  for (const auto& row : std::initializer_list<Row>{{false, false, false, false, "SMTP"},
                                                    {true, false, false, false, "ESMTP"},
                                                    {true, true, false, false, "ESMTPS"},
                                                    {true, false, true, false, "ESMTPA"},
                                                    {true, true, true, false, "ESMTPSA"},
                                                    {true, true, true, true, "UTF8SMTPSA"},
                                                    {true, false, false, true, "UTF8SMTP"}}) {
    auto trace = sample();
    trace.esmtp = row.esmtp;
    trace.authenticated = row.auth;
    trace.smtputf8 = row.utf8;
    if (row.tls) trace.tls = "TLSv1.3 X";
    EXPECT_EQ(with_protocol(trace), row.name);
  }
}

TEST(Trace, WritesLiterals) {
  EXPECT_EQ(address_literal("192.0.2.1"), "[192.0.2.1]");
  EXPECT_EQ(address_literal("2001:db8::1"), "[IPv6:2001:db8::1]");
}

}  // namespace
}  // namespace postern::smtp
