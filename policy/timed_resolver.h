// SPDX-License-Identifier: Apache-2.0
// TimedResolver: a Resolver for one message. All questions together have one point in time until which they may be waited for;
// a question that is still open then is answered `timeout`, and goes on by itself, so that the resolver remembers the answer
// for the next message.
#pragma once

#include <optional>
#include <string>

#include "async/task_group.h"
#include "dns/resolver.h"
#include "policy/name_server_watch.h"

namespace postern::policy {

/// Who is asked, who owns the question, and where it runs.
struct Asking {
  dns::Resolver& resolver;
  async::TaskGroup& tasks;
  async::Executor executor;
};
struct NamedType {
  std::string name;
  dns::Type type = dns::Type::a;
};
/// Nothing when there is no answer within the limit.
async::Task<std::optional<dns::RawAnswer>> ask_within(Asking asking, NamedType what, std::chrono::milliseconds limit);

class TimedResolver final : public dns::Resolver {
 public:
  /// All outlive the resolver and its questions.
  struct Parts {
    dns::Resolver& resolver;
    async::TaskGroup& tasks;
    NameServerWatch& watch;
    const Clock& clock;
  };
  /// `until` is a time of parts.clock.
  TimedResolver(Parts parts, Clock::Steady until) : parts_(parts), until_(until) {}
  async::Task<dns::RawAnswer> query(std::string name, dns::Type type) override;

 private:
  Parts parts_;
  Clock::Steady until_;
};

}  // namespace postern::policy
