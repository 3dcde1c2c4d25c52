// SPDX-License-Identifier: Apache-2.0
// SaslExchange: one AUTH command from its first line to its end: base64, mechanism table, the LOGIN state machine, and which
// work goes to which pool. Service and exchanges share a Workshop, so that an abandoned exchange may end late.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/offload.h"
#include "auth/desk.h"
#include "auth/service.h"

namespace postern::auth {

/// Desk and threads. Pools go first when it ends: their jobs use the desk.
struct Workshop {
  Workshop(DeskParts parts, Settings settings, Keyring keyring);

  /// One PLAIN message: from the cache at once, otherwise on the hashing pool.
  async::Task<Step> plain(AttemptLabel label, Secret message);
  /// What is offered to this origin, strongest first.
  std::vector<std::string> mechanisms(const Origin& origin) const;

  std::shared_ptr<LoginDesk> desk;
  async::Pool steps;    ///< SCRAM's first step, which reads the database
  async::Pool hashing;  ///< Argon2id
};

class SaslExchange final : public Exchange {
 public:
  SaslExchange(std::shared_ptr<Workshop> workshop, Origin origin);
  async::Task<Step> start(std::string mechanism, std::optional<std::string> initial) override;
  async::Task<Step> step(std::string line) override;

 private:
  /// What the next line from the client is.
  enum class Expect : unsigned char { start, first_message, login_user, login_password, scram_message, nothing };

  async::Task<Step> first_message(std::string message);
  async::Task<Step> login_password(Secret password);
  async::Task<Step> take(std::string message);
  Step login_user(std::string user);
  Step refuse(Refusal refusal, std::string reason);
  Step challenge(std::string text, Expect next);
  AttemptLabel label() const;

  std::shared_ptr<Workshop> workshop_;
  Origin origin_;
  std::string mechanism_;
  Expect expect_ = Expect::start;
  std::string user_;  ///< LOGIN's first answer
  std::shared_ptr<ScramLogin> scram_;
};

}  // namespace postern::auth
