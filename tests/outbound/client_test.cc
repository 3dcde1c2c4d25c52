// SPDX-License-Identifier: Apache-2.0
// Dialogues of the client with servers of every temper, over a socket pair.
#include "outbound/client.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/certificates.h"
#include "tests/support/folder.h"
#include "tests/support/smtp_sink.h"

namespace postern::outbound {
namespace {

using Kind = mail::Outcome::Kind;

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

/// A body in memory.
class TextReader final : public store::BodyReader {
 public:
  explicit TextReader(std::string text) : text_(std::move(text)) {}
  std::uint64_t size() const override { return text_.size() + missing; }
  async::Task<Result<std::string_view>> read(std::uint64_t offset, std::size_t most) override {
    if (offset >= text_.size()) co_return std::string_view();
    co_return std::string_view(text_).substr(offset, most);
  }
  std::uint64_t missing = 0;  ///< octets that are promised and never come

 private:
  std::string text_;
};

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    auto config = std::make_shared<config::Config>();
    config->server.hostname = "client.example";
    config_ = config;
    entry_.sender = address("alice@example.org");
    add("bob@example.net");
  }

  void add(std::string_view to) { entry_.recipients.push_back({.recipient = {.address = address(to)}}); }

  void connect() {
    auto pair = loop_.make_pair();
    client_ = std::make_unique<Client>(std::move(pair.client), "sink.example", config_);
    loop_.spawn(serve(sink_, std::move(pair.server)));
  }
  /// The server side closes when its session ends, as a listener's would.
  static async::Task<> serve(test::SmtpSink& sink, std::unique_ptr<net::Connection> connection) {
    co_await sink.serve(*connection);
  }

  Client::Step greet() {
    connect();
    return loop_.run(client_->greet());
  }

  Sent send(const std::string& text = "Subject: x\r\n\r\nhello\r\n.dot\r\n") {
    TextReader body(text);
    return send(body);
  }
  Sent send(store::BodyReader& body) {
    entry_.size = body.size();
    const Needs needs = needs_of(entry_, "");
    Parcel parcel{entry_, needs, body};
    for (const auto& one : entry_.recipients) parcel.to.push_back(&one);
    std::set<std::size_t> taken;
    parcel.taken = [&taken](std::size_t index) { EXPECT_TRUE(taken.insert(index).second) << "told twice"; };
    Sent sent = loop_.run(client_->send(parcel));
    for (std::size_t i = 0; i < parcel.to.size(); ++i)
      EXPECT_EQ(taken.contains(i), sent.outcomes.at(i).kind == Kind::delivered) << "recipient " << i;
    return sent;
  }
  std::string text_of(const Client::Step& step) { return step ? std::string() : step.error().text; }

  test::SmtpSink sink_;
  test::TestLoop loop_;
  std::shared_ptr<const config::Config> config_;
  std::unique_ptr<Client> client_;
  store::QueueEntry entry_;
};

TEST_F(ClientTest, DeliversPipelinedWithDotsStuffed) {
  ASSERT_TRUE(greet());
  const Sent sent = send();
  ASSERT_EQ(sent.outcomes.size(), 1U);
  EXPECT_EQ(sent.outcomes[0].kind, Kind::delivered);
  EXPECT_EQ(sent.outcomes[0].remote_host, "sink.example");
  EXPECT_TRUE(sent.outcomes[0].dsn_passed);
  EXPECT_EQ(sent.reach, Reach::content);
  ASSERT_EQ(sink_.messages.size(), 1U);
  EXPECT_EQ(sink_.messages[0].content, "Subject: x\r\n\r\nhello\r\n..dot\r\n");
  EXPECT_EQ(sink_.lines, (std::vector<std::string>{"EHLO client.example", "MAIL FROM:<alice@example.org> SIZE=27",
                                                   "RCPT TO:<bob@example.net>", "DATA"}));
}

TEST_F(ClientTest, CarriesSeveralMessagesOverOneConnection) {
  ASSERT_TRUE(greet());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send().outcomes[0].kind, Kind::delivered);
  EXPECT_EQ(sink_.messages.size(), 3U);
  EXPECT_EQ(sink_.count("RSET"), 0U);
  EXPECT_EQ(client_->messages(), 3U);
  loop_.run(client_->quit());
  EXPECT_EQ(sink_.lines.back(), "QUIT");
}

TEST_F(ClientTest, WorksWithoutPipeliningAndWithHelo) {
  sink_.answer = [](const std::string& line) { return line.starts_with("EHLO") ? "502 5.5.1 What?\r\n" : ""; };
  ASSERT_TRUE(greet());
  EXPECT_FALSE(client_->capabilities().esmtp);
  EXPECT_EQ(send().outcomes[0].kind, Kind::delivered);
  EXPECT_EQ(sink_.lines[1], "HELO client.example");
  EXPECT_EQ(sink_.lines[2], "MAIL FROM:<alice@example.org>");
}

