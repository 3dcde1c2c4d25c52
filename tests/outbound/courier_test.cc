// SPDX-License-Identifier: Apache-2.0
// The courier against real sockets on loopback, with DNS from a zone and mail from the in-memory store.
#include "outbound/courier.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/file.h"
#include "config/gate.h"
#include "config/way_out.h"
#include "dns/zone.h"
#include "store/memory/ledger.h"
#include "store/memory/memory.h"
#include "tests/outbound/sts_server.h"
#include "tests/support/certificates.h"
#include "tests/support/folder.h"
#include "tests/support/smtp_sink.h"

namespace postern::outbound {
namespace {

using Kind = mail::Outcome::Kind;

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

class CourierTest : public testing::Test {
 protected:
  CourierTest()
      : zone_("example.net. MX 10 mx.example.net.\nmx.example.net. A 127.0.0.1\n"), store_(store::memory::make(clock_)) {
    config_.server.hostname = "us.example";
    config_.outbound.allow_private_targets = true;
    config_.outbound.prefer = config::Family::ipv4;
  }
  ~CourierTest() override {
    if (courier_) loop_.run(courier_->stop());
  }

  void listen() { config_.outbound.port = sink_.listen(loop_).port; }

  Courier& courier() {
    if (!courier_) {
      live_ = std::make_unique<config::Live>(config_);
      router_ = std::make_unique<Router>(zone_, std::vector<IpAddress>());
      Courier::Parts parts{store_->queue(), *router_, *live_, tls_, nullptr, clock_, log_, metrics_};
      parts.resolver = &zone_;
      parts.sts = sts_.get();
      parts.notes = (notes_ = std::make_unique<TlsNotes>(ledger_->reports(), *live_, clock_)).get();
      parts.seven_bit.spool = [this] { return store_->spool(); };
      parts.login_of = [](store::AccountId) { return std::string("alice@us.example"); };
      courier_ = std::make_unique<Courier>(parts, loop_.executor());
    }
    return *courier_;
  }

  store::QueueEntry entry_to(const std::vector<std::string>& to) {
    store::QueueEntry entry;
    entry.sender = address("alice@us.example");
    entry.created = clock_.unix_now();
    entry.expires = entry.created + 1000;
    entry.prefix = "Received: x\r\n";
    for (const auto& one : to) {
      store::QueueRecipient row{.recipient = {.address = address(one)}};
      row.domain = row.recipient.address.domain_text();
      row.next_at = entry.created;
      entry.recipients.push_back(std::move(row));
    }
    return entry;
  }
  /// Puts a message into the queue and gives its only claim.
  store::Claim claim(store::QueueEntry entry) {
    store::Acceptance acceptance;
    acceptance.body = store::body_of(text_);
    acceptance.enqueue = std::move(entry);
    EXPECT_TRUE(loop_.run(store_->accept(std::move(acceptance))));
    auto claims = loop_.run(store_->queue().claim(10, std::chrono::seconds(60), {}));
    EXPECT_EQ(claims->size(), 1U);
    return std::move(claims->front());
  }
  std::vector<mail::Outcome> deliver(store::QueueEntry entry) {
    const auto one = claim(std::move(entry));
    return loop_.run(courier().deliver(one));
  }
  mail::Outcome deliver() { return deliver(entry_to({"bob@example.net"})).front(); }

