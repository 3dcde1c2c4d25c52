// SPDX-License-Identifier: Apache-2.0
// CourierTest: the courier against real sockets on loopback, with DNS from a zone and mail from the in-memory store.
#pragma once

#include <gtest/gtest.h>

#include "config/gate.h"
#include "config/way_out.h"
#include "dns/zone.h"
#include "outbound/courier.h"
#include "store/memory/ledger.h"
#include "store/memory/memory.h"
#include "tests/outbound/sts_server.h"
#include "tests/support/smtp_sink.h"

namespace postern::outbound {

using Kind = mail::Outcome::Kind;

inline mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

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

}  // namespace postern::outbound
