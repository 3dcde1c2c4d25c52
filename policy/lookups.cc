// SPDX-License-Identifier: Apache-2.0
// Reverse names, names in greetings, domains of senders.
#include "policy/lookups.h"

#include <algorithm>
#include <array>

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

async::Task<bool> Questions::wait(std::chrono::milliseconds limit) {
  if (state_->open == 1) co_return true;
  state_->close_one();
  async::Deadline deadline(executor_, [state = state_] { state->all_answered.complete(); });
  deadline.set(std::chrono::steady_clock::now() + limit);
  co_await state_->all_answered.wait();
  co_return state_->open == 0;
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

std::string list_name(const IpAddress& ip, std::string_view zone) {
  auto name = ip.reverse_name();
  name.resize(name.rfind('.', name.rfind('.') - 1) + 1);  // without "in-addr.arpa" or "ip6.arpa"
  return name + std::string(zone);
}

// RFC 5782 §2.1, §2.4
async::Task<> look_up_list(dns::Resolver& resolver, config::DnsList list, std::shared_ptr<ConnectEvidence> into) {
  // Until it has answered, the list is silent.
  into->silent.push_back(list.zone);
  const auto answer = co_await resolver.a(list_name(into->ip, list.zone));
  if (dns::is_temporary(answer.status)) co_return;
  bool refused = false;
  for (const auto& one : answer.records) {
    const auto& bytes = one.bytes();
    const std::array octets{bytes[0], bytes[1], bytes[2], bytes[3]};
    // 127.255.255.0/24 says that we may not ask; anything outside 127/8 is a domain that somebody else has got.
    if (octets[0] != 127 || (octets[1] == 255 && octets[2] == 255)) {
      refused = true;
      continue;
    }
    if (!list.counts(octets)) continue;
    into->listings.push_back({list.zone, one.to_string(), list.points});
    break;
  }
  if (!refused) std::erase(into->silent, list.zone);
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