TEST_F(ClientTest, SendsAMessageOfManyBlocks) {
  ASSERT_TRUE(greet());
  std::string text;
  while (text.size() < 400'000) text += ".line with a dot\r\n";
  EXPECT_EQ(send(text).outcomes[0].kind, Kind::delivered);
  EXPECT_EQ(sink_.messages[0].content.size(), text.size() + text.size() / 18);
}

// Every step of a session may be refused, for now or for good.
TEST_F(ClientTest, RefusalsBeforeTheTransactionEndTheSession) {
  for (const std::string greeting :
       {"521 Nobody here\r\n", "554 5.7.1 Go away\r\n", "421 4.3.2 Busy\r\n", "SSH-2.0-x\r\n", "!"}) {
    sink_.greeting = greeting;
    const auto step = greet();
    EXPECT_FALSE(step) << greeting;
    EXPECT_FALSE(client_->usable());
    EXPECT_EQ(step.error().kind, greeting.starts_with("521") ? Kind::failed : Kind::deferred) << greeting;
  }
  sink_.greeting = "220 ok\r\n";
  for (const std::string reply : {"421 4.3.2 Busy\r\n", "554 5.7.1 Who are you?\r\n", "521 5.3.2 No mail\r\n"}) {
    sink_.answer = [&reply](const std::string& line) {
      return line.starts_with("EHLO") || line.starts_with("HELO") ? reply : "";
    };
    const auto step = greet();
    ASSERT_FALSE(step) << reply;
    EXPECT_EQ(std::to_string(step.error().code), reply.substr(0, 3));
    EXPECT_EQ(step.error().kind, reply.starts_with("521") ? Kind::failed : Kind::deferred) << reply;
    EXPECT_EQ(step.error().enhanced.klass, reply.starts_with("521") ? 5 : 4) << reply;
  }
}

struct StepRow {
  std::string verb;
  std::string reply;
  Kind kind;
  Reach reach;
  bool usable;
};

TEST_F(ClientTest, RefusalsInsideTheTransaction) {
  const std::vector<StepRow> rows = {
      {"MAIL", "550 5.1.8 No\r\n", Kind::failed, Reach::envelope, true},
      {"MAIL", "451 4.3.0 Later\r\n", Kind::deferred, Reach::envelope, true},
      {"MAIL", "421 4.3.2 Bye\r\n", Kind::deferred, Reach::envelope, false},
      {"MAIL", "!", Kind::deferred, Reach::nothing, false},
      {"RCPT", "550 5.1.1 No\r\n", Kind::failed, Reach::envelope, true},
      {"RCPT", "450 4.2.0 Grey\r\n", Kind::deferred, Reach::envelope, true},
      {"RCPT", "!", Kind::deferred, Reach::envelope, false},
      {"RCPT", "what is this\r\n", Kind::deferred, Reach::envelope, false},
      {"DATA", "550 5.6.0 No\r\n", Kind::failed, Reach::content, true},
      {"DATA", "451 4.3.0 Later\r\n", Kind::deferred, Reach::content, true},
      {"DATA", "250 2.0.0 Surprise\r\n", Kind::deferred, Reach::content, false},
      {"DATA", "!", Kind::deferred, Reach::envelope, false},
      {".", "554 5.7.1 Spam\r\n", Kind::failed, Reach::content, true},
      {".", "452 4.3.1 Full\r\n", Kind::deferred, Reach::content, true},
      {".", "354 Again\r\n", Kind::deferred, Reach::content, true},
      {".", "!", Kind::deferred, Reach::content, false},
  };
  for (const bool pipelining : {true, false}) {
    if (!pipelining) std::erase(sink_.offers, "PIPELINING");
    for (const auto& row : rows) {
      SCOPED_TRACE(row.verb + " → " + row.reply + (pipelining ? " pipelined" : ""));
      sink_.answer = nullptr;
      ASSERT_TRUE(greet());
      sink_.answer = [&row](const std::string& line) { return line.starts_with(row.verb) ? row.reply : ""; };
      const Sent sent = send();
      EXPECT_EQ(sent.outcomes[0].kind, row.kind);
      EXPECT_EQ(sent.reach, row.reach);
      EXPECT_EQ(client_->usable(), row.usable);
      EXPECT_EQ(sent.sender_refused, row.verb == "MAIL" && row.reply != "!");
    }
  }
}

TEST_F(ClientTest, GoesOnAfterARefusalWithRset) {
  ASSERT_TRUE(greet());
  sink_.answer = [](const std::string& line) { return line.starts_with("RCPT") ? "550 5.1.1 No\r\n" : ""; };
  EXPECT_EQ(send().outcomes[0].kind, Kind::failed);
  sink_.answer = nullptr;
  EXPECT_EQ(send().outcomes[0].kind, Kind::delivered);
  EXPECT_EQ(sink_.count("RSET"), 1U);
}

TEST_F(ClientTest, ARefusedRsetEndsTheSession) {
  ASSERT_TRUE(greet());
  sink_.answer = [](const std::string& line) -> std::string {
    if (line.starts_with("RCPT")) return "550 5.1.1 No\r\n";
    return line.starts_with("RSET") ? "503 5.5.1 no\r\n" : "";
  };
  EXPECT_EQ(send().outcomes[0].kind, Kind::failed);
  (void)send();
  EXPECT_FALSE(client_->usable());
  EXPECT_EQ(sink_.messages.size(), 0U);
}

TEST_F(ClientTest, EachRecipientKeepsItsOwnReply) {
  add("carol@example.net");
  add("dave@example.net");
  sink_.answer = [](const std::string& line) {
    if (line.find("carol") != std::string::npos) return "550 5.1.1 No carol\r\n";
    return line.find("dave") != std::string::npos ? "450 4.2.0 Later\r\n" : "";
  };
  ASSERT_TRUE(greet());
  const Sent sent = send();
  EXPECT_EQ(sent.outcomes[0].kind, Kind::delivered);
  EXPECT_EQ(sent.outcomes[1].kind, Kind::failed);
  EXPECT_EQ(sent.outcomes[1].text, "5.1.1 No carol");
  EXPECT_EQ(sent.outcomes[2].kind, Kind::deferred);
  EXPECT_EQ(sink_.messages[0].rcpt.size(), 1U);
}

// A recipient that was refused by name keeps that reply when the message is then lost.
TEST_F(ClientTest, AHangUpAfterTheDotDefersOnlyWhoWasAccepted) {
  add("carol@example.net");
  sink_.answer = [](const std::string& line) {
    if (line.find("carol") != std::string::npos) return "550 5.1.1 No carol\r\n";
    return line == "." ? "!" : "";
  };
  ASSERT_TRUE(greet());
  const Sent sent = send();
  EXPECT_EQ(sent.outcomes[0].kind, Kind::deferred);
  EXPECT_EQ(sent.outcomes[0].enhanced.to_string(), "4.4.2");
  EXPECT_EQ(sent.outcomes[1].kind, Kind::failed);
  EXPECT_EQ(sent.reach, Reach::content);
}

// RFC 2033 §4.2; each recipient that was taken is told of on its own.
TEST_F(ClientTest, LmtpRepliesCountEachForOneRecipient) {
  add("carol@example.net");
  add("dave@example.net");
  sink_.answer = [](const std::string& line) -> std::string {
    if (line.starts_with("LHLO")) return "250-sink.example\r\n250 PIPELINING\r\n";
    return line == "." ? "250 2.0.0 ok\r\n452 4.2.2 full\r\n250 2.0.0 ok\r\n" : "";
  };
  connect();
  client_->speak_lmtp();
  ASSERT_TRUE(loop_.run(client_->greet()));
  const Sent sent = send();
  EXPECT_EQ(sent.outcomes[0].kind, Kind::delivered);
  EXPECT_EQ(sent.outcomes[1].kind, Kind::deferred);
  EXPECT_EQ(sent.outcomes[2].kind, Kind::delivered);
}

// RFC 2920 §3.1
TEST_F(ClientTest, A354WithoutRecipientsGetsAnEmptyMessage) {
  sink_.answer = [](const std::string& line) {
    if (line.starts_with("RCPT")) return "550 5.1.1 No\r\n";
    return line == "DATA" ? "354 Go\r\n" : "";
  };
  ASSERT_TRUE(greet());
  EXPECT_EQ(send().outcomes[0].kind, Kind::failed);
  ASSERT_EQ(sink_.messages.size(), 1U);
  EXPECT_EQ(sink_.messages[0].content, "");
  EXPECT_TRUE(client_->usable());
}

TEST_F(ClientTest, AFloodOfReplyLinesEndsTheSession) {
  sink_.answer = [](const std::string& line) {
    if (!line.starts_with("MAIL")) return std::string();
    std::string flood;
    for (int i = 0; i < 5000; ++i) flood += "250-more\r\n";
    return flood;
  };
  ASSERT_TRUE(greet());
  const Sent sent = send();
  EXPECT_EQ(sent.outcomes[0].kind, Kind::deferred);
  EXPECT_FALSE(client_->usable());
}

// A message that cannot be read to its end must not get its dot.
TEST_F(ClientTest, ABodyThatEndsEarlyIsNotSentAsWhole) {
  ASSERT_TRUE(greet());
  TextReader body("Subject: x\r\n\r\nhalf");
  body.missing = 10;
  const Sent sent = send(body);
  EXPECT_EQ(sent.outcomes[0].kind, Kind::deferred);
  EXPECT_EQ(sent.outcomes[0].enhanced.to_string(), "4.3.0");
  EXPECT_TRUE(sink_.messages.empty());
  EXPECT_FALSE(client_->usable());
}

class ClientTlsTest : public ClientTest {
 protected:
  ClientTlsTest() {
    const auto files = test::make_certificate(folder_.path().string(), "sink", {{"sink.example"}});
    sink_.tls = net::TlsServer::create({"smtp", {}, {files}}).value();
    tls_ = net::TlsClient::create({files.chain, {}}).value();
  }
  Client::Step start_tls(net::TlsTrust trust, const std::string& name = "sink.example") {
    return loop_.run(client_->start_tls(*tls_, {name, trust, {}, {}}));
  }
  test::Folder folder_;
  std::shared_ptr<net::TlsClient> tls_;
};

// RFC 3207 §4.2
TEST_F(ClientTlsTest, EncryptsAndGreetsAgain) {
  ASSERT_TRUE(greet());
  EXPECT_TRUE(client_->capabilities().starttls);
  ASSERT_TRUE(start_tls(net::TlsTrust::verified));
  EXPECT_TRUE(client_->is_tls() && client_->tls_verified());
  EXPECT_FALSE(client_->capabilities().starttls);
  EXPECT_EQ(sink_.count("EHLO"), 2U);
  EXPECT_EQ(send().outcomes[0].kind, Kind::delivered);
  EXPECT_TRUE(client_->tls_text().starts_with("TLSv1.3"));
}

// security.md D65
TEST_F(ClientTlsTest, AWrongNameFailsWhereItMustBeRight) {
  ASSERT_TRUE(greet());
  const auto step = start_tls(net::TlsTrust::verified, "other.example");
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().enhanced.to_string(), "4.7.5");
  EXPECT_FALSE(client_->usable());
  ASSERT_TRUE(greet());
  EXPECT_TRUE(start_tls(net::TlsTrust::opportunistic, "other.example")) << "opportunistic TLS asks for no name";
}

