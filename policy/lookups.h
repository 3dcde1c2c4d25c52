// SPDX-License-Identifier: Apache-2.0
// The questions to DNS behind the rules of connect, helo and mail. Each writes its answer into the evidence, which starts as
// `unsure`: whoever stops waiting finds that. Answers are remembered by the resolver, not here.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "async/task.h"
#include "async/task_group.h"
#include "config/dns_list.h"
#include "dns/resolver.h"
#include "policy/evidence.h"

namespace postern::policy {

/// Most names of one address that are looked at, and most addresses of each.
inline constexpr std::size_t max_reverse_names = 5;

/// Whether the address has a name that leads back to it (RFC 8601 §2.7.3 calls that iprev).
async::Task<> look_up_reverse(dns::Resolver& resolver, std::shared_ptr<ConnectEvidence> into);
/// Whether a DNS list has the address (RFC 5782); appends to `listings` or `silent`.
async::Task<> look_up_list(dns::Resolver& resolver, config::DnsList list, std::shared_ptr<ConnectEvidence> into);
/// The name to ask for an address: "2.0.0.127.bl.example.org".
std::string list_name(const IpAddress& ip, std::string_view zone);
/// Whether the name has an address or an MX.
async::Task<> look_up_name(dns::Resolver& resolver, std::string name, std::shared_ptr<Answer> into);
/// Whether mail to the domain has anywhere to go (RFC 5321 §5.1, RFC 7505). Sets `receives` and `null_mx`.
async::Task<> look_up_sender(dns::Resolver& resolver, std::string domain, std::shared_ptr<MailEvidence> into);

/// Questions that are under way at once, with one limit for all. On one executor only; what is still unanswered at the limit
/// goes on and warms the resolver's memory.
class Questions {
 public:
  /// `tasks` owns them.
  Questions(async::TaskGroup& tasks, async::Executor executor);
  void ask(async::Task<> question);
  /// Until all have been answered, or the limit; false when some were not.
  async::Task<bool> wait(std::chrono::milliseconds limit);

 private:
  struct State;
  static async::Task<> run(std::shared_ptr<State> state, async::Task<> question);
  async::TaskGroup& tasks_;
  async::Executor executor_;
  std::shared_ptr<State> state_;
};

}  // namespace postern::policy
