// SPDX-License-Identifier: Apache-2.0
// The courier with TLS, DANE and MTA-STS.
#include "tests/outbound/courier_house.h"

#include "base/encoding.h"
#include "base/file.h"
#include "tests/support/certificates.h"
#include "tests/support/folder.h"

namespace postern::outbound {
namespace {

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

}  // namespace
}  // namespace postern::outbound