TEST_F(ClientTlsTest, ADeclinedOfferLeavesTheConnectionUsable) {
  sink_.answer = [](const std::string& line) { return line == "STARTTLS" ? "454 4.7.0 Not now\r\n" : ""; };
  ASSERT_TRUE(greet());
  const auto step = start_tls(net::TlsTrust::opportunistic);
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().kind, Kind::deferred);
  EXPECT_TRUE(client_->usable());
}

// RFC 4954 §4
TEST_F(ClientTlsTest, LogsInWithPlainAndNeverWithoutTls) {
  Log quiet(LogLevel::off, null_sink());
  const auto library = auth::SaslLibrary::start(quiet);
  ASSERT_TRUE(library) << library.error().text;
  sink_.offers.push_back("AUTH PLAIN LOGIN");
  std::string verdict = "235 2.7.0 Welcome\r\n";
  sink_.answer = [&verdict](const std::string& line) { return line.starts_with("AUTH") ? verdict : ""; };
  for (const bool welcome : {true, false}) {
    if (!welcome) verdict = "535 5.7.8 No\r\n";
    ASSERT_TRUE(greet());
    auth::SaslClient sasl(**library, "relay-user", Secret("pass word"));
    const auto clear = loop_.run(client_->authenticate(sasl));
    EXPECT_FALSE(clear);
    EXPECT_EQ(sink_.count("AUTH"), welcome ? 0U : 1U);
    ASSERT_TRUE(start_tls(net::TlsTrust::verified));
    auth::SaslClient again(**library, "relay-user", Secret("pass word"));
    const auto step = loop_.run(client_->authenticate(again));
    EXPECT_EQ(step.has_value(), welcome) << text_of(step);
    EXPECT_EQ(sink_.lines.back(), "AUTH PLAIN AHJlbGF5LXVzZXIAcGFzcyB3b3Jk");
    if (step) continue;
    EXPECT_EQ(step.error().kind, Kind::deferred) << "the sender is not to blame";
    EXPECT_EQ(step.error().text.find("pass"), std::string::npos);
  }
}

// security.md D11 [CVE-2021-38371]
TEST_F(ClientTlsTest, DataBehindThe220IsAFailure) {
  sink_.answer = [](const std::string& line) { return line == "STARTTLS" ? "220 Go\r\n250-injected\r\n" : ""; };
  ASSERT_TRUE(greet());
  const auto step = start_tls(net::TlsTrust::opportunistic);
  ASSERT_FALSE(step);
  EXPECT_FALSE(client_->usable());
}

}  // namespace
}  // namespace postern::outbound
