// SPDX-License-Identifier: Apache-2.0
// Reverse names, names in greetings, domains of senders.
#include "policy/lookups.h"

#include <algorithm>

#include "async/completion.h"
#include "async/deadline.h"

namespace postern::policy {

struct Questions::State {
  std::size_t open = 1;  ///< questions, and one for wait()
  async::WaitState all_answered;
  void close_one() {
    if (--open == 0) all_answered.complete();
  }
};

Questions::Questions(async::TaskGroup& tasks, async::Executor executor)
    : tasks_(tasks), executor_(std::move(executor)), state_(std::make_shared<State>()) {}

async::Task<> Questions::run(std::shared_ptr<State> state, async::Task<> question) {
  co_await std::move(question);
  state->close_one();
}

void Questions::ask(async::Task<> question) {
  ++state_->open;
  if (!tasks_.spawn(executor_, run(state_, std::move(question)))) state_->close_one();
}

async::Task<> Questions::wait(std::chrono::milliseconds limit) {
  if (state_->open == 1) co_return;
  state_->close_one();
  async::Deadline deadline(executor_, [state = state_] { state->all_answered.complete(); });
  deadline.set(std::chrono::steady_clock::now() + limit);
  co_await state_->all_answered.wait();
}

async::Task<> look_up_reverse(dns::Resolver& resolver, std::shared_ptr<ConnectEvidence> into) {
  const auto ip = into->ip;
  auto names = co_await resolver.ptr(ip);
  if (dns::is_temporary(names.status)) co_return;
  bool doubt = false;
  if (names.records.size() > max_reverse_names) names.records.resize(max_reverse_names);
  for (const auto& name : names.records) {
    if (into->reverse_name.empty()) into->reverse_name = name;
    const auto back = ip.is_v4() ? co_await resolver.a(name) : co_await resolver.aaaa(name);
    doubt = doubt || dns::is_temporary(back.status);
    if (std::ranges::find(back.records, ip) == back.records.end()) continue;
    into->reverse_name = name;
    into->reverse = Answer::yes;
    co_return;
  }
  if (!doubt) into->reverse = Answer::no;
}

async::Task<> look_up_name(dns::Resolver& resolver, std::string name, std::shared_ptr<Answer> into) {
  const auto addresses = co_await resolver.addresses(name);
  if (addresses.ok()) *into = Answer::yes;
  if (addresses.ok() || dns::is_temporary(addresses.status)) co_return;
  const auto mx = co_await resolver.mx(name);
  if (!dns::is_temporary(mx.status)) *into = mx.ok() ? Answer::yes : Answer::no;
}

async::Task<> look_up_sender(dns::Resolver& resolver, std::string domain, std::shared_ptr<MailEvidence> into) {
  const auto mx = co_await resolver.mx(domain);
  if (dns::is_temporary(mx.status)) co_return;
  if (mx.ok()) {
    into->null_mx = mx.records.size() == 1 && mx.records.front().host.empty();
    into->receives = into->null_mx ? Answer::no : Answer::yes;
    co_return;
  }
  const auto addresses = co_await resolver.addresses(domain);
  if (dns::is_temporary(addresses.status)) co_return;
  into->receives = addresses.ok() ? Answer::yes : Answer::no;
}

}  // namespace postern::policy
