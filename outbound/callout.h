// SPDX-License-Identifier: Apache-2.0
// Callout: asks the server behind us by MAIL FROM:<> and RCPT TO whether a recipient exists, so that an unknown one is refused at
// our own gate. No message is sent. Yes is remembered for an hour, no for ten minutes, trouble for one.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>

#include "async/event.h"
#include "auth/sasl.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/live.h"
#include "net/tls_context.h"
#include "outbound/client.h"
#include "outbound/route.h"
#include "policy/relay.h"

namespace postern::outbound {

class Callout final : public policy::Callout {
 public:
  static constexpr std::size_t max_remembered = 65'536;
  static constexpr std::chrono::seconds remember_yes{3600};
  static constexpr std::chrono::seconds remember_no{600};
  static constexpr std::chrono::seconds remember_trouble{60};
  /// Of one question, everything included: the client at our gate waits.
  static constexpr std::chrono::seconds limit{30};

  struct Parts {
    Router& router;
    const config::Live& config;
    std::shared_ptr<net::TlsClient> tls;  ///< null: no TLS, as in tests
    const Clock& clock;
    Log& log;
    auth::SaslLibrary* sasl = nullptr;  ///< for servers that want a login
    std::size_t room = max_remembered;  ///< answers remembered; while they fill it, others are asked for each time
  };
  explicit Callout(Parts parts) : parts_(std::move(parts)) {}
  /// Who asks for a recipient that is being asked for already waits for that answer.
  async::Task<policy::Answer> ask(config::Relay relay, mail::Address recipient) override;
  std::size_t remembered() const;

 private:
  struct Memory {
    policy::Answer answer = policy::Answer::unsure;
    Clock::Steady until;
  };
  /// A question under way, and its answer when it is done.
  struct Inquiry {
    async::Event done;
    policy::Answer answer = policy::Answer::unsure;
  };
  class Asking;
  async::Task<policy::Answer> inquire(const config::Relay& relay, const mail::Address& recipient);
  std::optional<policy::Answer> recall(const std::string& key) const;
  void remember(const std::string& key, policy::Answer answer);
  async::Task<policy::Answer> visit(Hop hop, const mail::Address& recipient);
  async::Task<policy::Answer> converse(Client& client, const Hop& hop, const mail::Address& recipient);

  Parts parts_;
  mutable std::mutex mutex_;
  std::map<std::string, Memory> memory_;
  std::map<std::string, std::shared_ptr<Inquiry>> under_way_;
};

}  // namespace postern::outbound
