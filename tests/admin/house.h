// SPDX-License-Identifier: Apache-2.0
// AdminHouse: what the commands work on: the store in memory, a directory, and an authentication that keeps what it is given.
#pragma once

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <map>

#include "admin/control.h"
#include "admin/json.h"
#include "store/accounts.h"
#include "store/memory/memory.h"
#include "tests/support/net.h"

namespace postern::admin {

/// Takes passwords of at least 8 octets and keeps them; nobody logs in here.
class KeepingAuth final : public auth::Service {
 public:
  std::map<mail::AccountId, std::string> passwords;

  std::vector<std::string> mechanisms(const auth::Origin&) const override { return {}; }
  std::unique_ptr<auth::Exchange> begin(auth::Origin) override { return nullptr; }
  async::Task<auth::Step> login(auth::Origin, std::string, Secret) override { co_return auth::Step{}; }
  async::Task<Result<>> set_password(mail::AccountId account, Secret password) override {
    if (password.reveal().size() < 8) co_return fail(ErrorKind::denied, "Too short: the gate says no.");
    passwords[account] = std::string(password.reveal());
    co_return Result<>();
  }
};

class AdminHouse : public testing::Test {
 protected:
  AdminHouse() : store_(store::memory::make(clock_)), directory_(store_->accounts(), log_) {
    EXPECT_TRUE(loop_.run(directory_.load()));
  }

  Context context() { return {*store_, directory_, auth_, clock_, live_}; }
  Answer run(std::string name, std::string_view arguments = "{}") {
    return loop_.run(run_command(context(), std::move(name), parse_object(arguments).value()));
  }
  /// The answer as JSON text, or "kind: text" of the error.
  std::string text(std::string name, std::string_view arguments = "{}") {
    const auto answer = run(std::move(name), arguments);
    if (!answer) return std::string(to_string(answer.error().kind)) + ": " + answer.error().text;
    return boost::json::serialize(*answer);
  }
  store::QueueId enqueue(std::string_view to) {
    const auto address = mail::Address::parse(to).value();
    store::QueueEntry entry;
    entry.sender = mail::Address::parse("alice@example.org").value();
    entry.created = clock_.unix_now();
    entry.expires = entry.created + 3600;
    store::QueueRecipient recipient{.recipient = {address, mail::notify_unset, {}}};
    recipient.domain = address.domain_text();
    recipient.next_at = entry.created;
    entry.recipients.push_back(recipient);
    store::Acceptance acceptance;
    acceptance.body = store::body_of("Subject: lunch\r\nX-Two: 2\r\n\r\nSecret text\r\n");
    acceptance.enqueue = std::move(entry);
    return loop_.run(store_->accept(std::move(acceptance))).value().queued.value();
  }

  FakeClock clock_;
  Log log_{LogLevel::off, null_sink()};
  test::TestLoop loop_;
  config::Live live_{config::Config{}};
  std::unique_ptr<store::memory::MemoryStore> store_;
  auth::Directory directory_;
  KeepingAuth auth_;
};

}  // namespace postern::admin
