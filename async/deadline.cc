// SPDX-License-Identifier: Apache-2.0
// Deadline: the timer's handler compares the deadline with the clock and re-arms itself when it fired too early.
#include "async/deadline.h"

#include <boost/asio/steady_timer.hpp>

namespace postern::async {

struct Deadline::State : std::enable_shared_from_this<State> {
  State(const Executor& executor, std::function<void()> callback) : timer(executor), on_expiry(std::move(callback)) {}
  boost::asio::steady_timer timer;
  std::function<void()> on_expiry;
  Time target = Time::max();
  Time armed_for = Time::max();  ///< max: not armed

  void arm() {
    armed_for = target;
    timer.expires_at(target);
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code& code) {
      auto state = weak.lock();
      if (state && !code) state->fired();
    });
  }

  void fired() {
    armed_for = Time::max();
    if (target == Time::max()) return;
    if (std::chrono::steady_clock::now() < target) {
      arm();
      return;
    }
    target = Time::max();
    on_expiry();
  }
};

Deadline::Deadline(Executor executor, std::function<void()> on_expiry)
    : state_(std::make_shared<State>(executor, std::move(on_expiry))) {}

Deadline::~Deadline() {
  state_->on_expiry = [] {};
  state_->target = Time::max();
  state_->timer.cancel();
}

void Deadline::set(Time at) {
  state_->target = at;
  if (at < state_->armed_for) state_->arm();
}

void Deadline::clear() { state_->target = Time::max(); }

}  // namespace postern::async
