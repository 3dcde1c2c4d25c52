// SPDX-License-Identifier: Apache-2.0
// AdminHouse: what the commands work on: the store in memory, a directory, and an authentication that keeps what it is given.
#pragma once

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <map>

#include "admin/control.h"
#include "admin/json.h"
#include "async/executor.h"
#include "auth/service_factory.h"
#include "store/accounts.h"
#include "store/memory/memory.h"
#include "tests/support/folder.h"
#include "tests/support/net.h"

namespace postern::admin {

/// Takes passwords of at least 8 octets, with advice for those that begin with "rather", and keeps them; nobody logs in here.
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
  async::Task<Result<>> change_password(auth::PasswordChange change) override {
    if (passwords[change.account] != change.old_password.reveal())
      co_return fail(ErrorKind::denied, "The old password is wrong.");
    co_return co_await set_password(change.account, std::move(change.password));
  }
  async::Task<Result<std::vector<auth::Judgement>>> judge(std::vector<auth::PasswordWish> wishes) override {
    std::vector<auth::Judgement> out;
    for (const auto& wish : wishes) {
      auth::Judgement one;
      if (wish.password.size() < 8) one.objection = {auth::Weakness::too_short, "Too short: the gate says no."};
      if (wish.password.reveal().starts_with("rather")) one.advice = "Accepted. It could be longer.";
      out.push_back(std::move(one));
    }
    co_return out;
  }
  async::Task<Result<Secret>> generate(auth::Person, unsigned words) override {
    co_return Secret("generated-password-of-" + std::to_string(words));
  }
};

/// libsasl2 can be started once in a process.
inline auth::SaslLibrary& sasl_library() {
  static Log log(LogLevel::off, null_sink());
  static auto library = auth::SaslLibrary::start(log);
  return *library.value();
}

class AdminHouse : public testing::Test {
 protected:
  AdminHouse() : store_(store::memory::make(clock_)), directory_(store_->accounts(), log_) {
    EXPECT_TRUE(loop_.run(directory_.load()));
    auth::Settings settings;
    settings.key_file = folder_.path() / "auth.key";
    settings.cost = {.argon2_memory = 8192, .argon2_ops = 1, .scram_iterations = 64};
    auto made = async::run_alone(
        auth::make_front({store_->credentials(), directory_, sasl_library(), clock_, log_, metrics_}, std::move(settings)));
    front_ = std::move(made.value());
  }

  Context context() { return {*store_, directory_, auth_, clock_, live_, *front_.office}; }
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
  Metrics metrics_;
  test::Folder folder_;
  auth::Front front_;  ///< its office is real
};

}  // namespace postern::admin
