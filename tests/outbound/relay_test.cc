// SPDX-License-Identifier: Apache-2.0
// [[relay]]: where it leads, LMTP with its reply for each recipient, and asking the other server who is there.
#include <gtest/gtest.h>

#include "config/gate.h"
#include "dns/zone.h"
#include "outbound/callout.h"
#include "outbound/courier.h"
#include "store/memory/memory.h"
#include "tests/support/folder.h"
#include "tests/support/smtp_sink.h"

namespace postern::outbound {
namespace {

using Kind = mail::Outcome::Kind;
using policy::Answer;

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

class RelayTest : public testing::Test {
 protected:
  RelayTest() { config_.server.hostname = "us.example"; }
  ~RelayTest() override {
    if (courier_) loop_.run(courier_->stop());
  }

  config::Relay& relay(std::string match) {
    auto& entry = config_.gate->relays.emplace_back();
    entry.match = std::move(match);
    entry.tls = config::TlsUse::off;
    return entry;
  }
  config::Relay& relay_to_sink(std::string match) {
    auto& entry = relay(std::move(match));
    entry.host = {"127.0.0.1", sink_.listen(loop_).port};
    return entry;
  }
  std::string hops(std::string domain) {
    const auto found = loop_.run(router_.hops(std::move(domain), std::make_shared<const config::Config>(config_)));
    if (!found) return (found.error().kind == Kind::failed ? "failed " : "deferred ") + found.error().enhanced.to_string();
    std::string out;
    for (const auto& hop : *found) out += fmt::format("{}{}:{}", out.empty() ? "" : " ", hop.name, hop.port);
    return out;
  }
  std::vector<mail::Outcome> deliver(const std::vector<std::string>& to, std::string domain) {
    store::QueueEntry entry;
    entry.sender = address("alice@us.example");
    entry.created = clock_.unix_now();
    entry.expires = entry.created + 1000;
    entry.body_type = body_type_;
    for (const auto& one : to) {
      store::QueueRecipient row{.recipient = {.address = address(one)}};
      row.domain = domain;
      row.next_at = entry.created;
      entry.recipients.push_back(std::move(row));
    }
    store::Acceptance acceptance;
    acceptance.body = store::body_of(text_);
    acceptance.enqueue = std::move(entry);
    EXPECT_TRUE(loop_.run(store_->accept(std::move(acceptance))));
    const auto claims = loop_.run(store_->queue().claim(10, std::chrono::seconds(60), {}));
    live_ = std::make_unique<config::Live>(config_);
    Courier::Parts parts{store_->queue(), router_, *live_, nullptr, nullptr, clock_, log_, metrics_};
    parts.seven_bit.spool = [this] { return store_->spool(); };
    parts.taken = taken_.get();
    courier_ = std::make_unique<Courier>(parts, loop_.executor());
    entry_ = claims->front().entry;
    return loop_.run(courier_->deliver(claims->front()));
  }
  Answer ask(std::string_view to) {
    if (!callout_) {
      live_ = std::make_unique<config::Live>(config_);
      callout_ = std::make_unique<Callout>(Callout::Parts{router_, *live_, nullptr, clock_, log_, nullptr, callout_room_});
    }
    return loop_.run(callout_->ask(config_.gate->relays.front(), address(to)));
  }

