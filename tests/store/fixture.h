// SPDX-License-Identifier: Apache-2.0
// What the store's tests share: calls that run to their end, a world with one domain and accounts, and short ways to say things.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "async/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/accounts.h"
#include "store/credentials.h"
#include "store/memory/memory.h"
#include "store/sqlite/open.h"
#include "store/store.h"
#include "tests/support/folder.h"
#include "tests/support/identity.h"

namespace postern::store::test {

using postern::test::Folder;
using postern::test::identity;

/// Runs the call on a loop of its own.
template <class T>
T wait(Task<T> task) {
  return async::run_alone(std::move(task));
}
/// The same for calls that must succeed.
template <class T>
T must(Task<Result<T>> task) {
  auto result = wait(std::move(task));
  if (!result) throw std::runtime_error(std::string(to_string(result.error().kind)) + ": " + result.error().text);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
/// The kind of error; a success fails the test.
template <class T>
ErrorKind error_of(Task<Result<T>> task) {
  auto result = wait(std::move(task));
  EXPECT_FALSE(result.has_value());
  return result ? ErrorKind::internal : result.error().kind;
}

inline AccountId add_account(Store& store, const std::string& login, std::uint64_t quota_bytes = 0,
                             std::uint64_t quota_messages = 0) {
  return must(store.accounts().add_account({0, login, "", true, quota_bytes, quota_messages}));
}

inline NewMessage message(std::string body, std::uint64_t flags = 0, std::vector<std::string> keywords = {}) {
  return NewMessage{body_of(std::move(body)), {"env", "struct", "parts"}, flags, std::move(keywords), 1'700'000'000};
}

/// Octets that no program compresses; another text for each seed. Eight at a time: a sanitizer makes each step slow.
inline std::string noise_of(std::uint64_t seed, std::size_t size) {
  std::mt19937_64 random(seed);
  std::string out(size, '\0');
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(out.data() + at, &word, std::min(sizeof word, size - at));
  }
  return out;
}
/// The same each time.
inline std::string noise(std::size_t size) { return noise_of(size, size); }

inline Acceptance acceptance(std::string body, std::vector<Delivery> deliveries) {
  return Acceptance{body_of(std::move(body)), {"env", "struct", "parts"}, 1'700'000'000, std::move(deliveries), std::nullopt};
}

inline QueueRecipient recipient(const std::string& address, UnixTime next_at) {
  auto parsed = mail::Address::parse(address).value();
  QueueRecipient out{.recipient = {parsed}};
  out.domain = parsed.domain_text();
  out.next_at = next_at;
  return out;
}

inline std::string read_all(BodyReader& reader) {
  std::string out;
  for (;;) {
    const auto piece = must(reader.read(out.size(), 64 * 1024));
    if (piece.empty()) return out;
    out += piece;
  }
}

inline MailboxInfo inbox(Session& session) { return must(session.status("INBOX")); }
inline SnapshotPtr snapshot(Session& session, MailboxId mailbox) { return must(session.open(mailbox))->latest(); }

/// A real store in a folder, with quiet surroundings.
struct Real {
  FakeClock clock;
  Log log{LogLevel::off, null_sink()};
  Metrics metrics;

  Result<std::unique_ptr<sqlite::SqliteStore>> open(sqlite::Options options) {
    return sqlite::open(options, {clock, log, metrics});
  }
  /// A small store that must open.
  std::unique_ptr<sqlite::SqliteStore> must_open(const std::filesystem::path& folder, sqlite::Disk* disk = nullptr) {
    auto store = open({.data_dir = folder, .segment_bytes = 1 << 20, .allocate_bytes = 1 << 18, .disk = disk});
    if (!store) throw std::runtime_error(store.error().text);
    return std::move(*store);
  }
};

}  // namespace postern::store::test
