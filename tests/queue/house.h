// SPDX-License-Identifier: Apache-2.0
// House: the store in memory, a directory with example.org (alice, bob), a door and a bouncer, on one test loop.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "queue/bounce.h"
#include "queue/courier_fake.h"
#include "queue/runner.h"
#include "store/memory/memory.h"
#include "tests/support/identity.h"
#include "tests/support/net.h"

namespace postern::queue {

inline mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }
inline constexpr std::string_view small_message =
    "From: alice@example.org\r\nSubject: Lunch\r\nMessage-ID: <1@x>\r\n\r\nhello\r\n";

class House : public testing::Test {
 protected:
  House()
      : store_(store::memory::make(clock_)),
        log_(LogLevel::debug, [this](LogLevel, std::string_view line) { lines_.emplace_back(line); }),
        live_(make_config()),
        directory_(store_->accounts(), log_),
        door_({*store_, live_, clock_, log_, metrics_}),
        bouncer_({door_, directory_, store_->queue(), live_, clock_, log_, metrics_}) {
    EXPECT_TRUE(loop_.run(directory_.load()));
    EXPECT_TRUE(loop_.run(directory_.add_domain("example.org")));
    alice_ = loop_.run(directory_.add_account("alice@example.org", {})).value();
    bob_ = loop_.run(directory_.add_account("bob@example.org", {})).value();
  }

  static config::Config make_config() {
    config::Config config;
    config.server.hostname = "mx.example.org";
    return config;
  }

  Arrival arrival(std::string_view text = small_message) {
    Arrival made;
    made.envelope.sender = address("alice@example.org");
    made.body = store::body_of(std::string(text));
    made.trace = "Received: by mx.example.org\r\n";
    made.account = alice_;
    made.bounce = store::BounceRight::authenticated;
    return made;
  }
  RemoteRecipient remote(std::string_view to, unsigned char notify = mail::notify_unset) {
    return RemoteRecipient::by_right({address(to), notify, {}}, test::relay_right(alice_));
  }
  Result<Receipt> accept(Arrival made) { return loop_.run(door_.accept(std::move(made), door_.new_id())); }

  std::vector<store::QueueEntry> queued() { return loop_.run(store_->queue().list({})).value(); }

  /// The messages in an account's INBOX.
  std::vector<std::string> inbox(store::AccountId account) {
    auto session = store_->session(test::identity(account));
    std::vector<std::string> out;
    const auto boxes = loop_.run(session->list());
    if (!boxes) return out;
    const auto& box = boxes->front();
    for (store::Uid uid = 1; uid < box.uidnext; ++uid) {
      auto body = loop_.run(session->body(box.id, uid));
      if (body) out.push_back(read(**body));
    }
    return out;
  }
  std::string read(store::BodyReader& body) {
    std::string out;
    while (out.size() < body.size()) {
      const auto piece = loop_.run(body.read(out.size(), 100'000));
      if (!piece || piece->empty()) break;
      out += *piece;
    }
    return out;
  }

  FakeClock clock_;
  std::vector<std::string> lines_;
  test::TestLoop loop_;
  std::unique_ptr<store::memory::MemoryStore> store_;
  Log log_;
  Metrics metrics_;
  config::Live live_;
  auth::Directory directory_;
  Door door_;
  Bouncer bouncer_;
  store::AccountId alice_ = 0;
  store::AccountId bob_ = 0;
};

}  // namespace postern::queue
