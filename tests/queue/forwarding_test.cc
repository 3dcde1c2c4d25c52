// SPDX-License-Identifier: Apache-2.0
// Mail that is sent on: whose sender it has, where notices go, and what is sealed.
#include "queue/forwarding.h"

#include "config/way_out.h"
#include "dns/zone.h"
#include "mime/header.h"
#include "policy/arc.h"
#include "policy/dkim_book.h"
#include "policy/srs.h"
#include "tests/queue/house.h"
#include "tests/support/folder.h"

namespace postern::queue {
namespace {

class ForwardingTest : public House {
 protected:
  ForwardingTest() {
    door_.forward_by(&forwarding_);
    EXPECT_TRUE(loop_.run(directory_.add_alias("away@example.org", "carol@remote.example")));
  }
  ~ForwardingTest() override { door_.forward_by(nullptr); }

  template <class Change>
  void change(Change change) {
    auto config = *live_.get();
    change(config.way_out->forwarding);
    live_.replace(std::move(config));
  }
  /// A stranger's message to an alias of ours, as port 25 hands it in.
  Arrival from_outside(std::string_view sender, std::string_view to = "away@example.org") {
    Arrival made;
    if (!sender.empty()) made.envelope.sender = address(sender);
    made.body = store::body_of(std::string(small_message));
    made.trace = "Received: by mx.example.org\r\n";
    made.bounce = store::BounceRight::verified;
    made.results = "mx.example.org;\r\n\tspf=pass smtp.mailfrom=example.net";
    made.arc_chain = "none";
    const auto found = directory_.resolve(address(to)).value();
    for (const auto& one : found.mailboxes) made.local.push_back({one.account, std::string(to)});
    for (const auto& one : found.forwards) made.remote.push_back(RemoteRecipient::by_forward(one, {address(to)}));
    return made;
  }
  std::string queued_sender() {
    const auto entries = queued();
    EXPECT_EQ(entries.size(), 1U);
    return mail::to_string(entries.at(0).sender);
  }
  std::string queued_text() {
    const auto body = loop_.run(store_->queue().body(queued().at(0).id)).value();
    return read(*body);
  }

