// SPDX-License-Identifier: Apache-2.0
// Gate: gathers the evidence of a stage and has it judged, for one port-25 service. It keeps nothing of a connection: that is
// in the Visit, which the session's handler owns. What a later stage asks does not repeat what an earlier one has found.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "async/task.h"
#include "async/task_group.h"
#include "base/log.h"
#include "config/live.h"
#include "dns/resolver.h"
#include "policy/dmarc_notes.h"
#include "policy/greylist.h"
#include "policy/judge.h"
#include "policy/lookups.h"
#include "policy/name_server_watch.h"
#include "policy/own_list.h"
#include "policy/rates.h"
#include "policy/relay.h"
#include "policy/timed_resolver.h"

namespace postern::policy {

/// What the gate has found out about one connection. Each answer belongs to the greeting and sender it was asked for: when
/// the session says another one, it is asked anew, so that nothing of one message reaches the next (security.md D6).
struct Visit {
  std::optional<ConnectEvidence> connect;
  std::optional<Answer> helo_resolves;
  std::string helo_name;  ///< what `helo_resolves` is about
  std::optional<MailEvidence> mail;
  mail::ReversePath sender;             ///< what `mail` is about
  std::chrono::milliseconds waited{0};  ///< for DNS, of the time that the message under way has (gate.lookup_timeout)
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
    Callout* callout = nullptr;   ///< null: nobody can be asked, and recipients to be asked for are put off
    DmarcNotes* notes = nullptr;  ///< null: no reports of DMARC
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
    const config::RulesFor* rules = nullptr;  ///< the entry of [[rules_for]] for this mail
  };
  /// An explanation leaves no trace in counters.
  enum class Purpose : std::uint8_t { decide, explain };
  /// All rules of connect, helo, mail and rcpt, weighed. The question's references must live until it is answered.
  async::Task<Verdict> judge_recipient(Visit& visit, Question question, Purpose purpose = Purpose::decide);

  /// Whether the recipient of a relayed domain exists.
  async::Task<Answer> knows(RelayRoute route, const mail::Address& recipient);

  OwnList& own_list() { return parts_.own_list; }
  /// For reports to the authors' domains; may be null.
  DmarcNotes* notes() { return parts_.notes; }
  std::shared_ptr<const config::Config> config() const { return parts_.config.get(); }
  const Clock& clock() const { return parts_.clock; }

  /// For what is asked when the whole message is here, in what is left of the message's time.
  TimedResolver resolver_for(const Visit& visit);
  NameServerWatch& watch() { return watch_; }

 private:
  /// What the questions of one recipient find out; shared with those that go on after their limit.
  struct Found;
  async::Task<> look(Visit& visit, Question question, const config::Gate& gate);
  void look_at_client(Questions& questions, const Found& found, const config::Gate& gate);
  void look_at_greeting(Questions& questions, const Question& question, const Found& found, const config::Gate& gate);
  void look_at_sender(Questions& questions, const Question& question, const Found& found, const config::Gate& gate);
  RcptEvidence look_at_recipient(const Question& question, const config::Gate& gate) const;
  void count(const Question& question);
  void ask_greylist(const Question& question, Purpose purpose, const Settings& settings, Verdict& verdict);

  Parts parts_;
  Rates rates_;
  async::TaskGroup questions_;
  NameServerWatch watch_;
};

}  // namespace postern::policy
