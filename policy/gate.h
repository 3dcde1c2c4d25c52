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
#include "policy/judge.h"

namespace postern::policy {

/// What the gate knows of one connection. Each verdict belongs to the greeting and sender it was made for: when the session
/// says another one, it is made anew, so that nothing of one message reaches the next (security.md D6).
struct Visit {
  std::optional<Verdict> connect;
  std::optional<Verdict> helo;
  std::string helo_name;  ///< what `helo` was made for
  std::optional<Verdict> mail;
  mail::ReversePath sender;  ///< what `mail` was made for
};

class Gate {
 public:
  /// All outlive the gate.
  struct Parts {
    dns::Resolver& resolver;
    const config::Live& config;
    Log& log;
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
  /// All rules of connect, helo, mail and rcpt, weighed. The question's references must live until it is answered.
  async::Task<Verdict> judge_recipient(Visit& visit, Question question);

  /// For what is asked when the whole message is here.
  dns::Resolver& resolver() { return parts_.resolver; }

 private:
  async::Task<Verdict> judge_connect(Question question, const config::Config& config);
  async::Task<Verdict> judge_helo(Question question, const config::Config& config);
  async::Task<Verdict> judge_mail(Question question, const config::Config& config);

  Parts parts_;
  async::TaskGroup questions_;
};

}  // namespace postern::policy
