// SPDX-License-Identifier: Apache-2.0
// Remembered: a Resolver that keeps the answers of another one, for as long as their time to live allows. libunbound has a cache
// of its own, but each question to it crosses threads twice; a message asks ten, and most of them were asked a moment ago.
// Invariants: temporary failures are never kept; bounded in entries and octets; what nobody asks for again goes first.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "dns/resolver.h"

namespace postern::dns {

struct RememberedLimits {
  std::size_t entries = 8192;          ///< of two generations together
  std::size_t answer_octets = 4096;    ///< larger answers are not kept
  std::chrono::seconds longest{3600};  ///< whatever the time to live says
};

class Remembered final : public Resolver {
 public:
  /// The clock outlives it.
  Remembered(std::unique_ptr<Resolver> asked, const Clock& clock, const RememberedLimits& limits = {});
  ~Remembered() override;
  /// The answer's ttl is what is left of it.
  async::Task<RawAnswer> query(std::string name, Type type) override;

 private:
  class Memory;
  const std::unique_ptr<Resolver> asked_;
  const std::shared_ptr<Memory> memory_;  ///< shared with questions under way, which may end after the resolver
};

}  // namespace postern::dns
