// SPDX-License-Identifier: Apache-2.0
// What sessions of IMAP and POP3 need in tests beside the store in memory: a stream that says it is TLS, because sessions
// exist on nothing else, and a judge of logins that knows its users by the password "secret".
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "auth/service.h"
#include "base/encoding.h"
#include "net/stream.h"
#include "tests/support/identity.h"

namespace postern::test {

/// A plain stream that says it is TLS.
class ClaimsTls final : public net::Stream {
 public:
  using Watch = std::function<void(std::string_view)>;
  /// The watch sees what is about to be sent.
  explicit ClaimsTls(std::unique_ptr<net::Stream> inner, Watch watch = {}) : inner_(std::move(inner)), watch_(std::move(watch)) {
    info_.version = "TLSv1.3";
  }
  net::IoAttempt try_read(std::span<char> into) override { return inner_->try_read(into); }
  net::IoAttempt try_write(std::string_view bytes) override {
    if (watch_) watch_(bytes);
    return inner_->try_write(bytes);
  }
  async::Task<bool> wait(net::IoState want) override { return inner_->wait(want); }
  void interrupt() override { inner_->interrupt(); }
  void end_output() override { inner_->end_output(); }
  std::string last_error() const override { return inner_->last_error(); }
  const net::TlsInfo* tls() const override { return &info_; }
  int descriptor() const override { return inner_->descriptor(); }
  async::Executor executor() const override { return inner_->executor(); }

 private:
  std::unique_ptr<net::Stream> inner_;
  Watch watch_;
  net::TlsInfo info_;
};

/// Knows "alice" and "bob" with the password "secret", and the user "slow" whom it throttles.
class FakeAuth final : public auth::Service {
 public:
  explicit FakeAuth(std::map<std::string, mail::AccountId> accounts) : accounts_(std::move(accounts)) {}

  std::vector<std::string> mechanisms(const auth::Origin& origin) const override {
    return origin.tls ? std::vector<std::string>{"SCRAM-SHA-256", "PLAIN"} : std::vector<std::string>{};
  }
  std::unique_ptr<auth::Exchange> begin(auth::Origin) override { return std::make_unique<Plain>(*this); }
  async::Task<auth::Step> login(auth::Origin, std::string user, Secret password) override {
    co_return judge(user, password.reveal());
  }
  async::Task<Result<>> set_password(mail::AccountId, Secret) override {
    co_return fail(ErrorKind::unsupported, "not in this test");
  }
  async::Task<Result<>> change_password(auth::PasswordChange change) override {
    co_return co_await set_password(change.account, std::move(change.password));
  }
  async::Task<Result<std::vector<auth::Judgement>>> judge(std::vector<auth::PasswordWish> wishes) override {
    co_return std::vector<auth::Judgement>(wishes.size());
  }
  async::Task<Result<Secret>> generate(auth::Person, unsigned) override { co_return Secret("a generated password"); }
  /// The user's sessions end, as when their password was revoked.
  void revoke(const std::string& user) { sessions_.end(accounts_.at(user), std::nullopt); }

 private:
  auth::Step judge(const std::string& user, std::string_view password) const {
    if (user == "slow") return refuse(auth::Refusal::throttled);
    const auto found = accounts_.find(user);
    if (found == accounts_.end() || password != "secret") return refuse(auth::Refusal::bad_credentials);
    auth::Step step;
    step.login.emplace(auth::Login{identity(found->second, user + "@example.org"), relay_right(found->second),
                                   sessions_.open(found->second, {}, sessions_.revision(found->second))});
    return step;
  }
  static auth::Step refuse(auth::Refusal refusal) {
    auth::Step step;
    step.refusal = refusal;
    return step;
  }

  class Plain final : public auth::Exchange {
   public:
    explicit Plain(const FakeAuth& owner) : owner_(owner) {}
    async::Task<auth::Step> start(std::string mechanism, std::optional<std::string> initial) override {
      if (mechanism != "PLAIN") co_return refuse(auth::Refusal::bad_mechanism);
      if (initial) co_return co_await step(*initial);
      co_return auth::Step{};
    }
    async::Task<auth::Step> step(std::string line) override {
      if (line == "*") co_return refuse(auth::Refusal::aborted);
      const auto bytes = base64_decode(line);
      const auto first = bytes ? bytes->find('\0') : std::string::npos;
      const auto second = bytes && first != std::string::npos ? bytes->find('\0', first + 1) : std::string::npos;
      if (second == std::string::npos) co_return refuse(auth::Refusal::malformed);
      co_return owner_.judge(bytes->substr(first + 1, second - first - 1), bytes->substr(second + 1));
    }

   private:
    const FakeAuth& owner_;
  };

  std::map<std::string, mail::AccountId> accounts_;
  mutable auth::Sessions sessions_;
};

}  // namespace postern::test