  std::string text_ = "Subject: hello\r\n\r\nbody\r\n";
  store::QueueEntry entry_;  ///< delivered last
  mail::BodyType body_type_ = mail::BodyType::seven_bit;
  FakeClock clock_;
  Log log_{LogLevel::off, null_sink()};
  Metrics metrics_;
  test::SmtpSink sink_;
  test::TestLoop loop_;
  dns::Zone zone_{
      "behind.example. MX 10 us.example.\nkept.example. MX 10 main.kept.example.\nkept.example. MX 20 us.example.\n"
      "main.kept.example. A 198.51.100.1\n"};
  config::Config config_;
  Router router_{zone_, {}};
  std::unique_ptr<store::memory::MemoryStore> store_ = store::memory::make(clock_);
  std::unique_ptr<queue::Taken> taken_;  ///< null unless a test wants notes
  std::unique_ptr<config::Live> live_;
  std::unique_ptr<Courier> courier_;
  std::unique_ptr<Callout> callout_;
  std::size_t callout_room_ = Callout::max_remembered;
};

TEST_F(RelayTest, LeadsWhereTheConfigurationSays) {
  EXPECT_EQ(hops("behind.example"), "failed 5.4.6");  // our own MX: a loop without an entry
  relay("behind.example").host = {"inner.example", 2525};
  relay("kept.example");
  relay("bob@us.example").host = {"10.0.0.7", 24};
  config_.outbound.smart_host = {"smart.example", 587};
  EXPECT_EQ(hops("behind.example"), "inner.example:2525");
  EXPECT_EQ(hops("kept.example"), "main.kept.example:25");
  EXPECT_EQ(hops("bob@us.example"), "10.0.0.7:24");
  EXPECT_EQ(hops("elsewhere.example"), "smart.example:587");
  EXPECT_EQ(hops("gone@us.example"), "deferred 4.4.4");
}

TEST_F(RelayTest, DeliversToAPrivateAddress) {
  relay_to_sink("behind.example");
  const auto outcomes = deliver({"known@behind.example"}, "behind.example");
  EXPECT_EQ(outcomes[0].kind, Kind::delivered) << outcomes[0].text;
  ASSERT_EQ(sink_.messages.size(), 1U);
  EXPECT_EQ(sink_.count("EHLO"), 1U);
}

TEST_F(RelayTest, RequiredTlsWaitsForIt) {
  relay_to_sink("behind.example").tls = config::TlsUse::required;
  const auto outcomes = deliver({"known@behind.example"}, "behind.example");
  EXPECT_EQ(outcomes[0].kind, Kind::deferred);
  EXPECT_TRUE(sink_.messages.empty());
}

// RFC 2033 §4.2
TEST_F(RelayTest, LmtpAnswersForEachRecipient) {
  relay_to_sink("behind.example").protocol = config::Relay::Protocol::lmtp;
  sink_.answer = [](const std::string& line) -> std::string {
    if (line.starts_with("LHLO")) return "250-sink.example\r\n250 PIPELINING\r\n";
    if (line.starts_with("RCPT TO:<c@")) return "550 5.1.1 nobody\r\n";
    if (line == ".") return "250 2.0.0 ok\r\n452 4.2.2 full\r\n";
    return "";
  };
  const auto outcomes = deliver({"a@behind.example", "c@behind.example", "b@behind.example"}, "behind.example");
  EXPECT_EQ(outcomes[0].kind, Kind::delivered);
  EXPECT_EQ(outcomes[1].kind, Kind::failed);
  EXPECT_EQ(outcomes[2].kind, Kind::deferred);
  EXPECT_EQ(outcomes[2].enhanced.to_string(), "4.2.2");
  EXPECT_EQ(sink_.count("EHLO"), 0U);
}

// queue/taken.h: a note for each recipient that was taken, and for nobody else.
TEST_F(RelayTest, NotesWhoWasTaken) {
  const test::Folder folder;
  for (const auto protocol : {config::Relay::Protocol::smtp, config::Relay::Protocol::lmtp}) {
    const auto file = folder.path() / fmt::format("taken.{}", static_cast<int>(protocol));
    taken_ = queue::Taken::open(file, log_).value();
    config_.gate->relays.clear();
    relay_to_sink("behind.example").protocol = protocol;
    sink_.answer = [](const std::string& line) -> std::string {
      if (line.starts_with("LHLO")) return "250-sink.example\r\n250 PIPELINING\r\n";
      return line.starts_with("RCPT TO:<c@") ? "550 5.1.1 nobody\r\n" : "";
    };
    const auto outcomes = deliver({"a@behind.example", "c@behind.example"}, "behind.example");
    ASSERT_EQ(outcomes[0].kind, Kind::delivered) << outcomes[0].text;
    ASSERT_EQ(outcomes[1].kind, Kind::failed);
    const auto notes = queue::Taken::open(file, log_).value()->take_left();
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_TRUE(queue::Taken::speaks_for(notes[0], entry_, entry_.recipients[0]));
    loop_.run(courier_->stop());
    courier_.reset();
  }
}

// RFC 6152 §3: a server without 8BITMIME gets no octet above 127, also behind a [[relay]] and over LMTP.
TEST_F(RelayTest, EightBitMailIsRecodedWhereTheOtherServerIsOld) {
  text_ = "Subject: hello\r\n\r\nIn the caf\xc3\xa9\r\n";
  body_type_ = mail::BodyType::eight_bit_mime;
  for (const auto protocol : {config::Relay::Protocol::smtp, config::Relay::Protocol::lmtp}) {
    for (const bool modern : {false, true}) {
      config_.gate->relays.clear();
      sink_.messages.clear();
      relay_to_sink("behind.example").protocol = protocol;
      sink_.offers = {"PIPELINING"};
      if (modern) sink_.offers.emplace_back("8BITMIME");
      sink_.answer = [modern](const std::string& line) -> std::string {
        if (!line.starts_with("LHLO")) return "";
        return modern ? "250-sink.example\r\n250-8BITMIME\r\n250 PIPELINING\r\n" : "250-sink.example\r\n250 PIPELINING\r\n";
      };
      const auto outcomes = deliver({"a@behind.example"}, "behind.example");
      ASSERT_EQ(outcomes[0].kind, Kind::delivered) << outcomes[0].text;
      ASSERT_EQ(sink_.messages.size(), 1U);
      const auto& got = sink_.messages[0];
      EXPECT_EQ(got.mail.find("BODY=8BITMIME") != std::string::npos, modern) << got.mail;
      EXPECT_EQ(got.content.find("caf\xc3\xa9") != std::string::npos, modern) << got.content;
      EXPECT_EQ(got.content.find("caf=C3=A9") != std::string::npos, !modern) << got.content;
      loop_.run(courier_->stop());
      courier_.reset();
    }
  }
}

// RFC 2033 §4.2, after a message that was recoded.
TEST_F(RelayTest, LmtpAnswersForEachRecipientOfARecodedMessage) {
  text_ = "Subject: hello\r\n\r\nIn the caf\xc3\xa9\r\n";
  body_type_ = mail::BodyType::eight_bit_mime;
  relay_to_sink("behind.example").protocol = config::Relay::Protocol::lmtp;
  sink_.answer = [](const std::string& line) -> std::string {
    if (line.starts_with("LHLO")) return "250-sink.example\r\n250 PIPELINING\r\n";
    if (line == ".") return "250 2.0.0 ok\r\n452 4.2.2 full\r\n";
    return "";
  };
  const auto outcomes = deliver({"a@behind.example", "b@behind.example"}, "behind.example");
  EXPECT_EQ(outcomes[0].kind, Kind::delivered) << outcomes[0].text;
  EXPECT_EQ(outcomes[1].kind, Kind::deferred);
  ASSERT_EQ(sink_.messages.size(), 1U);
  EXPECT_NE(sink_.messages[0].content.find("caf=C3=A9"), std::string::npos);
}

TEST_F(RelayTest, UndeclaredEightBitMailIsRecodedToo) {
  text_ = "Subject: hello\r\n\r\nIn the caf\xc3\xa9\r\n";
  relay_to_sink("behind.example");
  sink_.offers = {"PIPELINING"};
  EXPECT_EQ(deliver({"a@behind.example"}, "behind.example")[0].kind, Kind::delivered);
  ASSERT_EQ(sink_.messages.size(), 1U);
  EXPECT_NE(sink_.messages[0].content.find("caf=C3=A9"), std::string::npos);
}

TEST_F(RelayTest, EachOutcomeHasItsCounter) {
  relay_to_sink("behind.example");
  sink_.answer = [](const std::string& line) -> std::string {
    if (line.starts_with("RCPT TO:<no@")) return "550 5.1.1 no\r\n";
    return line.starts_with("RCPT TO:<later") ? "450 4.2.1 later\r\n" : "";
  };
  deliver({"a@behind.example", "b@behind.example", "c@behind.example", "no@behind.example", "later1@behind.example",
           "later2@behind.example"},
          "behind.example");
  const auto text = metrics_.exposition();
  for (const std::string_view line : {"{outcome=\"delivered\"} 3", "{outcome=\"failed\"} 1", "{outcome=\"deferred\"} 2"})
    EXPECT_TRUE(text.contains(line)) << line << "\n" << text;
}

TEST_F(RelayTest, CalloutAsksAndRemembers) {
  relay_to_sink("behind.example");
  sink_.answer = [](const std::string& line) -> std::string {
    if (line.starts_with("RCPT TO:<nobody@")) return "550 5.1.1 nobody\r\n";
    if (line.starts_with("RCPT TO:<later@")) return "450 4.2.1 later\r\n";
    return "";
  };
  EXPECT_EQ(ask("known@behind.example"), Answer::yes);
  EXPECT_EQ(ask("nobody@behind.example"), Answer::no);
  EXPECT_EQ(ask("later@behind.example"), Answer::unsure);
  EXPECT_EQ(sink_.messages.size(), 0U);
  EXPECT_EQ(sink_.count("MAIL FROM:<>"), 3U);
  EXPECT_EQ(sink_.count("DATA"), 0U);
  for (const char* to : {"known@behind.example", "nobody@behind.example", "later@behind.example"}) ask(to);
  EXPECT_EQ(sink_.connections, 3U);
  clock_.advance(Callout::remember_trouble + std::chrono::seconds(1));
  EXPECT_EQ(ask("later@behind.example"), Answer::unsure);
  EXPECT_EQ(sink_.connections, 4U);
  clock_.advance(Callout::remember_no);
  EXPECT_EQ(ask("nobody@behind.example"), Answer::no);
  EXPECT_EQ(ask("known@behind.example"), Answer::yes);
  EXPECT_EQ(sink_.connections, 5U);
}

async::Task<> put_in(Answer& out, async::Task<Answer> asked) { out = co_await std::move(asked); }

TEST_F(RelayTest, CalloutsForOneRecipientAreOneQuestion) {
  relay_to_sink("behind.example");
  sink_.answer = [](const std::string& line) {
    return line.starts_with("RCPT TO:<nobody@") ? std::string("550 5.1.1 nobody\r\n") : std::string();
  };
  EXPECT_EQ(ask("other@behind.example"), Answer::yes);
  std::array<Answer, 8> answers{};
  answers.fill(Answer::unsure);
  for (auto& answer : answers) {
    loop_.spawn(put_in(answer, callout_->ask(config_.gate->relays.front(), address("nobody@behind.example"))));
  }
  EXPECT_EQ(ask("known@behind.example"), Answer::yes) << "another recipient is a question of its own";
  EXPECT_EQ(ask("nobody@behind.example"), Answer::no);
  for (const auto answer : answers) EXPECT_EQ(answer, Answer::no);
  EXPECT_EQ(sink_.count("RCPT TO:<nobody@"), 1U);
  EXPECT_EQ(sink_.connections, 3U);
  clock_.advance(Callout::remember_no + std::chrono::seconds(1));
  EXPECT_EQ(ask("nobody@behind.example"), Answer::no) << "what is done is no longer under way";
  EXPECT_EQ(sink_.connections, 4U);
}

// Whoever tries one name after the other fills the memory, not the machine: it takes no more until an answer has had its time.
TEST_F(RelayTest, CalloutRemembersOnlySoManyAnswers) {
  callout_room_ = 2;
  relay_to_sink("behind.example");
  sink_.answer = [](const std::string& line) {
    return line.starts_with("RCPT TO:<nobody@") ? std::string("550 5.1.1 nobody\r\n") : std::string();
  };
  for (const char* to : {"first@behind.example", "nobody@behind.example", "third@behind.example"}) ask(to);
  EXPECT_EQ(callout_->remembered(), callout_room_);
  for (const char* to : {"first@behind.example", "nobody@behind.example"}) ask(to);
  EXPECT_EQ(sink_.connections, 3U);
  EXPECT_EQ(ask("third@behind.example"), Answer::yes) << "asked anew, and answered";
  EXPECT_EQ(sink_.connections, 4U);
  clock_.advance(Callout::remember_no + std::chrono::seconds(1));
  ask("third@behind.example");
  EXPECT_EQ(callout_->remembered(), callout_room_) << "in the place of the one that had its time";
  ask("third@behind.example");
  EXPECT_EQ(sink_.connections, 5U);
}

TEST_F(RelayTest, WhoeverCannotBeAskedIsUnsure) {
  auto& entry = relay("behind.example");
  entry.host = {"127.0.0.1", 1};  // nobody listens there
  EXPECT_EQ(ask("known@behind.example"), Answer::unsure);
  callout_.reset();
  config_.gate->relays.clear();
  relay_to_sink("behind.example");
  sink_.answer = [](const std::string& line) {
    return line.starts_with("MAIL") ? std::string("550 5.7.1 no\r\n") : std::string();
  };
  EXPECT_EQ(ask("known@behind.example"), Answer::unsure);
  callout_.reset();
  config_.gate->relays.front().tls = config::TlsUse::required;
  EXPECT_EQ(ask("known@behind.example"), Answer::unsure);
}

// A server that knows its senders by their login tells a stranger nothing about recipients, so it is never asked without.
TEST_F(RelayTest, WhereALoginIsDueNobodyAsksWithout) {
  relay_to_sink("behind.example").user = "gateway";
  sink_.answer = [](const std::string& line) {
    return line.starts_with("RCPT") ? std::string("554 5.7.1 relay access denied\r\n") : std::string();
  };
  EXPECT_EQ(ask("known@behind.example"), Answer::unsure);
  EXPECT_EQ(sink_.count("RCPT"), 0U);
}

}  // namespace
}  // namespace postern::outbound
