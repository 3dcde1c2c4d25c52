// SPDX-License-Identifier: Apache-2.0
// The house with submission: services "587", "465" and "trusted" beside "25", and a login service that knows alice, bob and
// two names that stand for trouble.
#pragma once

#include "auth/service.h"
#include "base/encoding.h"
#include "config/way_out.h"
#include "submission/device.h"
#include "submission/handler.h"
#include "submission/trusted.h"
#include "tests/smtp/house.h"

namespace postern::test {

/// PLAIN and LOGIN with fixed passwords; "down" is unavailable and "slow" throttled, whatever the password.
class FakeAuth final : public auth::Service {
 public:
  explicit FakeAuth(const auth::Directory& directory) : directory_(directory) {}

  std::vector<std::string> mechanisms(const auth::Origin& origin) const override {
    return origin.tls ? std::vector<std::string>{"PLAIN", "LOGIN"} : std::vector<std::string>{};
  }
  std::unique_ptr<auth::Exchange> begin(auth::Origin origin) override {
    return std::make_unique<FakeExchange>(*this, std::move(origin));
  }
  async::Task<auth::Step> login(auth::Origin /*origin*/, std::string user, Secret password) override {
    co_return check(user, password.reveal());
  }
  async::Task<Result<>> set_password(mail::AccountId /*account*/, Secret /*password*/) override { co_return Result<>{}; }
  async::Task<Result<>> change_password(auth::PasswordChange change) override {
    co_return co_await set_password(change.account, std::move(change.password));
  }
  async::Task<Result<std::vector<auth::Judgement>>> judge(std::vector<auth::PasswordWish> wishes) override {
    co_return std::vector<auth::Judgement>(wishes.size());
  }
  async::Task<Result<Secret>> generate(auth::Person, unsigned) override { co_return Secret("a generated password"); }

  /// The user's sessions end, as when their password was revoked.
  void revoke(const std::string& user) {
    if (const auto account = directory_.account(user)) sessions_.end(account->id, std::nullopt);
  }

  auth::Step check(const std::string& user, std::string_view password) const {
    if (user == "down") return refused(auth::Refusal::unavailable);
    if (user == "slow") return refused(auth::Refusal::throttled);
    const auto account = directory_.account(user);
    if (!account || password != "a long password") return refused(auth::Refusal::bad_credentials);
    auth::Step step;
    step.login = auth::Login{identity(account->id, user), relay_right(account->id),
                             sessions_.open(account->id, {}, sessions_.revision(account->id))};
    return step;
  }
  static auth::Step refused(auth::Refusal why) {
    auth::Step step;
    step.refusal = why;
    step.reason = "test";
    return step;
  }

 private:
  class FakeExchange final : public auth::Exchange {
   public:
    FakeExchange(const FakeAuth& service, auth::Origin origin) : service_(service), origin_(std::move(origin)) {}
    async::Task<auth::Step> start(std::string mechanism, std::optional<std::string> initial) override {
      if (mechanism != "PLAIN" && mechanism != "LOGIN") co_return refused(auth::Refusal::bad_mechanism);
      plain_ = mechanism == "PLAIN";
      if (initial) co_return take(*initial);
      co_return challenge(plain_ ? "" : "Username:");
    }
    async::Task<auth::Step> step(std::string line) override { co_return take(line); }

   private:
    static auth::Step challenge(std::string text) {
      auth::Step step;
      step.challenge = std::move(text);
      return step;
    }
    auth::Step take(const std::string& line) {
      if (line == "*") return refused(auth::Refusal::aborted);
      const auto bytes = base64_decode(line == "=" ? "" : line);
      if (!bytes) return refused(auth::Refusal::malformed);
      if (!plain_) return take_login(*bytes);
      const auto first = bytes->find('\0');
      const auto second = first == std::string::npos ? first : bytes->find('\0', first + 1);
      if (second == std::string::npos) return refused(auth::Refusal::malformed);
      return service_.check(bytes->substr(first + 1, second - first - 1), bytes->substr(second + 1));
    }
    auth::Step take_login(const std::string& text) {
      if (!user_) {
        user_ = text;
        return challenge("Password:");
      }
      return service_.check(*user_, text);
    }
    const FakeAuth& service_;
    auth::Origin origin_;
    bool plain_ = true;
    std::optional<std::string> user_;
  };

  const auth::Directory& directory_;
  mutable auth::Sessions sessions_;
};

class SubmissionHouse : public House {
 public:
  explicit SubmissionHouse(const submission::AllowanceLimits& limits = {})
      : auth_(directory()),
        allowance_(clock(), limits),
        submission_({parts(), auth_, allowance_}, metrics(), tls()),
        trusted_(parts(), metrics(), tls()),
        device_(parts(), metrics(), tls()) {
    default_service("587");
    submission_.options().tarpit_step = std::chrono::milliseconds(0);
    trusted_.options().tarpit_step = std::chrono::milliseconds(0);
    device_.options().tarpit_step = std::chrono::milliseconds(0);
  }
  ~SubmissionHouse() override { abandon(); }

  /// Changes [device].
  template <class Change>
  void set_device(Change change) {
    auto changed = *config().get();
    change(changed.way_out->device);
    config().replace(std::move(changed));
  }

  // revoke alice@example.org · and those of House
  std::string act(std::string_view line) override {
    constexpr std::string_view revoke = "revoke ";
    if (!line.starts_with(revoke)) return House::act(line);
    auth_.revoke(std::string(line.substr(revoke.size())));
    return {};
  }

 protected:
  async::Task<> serve_connection(net::Connection& connection, const std::string& service) override {
    if (service == "trusted") {
      co_await trusted_.serve(connection);
    } else if (service == "device") {
      co_await device_.serve(connection);
    } else if (service == "25") {
      co_await House::serve_connection(connection, service);
    } else {
      co_await submission_.serve(connection);
    }
  }
  bool is_implicit_tls(const std::string& service) const override { return service == "465"; }

 private:
  FakeAuth auth_;
  submission::Allowance allowance_;
  submission::Service submission_;
  submission::TrustedService trusted_;
  submission::DeviceService device_;
};

}  // namespace postern::test
