// SPDX-License-Identifier: Apache-2.0
// Gate: gathers the evidence of a stage and has it judged, for one port-25 service. It keeps nothing of a connection: that is
// in the Visit, which the session's handler owns. What a later stage asks does not repeat what an earlier one has found.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/task.h"
#include "async/task_group.h"
#include "base/log.h"
#include "config/live.h"
#include "dns/resolver.h"
#include "policy/greylist.h"
#include "policy/judge.h"
#include "policy/own_list.h"
#include "policy/rates.h"
#include "policy/relay.h"

namespace postern::policy {

/// What the gate has found out about one connection. Each answer belongs to the greeting and sender it was asked for: when
/// the session says another one, it is asked anew, so that nothing of one message reaches the next (security.md D6).
struct Visit {
  std::optional<ConnectEvidence> connect;
  std::optional<Answer> helo_resolves;
  std::string helo_name;  ///< what `helo_resolves` is about
  std::optional<MailEvidence> mail;
  mail::ReversePath sender;  ///< what `mail` is about
};

class Gate {
 public:
  /// All outlive the gate.
  struct Parts {
    dns::Resolver& resolver;
    const config::Live& config;
    const Clock& clock;
    Log& log;
    OwnList& own_list;
    Greylist& greylist;
    Callout* callout = nullptr;  ///< null: nobody can be asked, and recipients to be asked for are put off
  };
  explicit Gate(Parts parts);
  /// Ends the questions under way; before the resolver goes.
  void stop();

  /// A client names a recipient for whom mail is taken here.
  struct Question {
    IpAddress ip;
    IpAddress own_ip;
    std::string_view helo;
    const mail::ReversePath& sender;
    const mail::Address& recipient;
  };
  /// An explanation leaves no trace in counters.
  enum class Purpose : std::uint8_t { decide, explain };
  /// All rules of connect, helo, mail and rcpt, weighed. The question's references must live until it is answered.
  async::Task<Verdict> judge_recipient(Visit& visit, Question question, Purpose purpose = Purpose::decide);

  /// Whether the recipient of a relayed domain exists.
  async::Task<Answer> knows(RelayRoute route, const mail::Address& recipient);

  OwnList& own_list() { return parts_.own_list; }
  std::shared_ptr<const config::Config> config() const { return parts_.config.get(); }
  const Clock& clock() const { return parts_.clock; }

  /// For what is asked when the whole message is here.
  dns::Resolver& resolver() { return parts_.resolver; }

 private:
  async::Task<ConnectEvidence> look_at_client(Question question, const config::Gate& gate);
  async::Task<Answer> look_at_greeting(Question question, const config::Gate& gate);
  async::Task<MailEvidence> look_at_sender(Question question, const config::Gate& gate);
  RcptEvidence look_at_recipient(const Question& question, const config::Gate& gate) const;
  void count(const Question& question);
  void ask_greylist(const Question& question, Purpose purpose, const Settings& settings, Verdict& verdict);

  Parts parts_;
  Rates rates_;
  async::TaskGroup questions_;
};

}  // namespace postern::policy
