// SPDX-License-Identifier: Apache-2.0
// CourierFake: a courier for tests that answers from a script and remembers what it was given. Never used by the server.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "async/event.h"
#include "queue/courier.h"

namespace postern::queue {

/// Used on one executor.
class CourierFake final : public Courier {
 public:
  /// What to say about one recipient; the default delivers everything.
  std::function<mail::Outcome(const store::Claim&, const store::QueueRecipient&)> answer;
  /// Domains whose deliveries wait until open() was called.
  std::set<std::string> stuck;
  std::vector<store::Claim> seen;
  std::size_t forgotten = 0;  ///< calls of forget_failures()
  std::size_t running = 0;
  std::size_t most_running = 0;

  /// Lets all that is stuck go on.
  void open() {
    stuck.clear();
    gate_.publish();
  }

  async::Task<std::vector<mail::Outcome>> deliver(const store::Claim& claim) override {
    seen.push_back(claim);
    most_running = std::max(most_running, ++running);
    if (stuck.contains(claim.entry.recipients.front().domain)) co_await gate_.wait_beyond(0);
    --running;
    std::vector<mail::Outcome> outcomes;
    for (const auto& one : claim.entry.recipients) outcomes.push_back(answer ? answer(claim, one) : delivered());
    co_return outcomes;
  }

  void forget_failures() override { ++forgotten; }

  static mail::Outcome delivered() { return {mail::Outcome::Kind::delivered, 250, {2, 0, 0}, "Ok", "mx.remote.example", false}; }
  static mail::Outcome deferred(std::string text = "4.2.0 Try again later") {
    return {mail::Outcome::Kind::deferred, 450, {4, 2, 0}, std::move(text), "mx.remote.example", false};
  }
  static mail::Outcome failed(std::string text = "5.1.1 No such user") {
    return {mail::Outcome::Kind::failed, 550, {5, 1, 1}, std::move(text), "mx.remote.example", false};
  }

 private:
  async::Event gate_;
};

}  // namespace postern::queue
