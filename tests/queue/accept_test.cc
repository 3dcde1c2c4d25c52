// SPDX-License-Identifier: Apache-2.0
#include "queue/accept.h"

#include <set>

#include "base/random.h"
#include "mime/part_codec.h"
#include "tests/queue/house.h"

namespace postern::queue {
namespace {

using DoorTest = House;

TEST_F(DoorTest, OneMessageReachesMailboxAndQueue) {
  auto made = arrival();
  made.local.push_back({bob_, "bob@example.org"});
  made.remote.push_back(remote("carol@example.net", mail::notify_success));
  made.envelope.envid = "id";
  const auto receipt = accept(std::move(made));
  ASSERT_TRUE(receipt) << receipt.error().text;
  EXPECT_EQ(receipt->local, 1U);
  EXPECT_EQ(receipt->remote, 1U);
  EXPECT_EQ(inbox(bob_), std::vector<std::string>{"Return-Path: <alice@example.org>\r\nDelivered-To: bob@example.org\r\n"
                                                  "Received: by mx.example.org\r\n" +
                                                  std::string(small_message)});
  const auto entries = queued();
  ASSERT_EQ(entries.size(), 1U);
  const auto& entry = entries[0];
  EXPECT_EQ(entry.prefix, "Received: by mx.example.org\r\n");
  EXPECT_EQ(entry.account, alice_);
  EXPECT_EQ(entry.bounce, store::BounceRight::authenticated);
  EXPECT_EQ(entry.envid, "id");
  EXPECT_EQ(entry.expires - entry.created, 5 * 86400);
  ASSERT_EQ(entry.recipients.size(), 1U);
  EXPECT_EQ(entry.recipients[0].domain, "example.net");
  EXPECT_EQ(entry.recipients[0].recipient.notify, mail::notify_success);
  EXPECT_NE(lines_.back().find("queue accepted id=" + receipt->id), std::string::npos) << lines_.back();
}

// RFC 6152 §3: what is announced to the next server is what is there, whatever the sender called it.
TEST_F(DoorTest, EightBitContentIsCalledSo) {
  const std::pair<std::string, mail::BodyType> rows[] = {
      {std::string(small_message), mail::BodyType::seven_bit},
      {std::string(small_message) + "caf\xc3\xa9\r\n", mail::BodyType::eight_bit_mime},
      {"Subject: caf\xc3\xa9\r\n" + std::string(small_message), mail::BodyType::eight_bit_mime},
  };
  for (const auto& [text, type] : rows) {
    auto made = arrival(text);
    made.remote.push_back(remote("carol@example.net"));
    ASSERT_TRUE(accept(std::move(made)));
    EXPECT_EQ(queued().back().body_type, type) << text;
  }
  auto said = arrival();
  said.envelope.body = mail::BodyType::eight_bit_mime;
  said.remote.push_back(remote("carol@example.net"));
  ASSERT_TRUE(accept(std::move(said)));
  EXPECT_EQ(queued().back().body_type, mail::BodyType::eight_bit_mime) << "what the sender says is kept";
}

TEST_F(DoorTest, KeepsOneCopyForEachMailboxAndAddress) {
  auto made = arrival();
  made.local = {{bob_, "bob@example.org"}, {alice_, "alice@example.org"}, {bob_, "info@example.org"}};
  made.remote.push_back(remote("carol@example.net"));
  made.remote.push_back(remote("Carol@example.net"));
  made.remote.push_back(remote("carol@EXAMPLE.net"));
  const auto receipt = accept(std::move(made));
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->local, 2U);
  EXPECT_EQ(receipt->remote, 2U) << "local parts elsewhere are case-sensitive, domains are not";
  EXPECT_EQ(inbox(bob_).size(), 1U);
}

TEST_F(DoorTest, ANullSendersMailLivesShorter) {
  auto made = arrival();
  made.envelope.sender.reset();
  made.remote.push_back(remote("carol@example.net"));
  made.local.push_back({bob_, "bob@example.org"});
  ASSERT_TRUE(accept(std::move(made)));
  EXPECT_EQ(queued()[0].expires - queued()[0].created, 86400);
  EXPECT_TRUE(inbox(bob_)[0].starts_with("Return-Path: <>\r\n"));
}

TEST_F(DoorTest, ComputesWhatImapWantsToKnow) {
  auto made = arrival();
  made.local.push_back({bob_, "bob@example.org"});
  ASSERT_TRUE(accept(std::move(made)));
  auto session = store_->session(test::identity(bob_));
  const auto box = loop_.run(session->list())->front();
  const auto fields = static_cast<store::MetaFields>(store::meta_envelope | store::meta_structure | store::meta_parts);
  const auto info = loop_.run(session->info(box.id, store::UidSet::all(), fields));
  ASSERT_TRUE(info && info->size() == 1);
  const auto& one = info->front();
  EXPECT_NE(one.meta.envelope.find("\"Lunch\""), std::string::npos);
  EXPECT_NE(one.meta.bodystructure.find("\"plain\""), std::string::npos) << one.meta.bodystructure;
  const auto tree = mime::decode_parts(one.meta.parts);
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->root().body_end, small_message.size());
}

