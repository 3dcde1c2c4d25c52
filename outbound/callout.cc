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
  if (memory_.size() >= parts_.room) std::erase_if(memory_, [now](const auto& one) { return one.second.until <= now; });
  if (memory_.size() < parts_.room) memory_[key] = {answer, now + time};
}

/// Takes part in the question with this key. The first one must answer it; when that one ends without an answer, the others are
/// unsure.
class Callout::Asking {
 public:
  Asking(Callout& callout, std::string key) : callout_(callout), key_(std::move(key)) {
    const std::lock_guard lock(callout_.mutex_);
    const auto [at, first] = callout_.under_way_.try_emplace(key_);
    if (first) at->second = std::make_shared<Inquiry>();
    inquiry_ = at->second;
    first_ = first;
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  ~Asking() {
    if (!first_) return;
    {
      const std::lock_guard lock(callout_.mutex_);
      callout_.under_way_.erase(key_);
    }
    inquiry_->done.publish();
  }
  bool is_first() const { return first_; }
  Inquiry& inquiry() { return *inquiry_; }

 private:
  Callout& callout_;
  std::string key_;
  std::shared_ptr<Inquiry> inquiry_;
  bool first_ = false;
};

async::Task<Answer> Callout::ask(config::Relay relay, mail::Address recipient) {
  const auto key = relay.match + ' ' + relay.host.to_string() + ' ' + recipient.lookup_key();
  if (const auto known = recall(key)) co_return *known;
  Asking asking(*this, key);
  auto& inquiry = asking.inquiry();
  if (asking.is_first()) {
    inquiry.answer = co_await inquire(relay, recipient);
    remember(key, inquiry.answer);
  } else {
    (void)co_await inquiry.done.wait_beyond(0);
  }
  co_return inquiry.answer;
}

async::Task<Answer> Callout::inquire(const config::Relay& relay, const mail::Address& recipient) {
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
