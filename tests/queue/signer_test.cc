// SPDX-License-Identifier: Apache-2.0
// What leaves is signed, and what the verifier of port 25 reads from the queue passes.
#include "queue/signer.h"

#include "config/way_out.h"
#include "dns/zone.h"
#include "mime/header.h"
#include "policy/dkim_book.h"
#include "policy/dkim_verify.h"
#include "tests/queue/house.h"
#include "tests/support/dkim.h"
#include "tests/support/folder.h"

namespace postern::queue {
namespace {

using policy::DkimCode;

class SignerTest : public House {
 protected:
  SignerTest() { door_.sign_by(&signer_); }
  ~SignerTest() override { door_.sign_by(nullptr); }

  policy::DkimKey key(std::string domain, policy::DkimAlgorithm algorithm) {
    auto made = book_->create({std::move(domain), {}, algorithm, 2048, true}).value();
    zone_.add(made.name() + ". TXT \"" + made.record().substr(0, 200) + "\" \"" +
              (made.record().size() > 200 ? made.record().substr(200) : "") + "\"");
    return made;
  }
  Arrival ours(std::string_view text = small_message) {
    auto made = arrival(text);
    made.ours = true;
    return made;
  }
  /// The only message in the queue, as it is sent.
  std::string sent() {
    const auto entries = queued();
    EXPECT_EQ(entries.size(), 1U);
    const auto body = loop_.run(store_->queue().body(entries.at(0).id)).value();
    return read(*body);
  }
  std::vector<policy::DkimResult> verify(const std::string& message) {
    return test::verify_dkim(loop_, zone_, message, clock_.unix_now());
  }

  test::Folder folder_;
  dns::Zone zone_{"example.org. TXT \"x\""};
  std::unique_ptr<policy::DkimBook> book_ = policy::DkimBook::open(folder_.path(), clock_).value();
  Signer signer_{{*book_, live_, clock_, log_, metrics_}};
};

TEST_F(SignerTest, TheVerifierPassesBothAlgorithms) {
  key("example.org", policy::DkimAlgorithm::rsa_sha256);
  key("example.org", policy::DkimAlgorithm::ed25519_sha256);
  auto made = ours();
  made.remote.push_back(remote("carol@remote.example"));
  ASSERT_TRUE(accept(std::move(made)));
  const auto message = sent();
  EXPECT_TRUE(message.starts_with("DKIM-Signature: ")) << message;
  const auto results = verify(message);
  ASSERT_EQ(results.size(), 2U);
  for (const auto& one : results) {
    EXPECT_EQ(one.code, DkimCode::pass) << one.reason;
    EXPECT_EQ(one.domain, "example.org");
    EXPECT_TRUE(one.counts());
  }
  // Over-signed: nothing can be added, nothing changed.
  const auto second_from = std::string("From: eve@evil.example\r\n") + message;
  EXPECT_EQ(verify(second_from).at(0).code, DkimCode::fail);
  const auto reply_to = std::string("Reply-To: eve@evil.example\r\n") + message;
  EXPECT_EQ(verify(reply_to).at(0).code, DkimCode::fail);
  EXPECT_EQ(verify(message + "more\r\n").at(0).code, DkimCode::fail);
  auto subject = message;
  subject.replace(subject.find("Lunch"), 5, "Money");
  EXPECT_EQ(verify(subject).at(0).code, DkimCode::fail);
  // What every relay does is no change.
  EXPECT_EQ(verify("Received: by relay.example\r\n" + message).at(0).code, DkimCode::pass);
}

TEST_F(SignerTest, BodiesInFilesAreReadInPieces) {
  key("example.org", policy::DkimAlgorithm::ed25519_sha256);
  auto spool = store_->spool();
  ASSERT_TRUE(spool->write(small_message));
  // Lines that straddle every piece, white space and empty lines at the ends.
  std::string line(997, 'x');
  line += " \t\r\n\r\n";
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(spool->write(line));
  auto made = ours();
  made.body = spool->finish().value();
  made.remote.push_back(remote("carol@remote.example"));
  ASSERT_TRUE(accept(std::move(made)));
  const auto message = sent();
  EXPECT_GT(message.size(), 3'000'000U);
  const auto results = verify(message);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].code, DkimCode::pass) << results[0].reason;
}