/// A body that is only reachable through read(), as one in a file.
class FileLikeBody final : public store::Body {
 public:
  explicit FileLikeBody(std::string text) : text_(std::move(text)) {}
  std::uint64_t size() const override { return text_.size(); }
  std::string_view memory() const override { return {}; }
  int descriptor() const override { return 0; }
  Result<std::size_t> read(std::uint64_t offset, std::span<char> out) const override {
    const auto piece = std::string_view(text_).substr(std::min<std::uint64_t>(offset, text_.size()), std::min(out.size(), step));
    std::ranges::copy(piece, out.begin());
    if (fail_at != 0 && offset >= fail_at) return fail(ErrorKind::io, "broken disk");
    return piece.size();
  }
  std::size_t step = 777;
  std::uint64_t fail_at = 0;

 private:
  std::string text_;
};

TEST_F(DoorTest, ReadsABodyInAFilePieceByPiece) {
  std::string text(small_message);
  for (int i = 0; i < 50'000; ++i) text += "another line of text\r\n";
  auto made = arrival();
  made.body = std::make_shared<FileLikeBody>(text);
  made.local.push_back({bob_, "bob@example.org"});
  ASSERT_TRUE(accept(std::move(made)));
  EXPECT_TRUE(inbox(bob_)[0].ends_with(text));
  auto broken = std::make_shared<FileLikeBody>(text);
  broken->fail_at = 500'000;
  made = arrival();
  made.body = broken;
  made.local.push_back({bob_, "bob@example.org"});
  const auto refused = accept(std::move(made));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::io);
  EXPECT_EQ(inbox(bob_).size(), 1U);
}

// security.md D24
TEST_F(DoorTest, SeesALoop) {
  const std::string looped = "Received: x\r\nDelivered-To: Bob@Example.org\r\n" + std::string(small_message);
  auto made = arrival(looped);
  made.local.push_back({alice_, "alice@example.org"});
  EXPECT_TRUE(accept(made)) << "another address is no loop";
  made.local.push_back({bob_, "bob@example.org"});
  const auto refused = accept(made);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::limit);
  made = arrival(std::string(small_message) + "Delivered-To: bob@example.org\r\n");
  made.local.push_back({bob_, "bob@example.org"});
  EXPECT_TRUE(accept(made)) << "the body says what it likes";
}

TEST_F(DoorTest, AForwardNamesItsOwnerAndSeesItsLoop) {
  ASSERT_TRUE(loop_.run(directory_.add_alias("club@example.org", "carol@example.net")));
  const auto found = directory_.resolve(address("club@example.org"));
  ASSERT_TRUE(found && found->forwards.size() == 1);
  auto made = arrival();
  made.remote.push_back(RemoteRecipient::by_forward(found->forwards[0], {address("club@example.org"), mail::notify_never, "o"}));
  ASSERT_TRUE(accept(made));
  const auto entry = queued()[0];
  EXPECT_TRUE(entry.prefix.starts_with("Delivered-To: club@example.org\r\n"));
  EXPECT_EQ(entry.recipients[0].recipient.notify, mail::notify_never);
  EXPECT_EQ(entry.recipients[0].recipient.orcpt, "o");
  made.body = store::body_of("Delivered-To: club@example.org\r\n" + std::string(small_message));
  EXPECT_EQ(accept(made).error().kind, ErrorKind::limit);
  // Recipients of two owners do not learn of each other.
  made = arrival();
  made.remote.push_back(RemoteRecipient::by_forward(found->forwards[0], {address("club@example.org"), 0, ""}));
  made.remote.push_back(remote("dave@example.net"));
  ASSERT_TRUE(accept(made));
  EXPECT_EQ(queued().back().prefix, made.trace);
}

TEST_F(DoorTest, RefusesWhatItCannotTake) {
  EXPECT_EQ(accept(arrival()).error().kind, ErrorKind::invalid) << "no recipient";
  auto made = arrival();
  made.local.push_back({bob_, "bob@example.org\r\nX-Evil: yes"});
  EXPECT_EQ(accept(made).error().kind, ErrorKind::invalid) << "security.md D80";
  auto config = make_config();
  config.limits.message_bytes = 10;
  live_.replace(config);
  made.local = {{bob_, "bob@example.org"}};
  EXPECT_EQ(accept(made).error().kind, ErrorKind::too_large);
  live_.replace(make_config());
  store_->fail_writes(Error{ErrorKind::no_space, "full"});
  EXPECT_EQ(accept(made).error().kind, ErrorKind::no_space);
  store_->fail_writes(std::nullopt);
  EXPECT_TRUE(inbox(bob_).empty());
  EXPECT_TRUE(accept(made));
}

TEST_F(DoorTest, IdsAreShortAndUnique) {
  std::set<std::string> seen;
  for (int i = 0; i < 20'000; ++i) seen.insert(door_.new_id());
  EXPECT_EQ(seen.size(), 20'000U);
  EXPECT_EQ(seen.begin()->size(), 15U);
}

}  // namespace
}  // namespace postern::queue
