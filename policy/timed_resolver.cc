// SPDX-License-Identifier: Apache-2.0
// The question runs in the group of tasks; whoever waits for it may stop waiting.
#include "policy/timed_resolver.h"

#include "async/completion.h"
#include "async/deadline.h"
#include "async/executor.h"

namespace postern::policy {
namespace {

struct Pending {
  std::optional<dns::RawAnswer> answer;
  async::WaitState done;
};

async::Task<> run(std::shared_ptr<Pending> pending, dns::Resolver& resolver, NamedType what) {
  pending->answer = co_await resolver.query(std::move(what.name), what.type);
  pending->done.complete();
}

dns::RawAnswer too_late(std::string why) {
  dns::RawAnswer out;
  out.status = dns::Status::timeout;
  out.text = std::move(why);
  return out;
}

}  // namespace

async::Task<std::optional<dns::RawAnswer>> ask_within(Asking asking, NamedType what, std::chrono::milliseconds limit) {
  auto pending = std::make_shared<Pending>();
  if (!asking.tasks.spawn(asking.executor, run(pending, asking.resolver, std::move(what)))) co_return std::nullopt;
  async::Deadline deadline(asking.executor, [pending] { pending->done.complete(); });
  deadline.set(std::chrono::steady_clock::now() + limit);
  co_await pending->done.wait();
  co_return std::move(pending->answer);
}

async::Task<dns::RawAnswer> TimedResolver::query(std::string name, dns::Type type) {
  using std::chrono::milliseconds;
  const auto left = std::chrono::duration_cast<milliseconds>(until_ - parts_.clock.steady());
  if (left <= milliseconds(0)) co_return too_late("no time left for this message");
  const auto executor = co_await async::this_executor();
  auto answer = co_await ask_within({parts_.resolver, parts_.tasks, executor}, {std::move(name), type},
                                    parts_.watch.patience(left, executor));
  if (answer) co_return std::move(*answer);
  parts_.watch.unanswered(executor);
  co_return too_late(parts_.watch.silent() ? "the name server is silent" : "no answer in the time for this message");
}

}  // namespace postern::policy
