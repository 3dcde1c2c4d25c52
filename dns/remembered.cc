// SPDX-License-Identifier: Apache-2.0
// Two generations: when the young one is full it becomes the old one, and what was old and not asked for again goes.
#include "dns/remembered.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "base/ascii.h"

namespace postern::dns {
namespace {

/// "16 example.org"
std::string key_of(std::string_view name, Type type) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return std::to_string(static_cast<unsigned>(type)) + ' ' + ascii::lower(name);
}

std::size_t octets_of(const RawAnswer& answer) {
  std::size_t sum = answer.canonical.size() + answer.text.size();
  for (const auto& record : answer.records) sum += record.size();
  return sum;
}

}  // namespace

class Remembered::Memory {
 public:
  Memory(const Clock& clock, const RememberedLimits& limits) : clock_(clock), limits_(limits) {}
  bool find(const std::string& key, RawAnswer& out);
  void keep(std::string key, const RawAnswer& answer);

 private:
  struct Entry {
    RawAnswer answer;
    Clock::Steady ends;
  };
  using Generation = std::unordered_map<std::string, Entry>;
  void put(std::string key, Entry entry);

  const Clock& clock_;
  const RememberedLimits limits_;
  std::mutex mutex_;
  Generation young_;  ///< asked for since the last change of generations
  Generation old_;
};

bool Remembered::Memory::find(const std::string& key, RawAnswer& out) {
  const auto now = clock_.steady();
  const std::lock_guard lock(mutex_);
  auto found = young_.find(key);
  if (found == young_.end()) {
    auto node = old_.extract(key);
    if (!node) return false;
    put(key, std::move(node.mapped()));
    found = young_.find(key);
  }
  if (now >= found->second.ends) {
    young_.erase(found);
    return false;
  }
  out = found->second.answer;
  out.ttl = std::chrono::ceil<std::chrono::seconds>(found->second.ends - now);
  return true;
}

void Remembered::Memory::put(std::string key, Entry entry) {
  if (young_.size() >= limits_.entries / 2) old_ = std::exchange(young_, {});
  young_.insert_or_assign(std::move(key), std::move(entry));
}

void Remembered::Memory::keep(std::string key, const RawAnswer& answer) {
  if (is_temporary(answer.status) || answer.ttl.count() <= 0 || octets_of(answer) > limits_.answer_octets) return;
  const auto ends = clock_.steady() + std::min(answer.ttl, limits_.longest);
  const std::lock_guard lock(mutex_);
  put(std::move(key), {answer, ends});
}

Remembered::Remembered(std::unique_ptr<Resolver> asked, const Clock& clock, const RememberedLimits& limits)
    : asked_(std::move(asked)), memory_(std::make_shared<Memory>(clock, limits)) {}

Remembered::~Remembered() = default;

async::Task<RawAnswer> Remembered::query(std::string name, Type type) {
  const auto memory = memory_;
  auto key = key_of(name, type);
  RawAnswer answer;
  if (memory->find(key, answer)) co_return answer;
  answer = co_await asked_->query(std::move(name), type);
  memory->keep(std::move(key), answer);
  co_return answer;
}

}  // namespace postern::dns