  std::string text_ = "Subject: hello\r\n\r\nbody\r\n";
  FakeClock clock_;
  std::vector<std::string> lines_;
  Log log_{LogLevel::info, [this](LogLevel, std::string_view line) { lines_.emplace_back(line); }};
  Metrics metrics_;
  test::SmtpSink sink_;
  test::SmtpSink second_;
  test::TestLoop loop_;
  dns::Zone zone_;
  config::Config config_;
  std::shared_ptr<net::TlsClient> tls_;
  std::unique_ptr<store::memory::MemoryStore> store_;
  std::unique_ptr<store::Ledger> ledger_ = store::memory::make_ledger();
  std::unique_ptr<MtaSts> sts_;
  std::unique_ptr<TlsNotes> notes_;
  std::unique_ptr<config::Live> live_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Courier> courier_;
};

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

class CourierTlsTest : public CourierTest {
 protected:
  CourierTlsTest() {
    const auto files = test::make_certificate(folder_.path().string(), "mx", {{"mx.example.net"}});
    sink_.tls = net::TlsServer::create({"smtp", {}, {files}}).value();
    tls_ = net::TlsClient::create({files.chain, {}}).value();
    certificate_ = files.chain;
  }
  test::Folder folder_;
  std::filesystem::path certificate_;
};

TEST_F(CourierTlsTest, EncryptsWhenItCan) {
  listen();
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(sink_.count("STARTTLS"), 1U);
  EXPECT_NE(lines_.back().find("TLSv1.3"), std::string::npos) << lines_.back();
}

TEST_F(CourierTlsTest, OffMeansOff) {
  config_.outbound.tls = config::TlsUse::off;
  listen();
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(sink_.count("STARTTLS"), 0U);
}

// security.md D65
TEST_F(CourierTlsTest, BrokenTlsFallsBackOnlyWhereItIsNotRequired) {
  sink_.answer = [](const std::string& line) { return line == "STARTTLS" ? "220 Go\r\nthis is no handshake\r\n" : ""; };
  listen();
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(sink_.connections, 2U);
  loop_.run(courier_->stop());
  courier_.reset();
  config_.outbound.tls = config::TlsUse::required;
  EXPECT_EQ(deliver().kind, Kind::deferred);
  EXPECT_EQ(sink_.messages.size(), 1U);
}

TEST_F(CourierTlsTest, RequiredTlsThatIsNotOfferedDefers) {
  sink_.tls = nullptr;
  config_.outbound.tls = config::TlsUse::required;
  listen();
  const auto outcome = deliver();
  EXPECT_EQ(outcome.kind, Kind::deferred);
  EXPECT_EQ(outcome.enhanced.to_string(), "4.7.4");
  EXPECT_TRUE(sink_.messages.empty());
}

// RFC 8689
TEST_F(CourierTlsTest, RequireTlsGoesOnlyToWhoGivesIt) {
  listen();
  auto entry = entry_to({"bob@example.net"});
  entry.require_tls = true;
  auto outcome = deliver(entry).front();
  EXPECT_EQ(outcome.enhanced.to_string(), "5.7.30");
  EXPECT_EQ(outcome.kind, Kind::failed);
  EXPECT_NE(outcome.text.find("nothing proves"), std::string::npos) << outcome.text;
  EXPECT_EQ(sink_.connections, 0U);
  zone_.add("example.net. SECURE");
  outcome = deliver(entry).front();
  EXPECT_EQ(outcome.enhanced.to_string(), "5.7.30");
  EXPECT_NE(outcome.text.find("cannot promise verified encryption"), std::string::npos) << outcome.text;
  EXPECT_TRUE(sink_.messages.empty());
  sink_.offers.push_back("REQUIRETLS");
  loop_.run(courier_->stop());
  courier_.reset();
  EXPECT_EQ(deliver(entry).front().kind, Kind::delivered);
  EXPECT_NE(sink_.messages[0].mail.find("REQUIRETLS"), std::string::npos);
}

/// The certificate's octets, in hexadecimal.
std::string der_of(const std::filesystem::path& pem) {
  const auto text = read_file(pem).value();
  const std::string_view begin = "-----BEGIN CERTIFICATE-----";
  const auto from = text.find(begin) + begin.size();
  std::string body = text.substr(from, text.find("-----END", from) - from);
  std::erase(body, '\n');
  return hex_encode(base64_decode(body).value());
}

class CourierDaneTest : public CourierTlsTest {
 protected:
  /// What example.net publishes, in a zone that DNSSEC proves.
  void publish(const std::string& tlsa) {
    listen();
    zone_.add("example.net. SECURE");
    zone_.add(fmt::format("_{}._tcp.mx.example.net. TLSA {}", config_.outbound.port, tlsa));
  }
};

TEST_F(CourierDaneTest, TheCertificateThatDnsNamesIsTaken) {
  publish("3 0 0 " + der_of(certificate_));
  EXPECT_EQ(deliver().kind, Kind::delivered);
  ASSERT_EQ(sink_.messages.size(), 1U);
  EXPECT_TRUE(std::ranges::any_of(lines_, [](const auto& one) { return one.find("verified") != std::string::npos; }));
}

TEST_F(CourierDaneTest, AnotherCertificateOrNoneMeansToWait) {
  publish("3 1 1 " + std::string(64, 'a'));
  auto outcome = deliver();
  EXPECT_EQ(outcome.kind, Kind::deferred) << outcome.text;
  EXPECT_EQ(outcome.enhanced.subject, 7) << outcome.text;
  sink_.tls = nullptr;
  loop_.run(courier_->stop());
  courier_.reset();
  outcome = deliver(entry_to({"carol@example.net"})).front();
  EXPECT_EQ(outcome.kind, Kind::deferred);
  EXPECT_EQ(outcome.enhanced.to_string(), "4.7.4") << outcome.text;
  EXPECT_TRUE(sink_.messages.empty());
}

TEST_F(CourierDaneTest, AnAnswerThatMayHideRecordsMeansToWait) {
  listen();
  zone_.add("example.net. SECURE");
  zone_.add(fmt::format("_{}._tcp.mx.example.net. BOGUS", config_.outbound.port));
  const auto outcome = deliver();
  EXPECT_EQ(outcome.kind, Kind::deferred);
  EXPECT_NE(outcome.text.find("mx.example.net is not used"), std::string::npos) << outcome.text;
  EXPECT_EQ(sink_.connections, 0U);
}

// RFC 8689 §5: the sender's wish goes before the recipient's policy, but not before the admin's.
TEST_F(CourierDaneTest, TlsRequiredNoGoesWithoutIt) {
  publish("3 1 1 " + std::string(64, 'a'));
  text_ = "Subject: hello\r\nTLS-Required: No\r\n\r\nbody\r\n";
  const auto outcome = deliver();
  EXPECT_EQ(outcome.kind, Kind::delivered) << outcome.text;
  EXPECT_EQ(sink_.count("STARTTLS"), 1U) << "encrypted as well as it can be";
  auto entry = entry_to({"bob@example.net"});
  entry.require_tls = true;
  EXPECT_NE(deliver(entry).front().kind, Kind::delivered) << "REQUIRETLS goes before the field";
  EXPECT_EQ(sink_.messages.size(), 1U);
}

class CourierStsTest : public CourierTlsTest {
 protected:
  void publish(std::string_view mode, std::string_view mx = "mx.example.net") {
    listen();
    zone_.add("_mta-sts.example.net. TXT \"v=STSv1; id=1\"\nmta-sts.example.net. A 127.0.0.1");
    web_.page.body = fmt::format("version: STSv1\nmode: {}\nmx: {}\nmax_age: 86400\n", mode, mx);
    sts_ = std::make_unique<MtaSts>(MtaSts::Parts{zone_, ledger_->sts(), net::TlsClient::create({web_.certificate(), {}}).value(),
                                                  clock_, log_, [](const IpAddress&) { return std::string(); }, web_.port()});
  }
  /// Another certificate than the one that the client trusts.
  void present_a_stranger() {
    sink_.tls =
        net::TlsServer::create({"smtp", {}, {test::make_certificate(folder_.path().string(), "x", {{"x.example"}})}}).value();
  }