TEST_F(SignerTest, ContentsOfEveryKind) {
  key("example.org", policy::DkimAlgorithm::ed25519_sha256);
  const std::string from = "From: alice@example.org\r\nSubject: x\r\n";
  for (const auto& text :
       {from + "\r\n", from, from + "\r\nno line end", from + "\r\n\r\n\r\n", from + "\r\n.\r\n..dots\r\n",
        from + "\r\nGr\xc3\xbc\xc3\x9f e\r\n", std::string("From: \xc3\xa4 <alice@example.org>\r\n\r\nx\r\n")}) {
    auto made = ours(text);
    made.remote.push_back(remote("carol@remote.example"));
    ASSERT_TRUE(accept(std::move(made)));
    const auto results = verify(sent());
    ASSERT_EQ(results.size(), 1U) << text;
    EXPECT_EQ(results[0].code, DkimCode::pass) << text << results[0].reason;
    ASSERT_TRUE(loop_.run(store_->queue().order({}, store::QueueOrder::remove)));
  }
}

TEST_F(SignerTest, OnlyWhatIsOursAndLeavesIsSigned) {
  key("example.org", policy::DkimAlgorithm::ed25519_sha256);
  // A stranger's mail that is forwarded, whoever it says that it is from.
  auto strange = arrival();
  strange.remote.push_back(remote("carol@remote.example"));
  ASSERT_TRUE(accept(std::move(strange)));
  EXPECT_TRUE(verify(sent()).empty());
  ASSERT_TRUE(loop_.run(store_->queue().order({}, store::QueueOrder::remove)));
  // An author elsewhere, several From fields, the switch.
  for (const auto& text : {std::string("From: carol@remote.example\r\n\r\nx\r\n"),
                           std::string("From: alice@example.org\r\nFrom: eve@evil.example\r\n\r\nx\r\n")}) {
    auto made = ours(text);
    made.remote.push_back(remote("carol@remote.example"));
    ASSERT_TRUE(accept(std::move(made)));
    EXPECT_TRUE(verify(sent()).empty()) << text;
    ASSERT_TRUE(loop_.run(store_->queue().order({}, store::QueueOrder::remove)));
  }
  auto config = make_config();
  config.way_out->dkim.sign = false;
  live_.replace(config);
  auto off = ours();
  off.remote.push_back(remote("carol@remote.example"));
  ASSERT_TRUE(accept(std::move(off)));
  EXPECT_TRUE(verify(sent()).empty());
  // Copies that stay carry none.
  live_.replace(make_config());
  auto local = ours();
  local.local.push_back({bob_, "bob@example.org"});
  ASSERT_TRUE(accept(std::move(local)));
  EXPECT_EQ(inbox(bob_).at(0).find("DKIM-Signature"), std::string::npos);
}

TEST_F(SignerTest, NoticesAreSignedByTheDomainAboveOurName) {
  key("example.org", policy::DkimAlgorithm::ed25519_sha256);
  store::QueueEntry entry;
  auto made = arrival();
  made.envelope.sender = address("carol@remote.example");
  made.remote.push_back(remote("dave@other.example"));
  ASSERT_TRUE(accept(std::move(made)));
  entry = queued().at(0);
  DsnRecipient about{entry.recipients[0].recipient, CourierFake::failed(), false};
  ASSERT_TRUE(loop_.run(bouncer_.notify(entry, Dsn::Action::failed, {about})));
  ASSERT_TRUE(loop_.run(store_->queue().order({.id = entry.id}, store::QueueOrder::remove)));
  const auto results = verify(sent());
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].code, DkimCode::pass) << results[0].reason;
  EXPECT_EQ(results[0].domain, "example.org");
}

}  // namespace
}  // namespace postern::queue
