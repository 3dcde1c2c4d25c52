// SPDX-License-Identifier: Apache-2.0
// The courier without TLS: connections, replies, hosts, routes, limits.
#include "tests/outbound/courier_house.h"

namespace postern::outbound {
namespace {

TEST_F(CourierTest, DeliversAndLogsOneLineForEachRecipient) {
  listen();
  const auto outcomes = deliver(entry_to({"bob@example.net", "carol@example.net"}));
  EXPECT_EQ(outcomes[0].kind, Kind::delivered);
  EXPECT_EQ(outcomes[1].kind, Kind::delivered);
  ASSERT_EQ(sink_.messages.size(), 1U);
  EXPECT_EQ(sink_.messages[0].content, "Received: x\r\nSubject: hello\r\n\r\nbody\r\n");
  EXPECT_EQ(std::ranges::count_if(lines_, [](const auto& one) { return one.find("outbound delivered") != std::string::npos; }),
            2);
}

TEST_F(CourierTest, ReusesItsConnection) {
  listen();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(sink_.connections, 1U);
  EXPECT_EQ(sink_.messages.size(), 5U);
}

TEST_F(CourierTest, AnIdleConnectionThatWasClosedIsReplaced) {
  listen();
  EXPECT_EQ(deliver().kind, Kind::delivered);
  int mails = 0;
  sink_.answer = [&mails](const std::string& line) { return line.starts_with("MAIL") && ++mails == 1 ? "!" : ""; };
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(sink_.connections, 2U);
}

TEST_F(CourierTest, HonoursMailmax) {
  sink_.offers.push_back("LIMITS MAILMAX=2");
  listen();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(sink_.connections, 2U);
}

TEST_F(CourierTest, ADeadHostIsLeftAloneForAWhile) {
  config_.outbound.port = 1;  // nobody listens there
  const auto first = deliver();
  EXPECT_EQ(first.kind, Kind::deferred);
  EXPECT_EQ(first.enhanced.to_string(), "4.4.1");
  EXPECT_EQ(deliver().text, first.text);
}

// What leads to the next host, and what does not.
TEST_F(CourierTest, TriesTheNextHostOnlyBeforeTheMessageWasGiven) {
  struct Row {
    std::string verb;
    std::string reply;
    bool next;
  };
  const std::vector<Row> rows = {{"EHLO", "421 4.3.2 Busy\r\n", true},
                                 {"MAIL", "451 4.3.0 Later\r\n", true},
                                 {"MAIL", "550 5.7.1 Never\r\n", false},
                                 {"RCPT", "450 4.2.0 Grey\r\n", false},
                                 {"RCPT", "550 5.1.1 No\r\n", false},
                                 {".", "451 4.3.0 Later\r\n", false},
                                 {".", "!", false}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.verb + row.reply);
    test::SmtpSink sink;
    // Both hosts are this sink: the first connection refuses, a second one would accept.
    sink.answer = [&](const std::string& line) { return sink.connections <= 1 && line.starts_with(row.verb) ? row.reply : ""; };
    dns::Zone zone(
        "d.example. MX 10 a.d.example.\nd.example. MX 20 b.d.example.\na.d.example. A 127.0.0.1\nb.d.example. A 127.0.0.2");
    config::Config config = config_;
    config.outbound.port = sink.listen(loop_).port;
    config::Live live(config);
    Router router(zone, {});
    Courier courier({store_->queue(), router, live, nullptr, nullptr, clock_, log_, metrics_}, loop_.executor());
    const auto one = claim(entry_to({"bob@d.example"}));
    const auto outcome = loop_.run(courier.deliver(one)).front();
    EXPECT_EQ(outcome.kind == Kind::delivered, row.next) << outcome.text;
    EXPECT_EQ(sink.connections, row.next ? 2U : 1U);
    loop_.run(courier.stop());
  }
}

TEST_F(CourierTest, ARouteThatCannotBeIsFinal) {
  zone_.add("null.example. MX 0 .\nslow.example. TIMEOUT");
  EXPECT_EQ(deliver(entry_to({"bob@null.example"})).front().kind, Kind::failed);
  EXPECT_EQ(deliver(entry_to({"bob@missing.example"})).front().kind, Kind::failed);
  EXPECT_EQ(deliver(entry_to({"bob@slow.example"})).front().kind, Kind::deferred);
}

// RFC 5321 §4.5.3.1.10
TEST_F(CourierTest, TooManyRecipientsGoInAnotherTransaction) {
  std::size_t in_transaction = 0;
  sink_.answer = [&in_transaction](const std::string& line) {
    if (line.starts_with("MAIL")) in_transaction = 0;
    return line.starts_with("RCPT") && ++in_transaction > 2 ? "452 4.5.3 Too many\r\n" : "";
  };
  listen();
  const auto outcomes = deliver(entry_to({"a@example.net", "b@example.net", "c@example.net", "d@example.net", "e@example.net"}));
  for (const auto& one : outcomes) EXPECT_EQ(one.kind, Kind::delivered);
  EXPECT_EQ(sink_.messages.size(), 3U);
  sink_.answer = [](const std::string& line) { return line.starts_with("RCPT") ? "452 4.5.3 Never\r\n" : ""; };
  EXPECT_EQ(deliver().kind, Kind::deferred) << "a server that takes nobody is asked once";
}

// One recipient's refusal says nothing about another whose reply never came.
TEST_F(CourierTest, AHangUpBetweenRecipientsKeepsEachReplyApart) {
  sink_.answer = [](const std::string& line) {
    if (line.find("bad@") != std::string::npos) return "550 5.1.1 No such user\r\n";
    return line.find("lost@") != std::string::npos ? "!" : "";
  };
  listen();
  const auto outcomes = deliver(entry_to({"bad@example.net", "lost@example.net"}));
  EXPECT_EQ(outcomes[0].kind, Kind::failed);
  EXPECT_EQ(outcomes[1].kind, Kind::deferred);
  EXPECT_EQ(outcomes[1].enhanced.to_string(), "4.4.2");
}

TEST_F(CourierTest, HonoursRcptmax) {
  sink_.offers.push_back("LIMITS RCPTMAX=2");
  listen();
  const auto outcomes = deliver(entry_to({"a@example.net", "b@example.net", "c@example.net"}));
  for (const auto& one : outcomes) EXPECT_EQ(one.kind, Kind::delivered);
  EXPECT_EQ(sink_.messages.size(), 2U);
}

TEST_F(CourierTest, ATooLargeMessageIsNotSent) {
  sink_.offers = {"SIZE 10"};
  listen();
  const auto outcome = deliver();
  EXPECT_EQ(outcome.kind, Kind::failed);
  EXPECT_EQ(outcome.enhanced.to_string(), "5.3.4");
  EXPECT_EQ(sink_.count("MAIL"), 0U);
}

async::Task<> deliver_into(Courier& courier, const store::Claim& claim, std::size_t& done) {
  const auto outcomes = co_await courier.deliver(claim);
  if (outcomes.front().kind == Kind::delivered) ++done;
}

// RFC 6152 §3, end to end: only a server that asks for it gets the recoded form, with its size, and the queue keeps what it had.
TEST_F(CourierTest, EightBitTextIsRecodedForAServerWithout8bitmime) {
  text_ = "MIME-Version: 1.0\r\nSubject: hello\r\n\r\nIn the caf\xc3\xa9 at noon\r\n";
  auto entry = entry_to({"bob@example.net"});
  entry.body_type = mail::BodyType::eight_bit_mime;
  listen();
  EXPECT_EQ(deliver(entry).front().kind, Kind::delivered);
  EXPECT_EQ(sink_.messages.at(0).content, "Received: x\r\n" + text_);
  EXPECT_NE(sink_.messages.at(0).mail.find("BODY=8BITMIME"), std::string::npos);
  loop_.run(courier_->stop());
  courier_.reset();
  sink_.offers = {"SIZE 1000"};
  EXPECT_EQ(deliver(entry).front().kind, Kind::delivered);
  const auto& second = sink_.messages.at(1);
  EXPECT_EQ(second.content,
            "Received: x\r\nMIME-Version: 1.0\r\nSubject: hello\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            "In the caf=C3=A9 at noon\r\n");
  EXPECT_EQ(second.mail, fmt::format("MAIL FROM:<alice@us.example> SIZE={}", second.content.size()));
}

TEST_F(CourierTest, WhatIsTooLargeOnlyWhenRecodedGoesAsItIs) {
  text_ = "MIME-Version: 1.0\r\n\r\nIn the caf\xc3\xa9 at noon\r\n";
  sink_.offers = {fmt::format("SIZE {}", text_.size() + std::string_view("Received: x\r\n").size())};
  listen();
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(sink_.messages.at(0).content, "Received: x\r\n" + text_);
}

// The table of outbound/commands.h for whole messages: what cannot be recoded goes as it is, what is too large does not go.
TEST_F(CourierTest, WhatCannotBeRecodedGoesAsItIs) {
  text_ = "Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\ncaf\xc3\xa9\r\n--s\r\n\r\nsig\r\n--s--\r\n";
  sink_.offers = {"PIPELINING"};
  listen();
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(sink_.messages.at(0).content, "Received: x\r\n" + text_);
}

TEST_F(CourierTest, KeepsTheLimitOfConnectionsToOneHost) {
  config_.queue.per_host = 2;
  listen();
  std::deque<store::Claim> claims;
  std::size_t done = 0;
  for (int i = 0; i < 12; ++i) claims.push_back(claim(entry_to({"bob@example.net"})));
  for (const auto& one : claims) loop_.spawn(deliver_into(courier(), one, done));
  const auto wait = [](std::size_t& count) -> async::Task<> {
    while (count < 12) co_await async::sleep(std::chrono::milliseconds(1));
  };
  loop_.run(wait(done));
  EXPECT_EQ(sink_.messages.size(), 12U);
  EXPECT_LE(sink_.connections, 2U);
}

TEST_F(CourierTest, AHostThatRestsIsAskedAgainWhenSomebodySaysThatItIsBack) {
  listen();
  sink_.greeting = "421 4.3.2 closing\r\n";
  EXPECT_EQ(deliver().kind, Kind::deferred);
  const auto before = sink_.connections;
  sink_.greeting = "220 sink.example ESMTP\r\n";
  EXPECT_EQ(deliver().kind, Kind::deferred) << "it rests";
  EXPECT_EQ(sink_.connections, before);
  courier().forget_failures();
  EXPECT_EQ(deliver().kind, Kind::delivered);
}

TEST_F(CourierTest, ARouteLeadsToItsHostAndThenToItsFallback) {
  listen();
  const auto second = second_.listen(loop_);
  config::Route route;
  route.accounts = {"alice@us.example"};
  route.via.kind = config::RouteTarget::Kind::host;
  route.via.host = {"127.0.0.1", second.port};
  route.tls = config::Route::Tls::opportunistic;
  route.fallback.kind = config::RouteTarget::Kind::direct;
  route.source.ip = "127.0.0.2";
  config_.way_out->routes = {route};
  auto entry = entry_to({"bob@example.net"});
  entry.account = 7;
  EXPECT_EQ(deliver(entry).front().kind, Kind::delivered);
  EXPECT_EQ(second_.messages.size(), 1U);
  EXPECT_EQ(sink_.messages.size(), 0U);
  EXPECT_EQ(deliver().kind, Kind::delivered) << "nobody's mail goes the usual way";
  EXPECT_EQ(sink_.messages.size(), 1U);
  loop_.run(courier_->stop());
  courier_.reset();
  second_.greeting = "421 not now\r\n";
  auto again = entry_to({"carol@example.net"});
  again.account = 7;
  EXPECT_EQ(deliver(again).front().kind, Kind::delivered);
  EXPECT_EQ(sink_.messages.size(), 2U);
}

// A source address of IPv6 is none for a host with IPv4.
TEST_F(CourierTest, ASourceOfTheOtherFamilyIsNotUsed) {
  listen();
  config::Route route;
  route.via.kind = config::RouteTarget::Kind::direct;
  route.source.ip = "2001:db8::25";
  config_.way_out->routes = {route};
  EXPECT_EQ(deliver().kind, Kind::delivered);
}

}  // namespace
}  // namespace postern::outbound