  /// "policy failure xCOUNT" of all sessions that were noted.
  std::vector<std::string> noted() {
    std::vector<std::string> out;
    auto& book = ledger_->reports();
    for (const auto& topic : loop_.run(book.due(store::ReportKind::tls, 1'000'000, 10)).value()) {
      EXPECT_EQ(topic.domain, "example.net");
      for (const auto& one : loop_.run(book.read(topic)).value()) {
        const auto session = policy::read_session_facts(one.facts).value();
        out.push_back(fmt::format("{} {} x{}", session.policy.type, session.failure, one.count));
      }
    }
    return out;
  }

  test::StsServer web_;
};

TEST_F(CourierStsTest, AnEnforcedPolicyWantsAProvenName) {
  publish("enforce");
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_NE(lines_.back().find("verified"), std::string::npos) << lines_.back();
  present_a_stranger();
  loop_.run(courier_->stop());
  courier_.reset();
  auto outcome = deliver();
  EXPECT_EQ(outcome.kind, Kind::deferred);
  EXPECT_EQ(outcome.enhanced.to_string(), "4.7.5") << outcome.text;
  sink_.tls = nullptr;
  loop_.run(courier_->stop());
  courier_.reset();
  outcome = deliver();
  EXPECT_EQ(outcome.enhanced.to_string(), "4.7.4") << outcome.text;
  EXPECT_EQ(sink_.messages.size(), 1U);
}

TEST_F(CourierStsTest, AnEnforcedPolicyNamesTheServers) {
  publish("enforce", "*.elsewhere.example");
  const auto outcome = deliver();
  EXPECT_EQ(outcome.kind, Kind::deferred);
  EXPECT_NE(outcome.text.find("does not name this server"), std::string::npos) << outcome.text;
  EXPECT_EQ(sink_.connections, 0U);
}

TEST_F(CourierStsTest, TestingAndOffDemandNothing) {
  publish("testing", "*.elsewhere.example");
  present_a_stranger();
  EXPECT_EQ(deliver().kind, Kind::delivered);
  loop_.run(courier_->stop());
  courier_.reset();
  config_.way_out->outbound.mta_sts = false;
  publish("enforce", "*.elsewhere.example");
  EXPECT_EQ(deliver().kind, Kind::delivered);
}

// RFC 8460 §4.3
TEST_F(CourierStsTest, SessionsAreNoted) {
  config_.gate->reports.tls = true;
  publish("testing");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(noted(), std::vector<std::string>{"sts  x1"}) << "one connection, two messages";
}

TEST_F(CourierStsTest, FailuresAreNotedAlsoWhereMailArrives) {
  config_.gate->reports.tls = true;
  publish("testing");
  present_a_stranger();
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(noted(), std::vector<std::string>{"sts certificate-not-trusted x1"});
}

TEST_F(CourierStsTest, FailuresUnderAnEnforcedPolicyAreNoted) {
  config_.gate->reports.tls = true;
  publish("enforce", "*.elsewhere.example");
  EXPECT_EQ(deliver().kind, Kind::deferred);
  EXPECT_EQ(noted(), std::vector<std::string>{"sts validation-failure x1"});
}

TEST_F(CourierStsTest, ClearTextIsNotedAndNoticesAreNot) {
  config_.gate->reports.tls = true;
  listen();
  sink_.tls = nullptr;
  auto notice = entry_to({"bob@example.net"});
  notice.sender = std::nullopt;
  EXPECT_EQ(deliver(notice).front().kind, Kind::delivered);
  EXPECT_TRUE(noted().empty());
  loop_.run(courier_->stop());
  courier_.reset();
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(noted(), std::vector<std::string>{"no-policy-found starttls-not-supported x1"});
}

TEST_F(CourierStsTest, APolicyThatNobodyCanReadIsNoted) {
  config_.gate->reports.tls = true;
  publish("enforce");
  web_.page = http::plain_response(404, "no");
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(noted(), std::vector<std::string>{"sts sts-policy-fetch-error x1"});
}

// RFC 8461 §2
TEST_F(CourierStsTest, DaneGoesFirst) {
  publish("enforce", "*.elsewhere.example");
  zone_.add("example.net. SECURE");
  zone_.add(fmt::format("_{}._tcp.mx.example.net. TLSA 3 0 0 {}", config_.outbound.port, der_of(certificate_)));
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(web_.fetches, 0);
}

// RFC 8689 §4.2.1
TEST_F(CourierStsTest, APolicyProvesTheServerForRequireTls) {
  publish("enforce");
  sink_.offers.push_back("REQUIRETLS");
  auto entry = entry_to({"bob@example.net"});
  entry.require_tls = true;
  EXPECT_EQ(deliver(entry).front().kind, Kind::delivered);
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

TEST_F(CourierTest, EachOutcomeHasItsCounter) {
  listen();
  sink_.answer = [](const std::string& line) -> std::string {
    if (line.starts_with("RCPT TO:<no@")) return "550 5.1.1 no\r\n";
    return line.starts_with("RCPT TO:<later@") ? "450 4.2.1 later\r\n" : "";
  };
  deliver(entry_to(
      {"bob@example.net", "carol@example.net", "dora@example.net", "no@example.net", "later@example.net", "later@example.net"}));
  const auto text = metrics_.exposition();
  for (const std::string_view line : {"{outcome=\"delivered\"} 3", "{outcome=\"failed\"} 1", "{outcome=\"deferred\"} 2"})
    EXPECT_TRUE(text.contains(line)) << line << "\n" << text;
}

}  // namespace
}  // namespace postern::outbound
