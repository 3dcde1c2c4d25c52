// SPDX-License-Identifier: Apache-2.0
// A few entries for each account; BLAKE2b under a random key, compared in constant time.
#include "auth/cache.h"

#include <sodium.h>

#include <algorithm>

#include "base/random.h"

namespace postern::auth {
namespace {

Secret random_key() {
  std::string bytes(crypto_generichash_KEYBYTES, '\0');
  random::fill(std::as_writable_bytes(std::span(bytes)));
  return Secret::take(bytes);
}

}  // namespace

Cache::Cache(std::chrono::seconds ttl, std::size_t size, const Clock& clock)
    : size_(std::max<std::size_t>(size, 1)), clock_(clock), key_(random_key()), ttl_(ttl) {}

Cache::Hash Cache::hash(mail::AccountId account, const Secret& password) const {
  const auto key = key_.reveal();
  const auto text = password.reveal();
  crypto_generichash_state state;
  Hash out{};
  crypto_generichash_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size(), out.size());
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&account), sizeof account);
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  crypto_generichash_final(&state, out.data(), out.size());
  sodium_memzero(&state, sizeof state);
  return out;
}

std::uint64_t Cache::generation() const {
  const std::lock_guard lock(mutex_);
  return generation_;
}

std::optional<store::CredentialRow> Cache::find(mail::AccountId account, const Secret& password) const {
  const auto wanted = hash(account, password);
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(account);
  if (at == entries_.end()) return std::nullopt;
  const auto now = clock_.steady();
  for (const auto& entry : at->second) {
    if (now < entry.expires && sodium_memcmp(wanted.data(), entry.hash.data(), wanted.size()) == 0) return entry.credential;
  }
  return std::nullopt;
}

void Cache::put(mail::AccountId account, const Secret& password, store::CredentialRow credential, std::uint64_t generation) {
  const auto proven = hash(account, password);
  credential.sealed.clear();
  const std::lock_guard lock(mutex_);
  if (generation != generation_) return;
  if (!entries_.contains(account) && entries_.size() >= size_) shrink();
  auto& all = entries_[account];
  std::erase_if(all, [&](const Entry& one) { return one.hash == proven; });
  if (all.size() >= most_of_account) all.erase(all.begin());
  all.push_back({proven, std::move(credential), clock_.steady() + ttl_});
}

void Cache::drop(mail::AccountId account) {
  const std::lock_guard lock(mutex_);
  ++generation_;
  entries_.erase(account);
}

void Cache::set_ttl(std::chrono::seconds ttl) {
  const std::lock_guard lock(mutex_);
  ttl_ = ttl;
}

void Cache::shrink() {
  const auto now = clock_.steady();
  std::erase_if(entries_, [now](const auto& one) { return now >= one.second.back().expires; });
  if (entries_.size() >= size_) entries_.erase(entries_.begin());
}

}  // namespace postern::auth
