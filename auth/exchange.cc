// SPDX-License-Identifier: Apache-2.0
// Every path ends in a Step; after a login or a refusal the exchange takes no more lines (security.md D71).
#include "auth/exchange.h"

#include <algorithm>
#include <chrono>

#include "async/executor.h"
#include "auth/sasl_messages.h"
#include "base/ascii.h"
#include "base/encoding.h"

namespace postern::auth {
namespace {

constexpr std::string_view scram_name = "SCRAM-SHA-256";
constexpr std::string_view scram_plus_name = "SCRAM-SHA-256-PLUS";
constexpr std::string_view plain_name = "PLAIN";
constexpr std::string_view login_name = "LOGIN";
/// First steps of SCRAM that may wait for the database.
constexpr std::size_t waiting_steps = 256;

/// RFC 4954 §4: "=" is the empty initial response.
Result<std::string> decoded(std::string_view line, bool initial) {
  if (line.size() > max_sasl_input) return fail(ErrorKind::too_large, "more than 12,288 octets");
  if (initial && line == "=") return std::string();
  return base64_decode(line);
}

/// SCRAM's answers leave on this beat, counted from the client's line: reading a verifier and making one up differ by
/// microseconds, which two thousand tries can tell (security.md R14).
constexpr std::chrono::milliseconds scram_beat{2};

/// What is missing to the next beat.
std::chrono::steady_clock::duration to_the_beat(std::chrono::steady_clock::duration elapsed) {
  return scram_beat - elapsed % scram_beat;
}

bool is_final(const Step& step) { return step.login || step.refusal; }

}  // namespace

Workshop::Workshop(DeskParts parts, Settings settings, Keyring keyring)
    : desk(std::make_shared<LoginDesk>(parts, std::move(settings), std::move(keyring))),
      steps({.name = "auth-steps", .threads = 1, .queue_limit = waiting_steps}),
      hashing({.name = "auth-hash",
               .threads = std::max(1U, desk->settings().hash_threads),
               .queue_limit = desk->settings().hash_queue}) {}

async::Task<Step> Workshop::plain(AttemptLabel label, Secret message) {
  if (auto quick = desk->plain(label, message, LoginDesk::Depth::cache_only)) co_return std::move(*quick);
  auto job = [shared = desk, label, message = std::move(message)] {
    return shared->plain(label, message, LoginDesk::Depth::hash).value_or(Step{});
  };
  auto done = co_await async::offload(hashing, std::move(job));
  if (!done) co_return desk->refuse(label, Refusal::unavailable, done.error().text);
  co_return std::move(*done);
}

std::vector<std::string> Workshop::mechanisms(const Origin& origin) const {
  std::vector<std::string> out;
  if (!origin.tls) return out;
  for (const auto& configured : desk->settings().mechanisms) {
    const auto name = ascii::upper(configured);
    if (name == scram_plus_name && !origin.channel_binding.empty()) out.push_back(name);
    if (name == scram_name || name == plain_name || name == login_name) out.push_back(name);
  }
  return out;
}

SaslExchange::SaslExchange(std::shared_ptr<Workshop> workshop, Origin origin)
    : workshop_(std::move(workshop)), origin_(std::move(origin)) {
  // RFC 5802 §6: the flag 'y' says "you did not offer channel binding". Who was not offered it is right to say so.
  const auto offered = workshop_->mechanisms(origin_);
  if (std::find(offered.begin(), offered.end(), scram_plus_name) == offered.end()) origin_.channel_binding.clear();
}

AttemptLabel SaslExchange::label() const { return {origin_, mechanism_, user_}; }

Step SaslExchange::refuse(Refusal refusal, std::string reason) {
  expect_ = Expect::nothing;
  return workshop_->desk->refuse(label(), refusal, std::move(reason));
}

Step SaslExchange::challenge(std::string text, Expect next) {
  expect_ = next;
  Step step;
  step.challenge = std::move(text);
  return step;
}

async::Task<Step> SaslExchange::start(std::string mechanism, std::optional<std::string> initial) {
  if (expect_ != Expect::start) co_return refuse(Refusal::malformed, "an exchange begins once");
  mechanism_ = ascii::upper(std::string_view(mechanism).substr(0, scram_plus_name.size() + 1));
  if (!origin_.tls) co_return refuse(Refusal::no_tls, "no TLS");
  const auto offered = workshop_->mechanisms(origin_);
  if (std::find(offered.begin(), offered.end(), mechanism_) == offered.end()) {
    co_return refuse(Refusal::bad_mechanism, "mechanism not offered");
  }
  expect_ = mechanism_ == login_name ? Expect::login_user : Expect::first_message;
  // RFC 4422 §5.1: without initial response a client-first mechanism begins with an empty challenge.
  if (!initial) co_return challenge(mechanism_ == login_name ? "Username:" : "", expect_);
  auto message = decoded(*initial, true);
  wipe(*initial);
  if (!message) co_return refuse(Refusal::malformed, message.error().text);
  co_return co_await take(std::move(*message));
}

async::Task<Step> SaslExchange::step(std::string line) {
  if (expect_ == Expect::start || expect_ == Expect::nothing) co_return refuse(Refusal::malformed, "no step is expected");
  // RFC 4954 §4
  if (line == "*") co_return refuse(Refusal::aborted, "aborted by the client");
  auto message = decoded(line, false);
  wipe(line);
  if (!message) co_return refuse(Refusal::malformed, message.error().text);
  co_return co_await take(std::move(*message));
}

async::Task<Step> SaslExchange::take(std::string message) {
  const auto begin = std::chrono::steady_clock::now();
  const auto expected = expect_;
  expect_ = Expect::nothing;
  Step out;
  switch (expected) {
    case Expect::first_message: out = co_await first_message(std::move(message)); break;
    case Expect::login_user: out = login_user(std::move(message)); break;
    case Expect::login_password: out = co_await login_password(Secret::take(message)); break;
    case Expect::scram_message: {
      out = scram_->step(message);
      if (!is_final(out)) expect_ = Expect::scram_message;
      break;
    }
    case Expect::start:
    case Expect::nothing: out = refuse(Refusal::malformed, "no step is expected"); break;
  }
  if (is_final(out)) scram_.reset();
  if (mechanism_.starts_with(scram_name)) co_await async::sleep(to_the_beat(std::chrono::steady_clock::now() - begin));
  co_return out;
}

async::Task<Step> SaslExchange::first_message(std::string message) {
  user_ = user_of(mechanism_, message);
  if (mechanism_ == plain_name) co_return co_await workshop_->plain(label(), Secret::take(message));
  scram_ = std::make_shared<ScramLogin>(workshop_->desk, origin_, mechanism_);
  auto done = co_await async::offload(workshop_->steps, [run = scram_, text = std::move(message)] { return run->start(text); });
  if (!done) co_return refuse(Refusal::unavailable, done.error().text);
  if (!is_final(*done)) expect_ = Expect::scram_message;
  co_return std::move(*done);
}

Step SaslExchange::login_user(std::string user) {
  if (user.empty() || user.find('\0') != std::string::npos) return refuse(Refusal::malformed, "LOGIN without a name");
  user_ = std::move(user);
  return challenge("Password:", Expect::login_password);
}

async::Task<Step> SaslExchange::login_password(Secret password) {
  auto message = make_plain(user_, password);
  if (!message) co_return refuse(Refusal::malformed, message.error().text);
  co_return co_await workshop_->plain(label(), std::move(*message));
}

std::string Exchange::encode(const Step& step) { return base64_encode(step.challenge); }

}  // namespace postern::auth
