// SPDX-License-Identifier: Apache-2.0
#include "outbound/callout.h"

#include "net/dial.h"
#include "outbound/sign_in.h"
#include "outbound/tls_policy.h"

namespace postern::outbound {

using policy::Answer;

std::size_t Callout::remembered() const {
  const std::lock_guard lock(mutex_);
  return memory_.size();
}

std::optional<Answer> Callout::recall(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = memory_.find(key);
  if (found == memory_.end() || found->second.until <= parts_.clock.steady()) return std::nullopt;
  return found->second.answer;
}

void Callout::remember(const std::string& key, Answer answer) {
  const auto now = parts_.clock.steady();
  const auto time = answer == Answer::yes ? remember_yes : answer == Answer::no ? remember_no : remember_trouble;
  const std::lock_guard lock(mutex_);
  if (memory_.size() >= max_remembered) std::erase_if(memory_, [now](const auto& one) { return one.second.until <= now; });
  if (memory_.size() < max_remembered) memory_[key] = {answer, now + time};
}

async::Task<Answer> Callout::ask(config::Relay relay, mail::Address recipient) {
  const auto key = relay.match + ' ' + relay.host.to_string() + ' ' + recipient.lookup_key();
  if (const auto known = recall(key)) co_return *known;
  const auto config = parts_.config.get();
  auto answer = Answer::unsure;
  const auto hops = co_await parts_.router.hops(relay.match, config);
  if (hops) answer = co_await visit(hops->front(), recipient);
  parts_.log.info("outbound", "asked for recipient",
                  {{"to", recipient.to_string()},
                   {"host", hops ? std::string_view(hops->front().name) : std::string_view("none")},
                   {"answer", answer == Answer::yes  ? "yes"
                              : answer == Answer::no ? "no"
                                                     : "unsure"}});
  remember(key, answer);
  co_return answer;
}

async::Task<Answer> Callout::visit(Hop hop, const mail::Address& recipient) {
  const auto config = parts_.config.get();
  const auto end = std::chrono::steady_clock::now() + limit;
  const auto endpoints = co_await parts_.router.endpoints(hop, config);
  if (!endpoints) co_return Answer::unsure;
  for (const auto& endpoint : *endpoints) {
    if (std::chrono::steady_clock::now() >= end) break;
    net::DialOptions options;
    options.connect_timeout = std::min<std::chrono::milliseconds>(config->outbound.connect_timeout, limit);
    auto connection = co_await net::dial(endpoint, options);
    if (!connection) continue;
    Client client(std::move(*connection), hop.name, config);
    if (hop.relay && hop.relay->protocol == config::Relay::Protocol::lmtp) client.speak_lmtp();
    client.set_deadline(end);
    const auto answer = co_await converse(client, hop, recipient);
    co_await client.quit();
    co_return answer;
  }
  co_return Answer::unsure;
}

async::Task<Answer> Callout::converse(Client& client, const Hop& hop, const mail::Address& recipient) {
  if (!co_await client.greet()) co_return Answer::unsure;
  const auto demand = co_await tls_demand(hop, false, parts_.config.get());
  if (demand.level != TlsDemand::Level::off && client.capabilities().starttls && parts_.tls != nullptr) {
    if (!co_await client.start_tls(*parts_.tls, demand.peer)) co_return Answer::unsure;
  } else if (demand.level == TlsDemand::Level::required) {
    co_return Answer::unsure;
  }
  // Who knows its senders by their login answers a stranger with refusals that say nothing of the recipient.
  const SignIn account = hop.relay ? SignIn{hop.relay->user, hop.relay->password_file} : SignIn{};
  if (!co_await sign_in(client, parts_.sasl, account)) co_return Answer::unsure;
  const auto outcome = co_await client.try_recipient(recipient);
  if (outcome.kind == mail::Outcome::Kind::delivered) co_return Answer::yes;
  co_return outcome.kind == mail::Outcome::Kind::failed ? Answer::no : Answer::unsure;
}

}  // namespace postern::outbound
