// SPDX-License-Identifier: Apache-2.0
#include "policy/dkim_watch.h"

#include <fmt/format.h>

#include "async/executor.h"
#include "base/encoding.h"

namespace postern::policy {

std::string_view to_string(Publication::State state) {
  switch (state) {
    case Publication::State::published: return "published";
    case Publication::State::absent: return "absent";
    case Publication::State::different: return "different";
    case Publication::State::unclear: return "unclear";
  }
  return "unclear";
}

namespace {

using State = Publication::State;

/// What one TXT record says about the key.
Publication compare(const std::string& record, const DkimKey& key) {
  const auto parsed = parse_dkim_key(record);
  if (!parsed) return {State::different, "a record is there that cannot be read: " + parsed.error().text};
  if (parsed->ed25519 != key.is_ed25519() || base64_encode(parsed->key) != key.public_key) {
    return {State::different, "a record is there, but with another key; a part may have been lost when it was pasted"};
  }
  if (!parsed->for_mail) return {State::different, "the record is not for mail (s=)"};
  if (!parsed->takes_sha256) return {State::different, "the record forbids SHA-256 (h=)"};
  return {State::published, parsed->testing ? "published, but marked as a test (t=y)" : "published", parsed->testing};
}

}  // namespace

async::Task<Publication> find_publication(dns::Resolver& resolver, DkimKey key) {
  const auto answer = co_await resolver.txt(key.name());
  if (dns::is_temporary(answer.status)) {
    co_return Publication{State::unclear, fmt::format("DNS gave no answer ({})", dns::to_string(answer.status))};
  }
  if (!answer.ok()) co_return Publication{State::absent, "no TXT record at " + key.name()};
  // RFC 6376 §3.6.2.2: with several records the result is undefined.
  if (answer.records.size() > 1) {
    co_return Publication{State::different, fmt::format("{} TXT records are there; only one may be", answer.records.size())};
  }
  co_return compare(answer.records.front(), key);
}

async::Task<> KeyWatch::look(DkimKey::State state) {
  for (auto& key : book_.keys()) {
    if (key.state != state) continue;
    const auto found = co_await find_publication(resolver_, key);
    if (state == DkimKey::State::waiting && found.state == State::published) {
      const auto active = book_.activate(key.domain, key.selector);
      if (active) log_.info("dkim", "activated", {{"key", key.name()}});
      if (!active) log_.error("dkim", "not_activated", {{"key", key.name()}, {"text", active.error().text}});
    }
    if (state == DkimKey::State::active && (found.state == State::absent || found.state == State::different)) {
      log_.warning("dkim", "not_published", {{"key", key.name()}, {"text", found.text}});
    }
  }
}

async::Task<> KeyWatch::run(async::TaskGroup& group) {
  auto next_active = std::chrono::steady_clock::now();
  while (!group.stopping()) {
    co_await look(DkimKey::State::waiting);
    if (std::chrono::steady_clock::now() >= next_active) {
      next_active += active_interval;
      co_await look(DkimKey::State::active);
    }
    co_await async::sleep(waiting_interval);
  }
}

}  // namespace postern::policy
