// SPDX-License-Identifier: Apache-2.0
// Crowd: one list of guests in the order in which they came, and a count of all.
#include "net/crowd.h"

#include <list>
#include <mutex>
#include <utility>

namespace postern::net {

namespace {
/// Of all places, in parts: what guests may hold, and what they keep in a full house.
constexpr std::size_t guest_part = 2;
constexpr std::size_t kept_part = 10;
}  // namespace

struct Crowd::State {
  struct Guest {
    Leave leave;
    bool leaving = false;
  };
  using Guests = std::list<Guest>;
  std::mutex mutex;
  std::size_t total = 0;
  std::size_t members = 0;
  Counter dropped;
  Guests guests;
  Guests leaving;  ///< told to go; they count no more, and their places stay valid until they are gone

  void drop_oldest() {
    leaving.splice(leaving.end(), guests, guests.begin());
    leaving.back().leaving = true;
    --members;
    dropped.add();
    leaving.back().leave();
  }
};

struct Crowd::Place::Held {
  enum class Standing : unsigned char { guest, settled };
  std::shared_ptr<State> state;
  State::Guests::iterator guest;
  Standing standing = Standing::guest;
};

Crowd::Crowd(std::size_t total, Counter dropped) : state_(std::make_shared<State>()) {
  state_->total = total;
  state_->dropped = dropped;
}
Crowd::~Crowd() = default;

Crowd::Place::Place(std::unique_ptr<Held> held) : held_(std::move(held)) {}
Crowd::Place::Place(Place&& other) noexcept = default;

Crowd::Place::~Place() {
  if (!held_) return;
  const std::lock_guard lock(held_->state->mutex);
  if (held_->standing == Held::Standing::settled) {
    --held_->state->members;
  } else if (held_->guest->leaving) {
    held_->state->leaving.erase(held_->guest);
  } else {
    held_->state->guests.erase(held_->guest);
    --held_->state->members;
  }
}

void Crowd::Place::settle() {
  if (!held_ || held_->standing == Held::Standing::settled) return;
  const std::lock_guard lock(held_->state->mutex);
  if (held_->guest->leaving) return;
  held_->state->guests.erase(held_->guest);
  held_->standing = Held::Standing::settled;
}

bool Crowd::make_room() {
  auto& state = *state_;
  const std::lock_guard lock(state.mutex);
  if (state.total == 0) return true;
  if (state.members >= state.total) {
    if (state.guests.size() <= state.total / kept_part) return false;
    state.drop_oldest();
  } else if (!state.guests.empty() && state.guests.size() >= state.total / guest_part) {
    state.drop_oldest();
  }
  return true;
}

Crowd::Place Crowd::join(Leave leave) {
  const std::lock_guard lock(state_->mutex);
  state_->guests.push_back({std::move(leave)});
  ++state_->members;
  auto held = std::make_unique<Place::Held>();
  held->state = state_;
  held->guest = std::prev(state_->guests.end());
  return Place(std::move(held));
}

std::size_t Crowd::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->members;
}

std::size_t Crowd::guests() const {
  const std::lock_guard lock(state_->mutex);
  return state_->guests.size();
}

void Crowd::set_total(std::size_t total) {
  const std::lock_guard lock(state_->mutex);
  state_->total = total;
}

}  // namespace postern::net