  test::Folder folder_;
  policy::Srs srs_{Secret("0123456789abcdef0123456789abcdef")};
  std::unique_ptr<policy::DkimBook> book_ = policy::DkimBook::open(folder_.path(), clock_).value();
  Forwarding forwarding_{{srs_, *book_, directory_, live_, clock_, log_, metrics_}};
  Bouncer reporter_{{door_, directory_, store_->queue(), live_, clock_, log_, metrics_, &forwarding_}};
};

TEST_F(ForwardingTest, AStrangersSenderBecomesOurs) {
  ASSERT_TRUE(accept(from_outside("eve@example.net")));
  const auto sender = queued_sender();
  EXPECT_TRUE(sender.starts_with("<SRS0=")) << sender;
  EXPECT_TRUE(sender.ends_with("=example.net=eve@example.org>")) << sender;
  EXPECT_TRUE(queued_text().starts_with("Delivered-To: away@example.org\r\nReceived: ")) << queued_text();
}

TEST_F(ForwardingTest, WhoseSenderStays) {
  struct Row {
    const char* sender;
    const char* queued;
  };
  for (const auto& row :
       {Row{"", "<>"}, Row{"alice@example.org", "<alice@example.org>"}, Row{"eve@[192.0.2.1]", "<eve@[192.0.2.1]>"},
        Row{"a-name-of-more-than-forty-octets-in-its-local-part@example.net",
            "<a-name-of-more-than-forty-octets-in-its-local-part@example.net>"}}) {
    ASSERT_TRUE(accept(from_outside(row.sender)));
    EXPECT_EQ(queued_sender(), row.queued);
    ASSERT_TRUE(loop_.run(store_->queue().order({}, store::QueueOrder::remove)));
  }
  change([](auto& settings) { settings.srs = false; });
  ASSERT_TRUE(accept(from_outside("eve@example.net")));
  EXPECT_EQ(queued_sender(), "<eve@example.net>");
}

TEST_F(ForwardingTest, WhatALoginSendsIsNotTouched) {
  auto made = arrival();
  made.envelope.sender = address("alice@other.example");
  made.remote.push_back(remote("dave@remote.example"));
  const auto forward = directory_.resolve(address("away@example.org")).value();
  made.remote.push_back(RemoteRecipient::by_forward(forward.forwards[0], {address("away@example.org")}));
  ASSERT_TRUE(accept(std::move(made)));
  EXPECT_EQ(queued_sender(), "<alice@other.example>");
}

TEST_F(ForwardingTest, TheDomainMayBeChosen) {
  change([](auto& settings) { settings.srs_domain = "bounces.example.org"; });
  ASSERT_TRUE(accept(from_outside("eve@example.net")));
  EXPECT_TRUE(queued_sender().ends_with("@bounces.example.org>")) << queued_sender();
}

TEST_F(ForwardingTest, LocalCopiesShowTheTrueSender) {
  ASSERT_TRUE(loop_.run(directory_.add_alias("both@example.org", "alice@example.org")));
  ASSERT_TRUE(loop_.run(directory_.add_alias("both@example.org", "carol@remote.example")));
  ASSERT_TRUE(accept(from_outside("eve@example.net", "both@example.org")));
  ASSERT_EQ(inbox(alice_).size(), 1U);
  EXPECT_TRUE(inbox(alice_)[0].starts_with("Return-Path: <eve@example.net>\r\n")) << inbox(alice_)[0];
  EXPECT_TRUE(queued_sender().starts_with("<SRS0="));
}

TEST_F(ForwardingTest, OurOwnNoticeGoesToTheTrueSender) {
  ASSERT_TRUE(accept(from_outside("eve@example.net")));
  auto entry = queued().at(0);
  DsnRecipient failed{entry.recipients[0].recipient, {}, false};
  failed.outcome.kind = mail::Outcome::Kind::failed;
  ASSERT_TRUE(loop_.run(reporter_.notify(entry, Dsn::Action::failed, {failed})));
  const auto entries = queued();
  ASSERT_EQ(entries.size(), 2U);
  const auto& notice = entries[0].sender ? entries[1] : entries[0];
  EXPECT_FALSE(notice.sender);
  EXPECT_EQ(notice.recipients.at(0).recipient.address.to_string(), "eve@example.net");
  // design.md §3: nobody whom nothing has proven is told.
  entry.bounce = store::BounceRight::none;
  EXPECT_EQ(loop_.run(reporter_.notify(entry, Dsn::Action::failed, {failed})).error().kind, ErrorKind::denied);
}

TEST_F(ForwardingTest, ALoopIsSeenAtItsSecondArrival) {
  ASSERT_TRUE(accept(from_outside("eve@example.net")));
  auto again = from_outside("eve@example.net");
  again.body = store::body_of(queued_text());
  EXPECT_EQ(accept(std::move(again)).error().kind, ErrorKind::limit);
}

TEST_F(ForwardingTest, SealsWhenItIsSwitchedOn) {
  const auto key = book_->create({"example.org", {}, policy::DkimAlgorithm::rsa_sha256, 1024, true}).value();
  book_->create({"example.org", {}, policy::DkimAlgorithm::ed25519_sha256, 0, true}).value();
  ASSERT_TRUE(accept(from_outside("eve@example.net")));
  EXPECT_EQ(queued_text().find("ARC-"), std::string::npos) << "off by default";
  ASSERT_TRUE(loop_.run(store_->queue().order({}, store::QueueOrder::remove)));
  change([](auto& settings) { settings.arc = true; });
  ASSERT_TRUE(accept(from_outside("eve@example.net")));
  const auto text = queued_text();
  EXPECT_TRUE(text.starts_with("ARC-Seal: i=1; a=rsa-sha256;")) << text;
  EXPECT_NE(text.find("ARC-Authentication-Results: i=1; mx.example.org;\r\n\tspf=pass"), std::string::npos) << text;
  dns::Zone zone(key.name() + ". TXT \"" + key.record() + "\"");
  const auto end = mime::find_header_end(text);
  const auto header = text.substr(0, end.fields_end);
  const policy::SignedFields fields(header);
  policy::BodyHashes hashes;
  policy::ArcVerifier verifier(fields, hashes);
  hashes.feed(std::string_view(text).substr(end.body_begin));
  hashes.finish();
  const auto result = loop_.run(verifier.verify(zone, clock_.unix_now()));
  EXPECT_EQ(result.code, policy::ArcCode::pass) << result.reason << "\n" << text;
}

TEST_F(ForwardingTest, WhatWasNotLookedAtIsNotSealed) {
  book_->create({"example.org", {}, policy::DkimAlgorithm::rsa_sha256, 1024, true}).value();
  change([](auto& settings) { settings.arc = true; });
  auto made = from_outside("eve@example.net");
  made.results.clear();
  ASSERT_TRUE(accept(std::move(made)));
  EXPECT_EQ(queued_text().find("ARC-"), std::string::npos);
}

}  // namespace
}  // namespace postern::queue
