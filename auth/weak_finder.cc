// SPDX-License-Identifier: Apache-2.0
#include "auth/weak_finder.h"

#include "async/executor.h"
#include "auth/subject.h"

namespace postern::auth {
namespace {

/// Passwords that wait to be judged; each is one login.
constexpr std::size_t most_waiting = 64;
/// Credentials remembered as judged; beyond it all are judged anew.
constexpr std::size_t most_remembered = 100'000;

}  // namespace

WeakFinder::WeakFinder(WeakFinderParts parts, std::string hostname)
    : parts_(parts),
      hostname_(std::move(hostname)),
      flagged_(parts.metrics.counter("postern_weak_passwords_found_total", "Passwords found weak at a login")),
      pool_({.name = "auth-weak", .threads = 1, .queue_limit = most_waiting}) {}

WeakFinder::~WeakFinder() { stop(); }

bool WeakFinder::is_new(store::CredentialId credential) {
  const auto edition = parts_.gate.edition();
  const std::lock_guard lock(mutex_);
  if (edition != edition_ || judged_.size() >= most_remembered) judged_.clear();
  edition_ = edition;
  return judged_.insert(credential).second;
}

void WeakFinder::forget(store::CredentialId credential) {
  const std::lock_guard lock(mutex_);
  judged_.erase(credential);
}

void WeakFinder::look(store::AccountId account, store::CredentialId credential, const Secret& password) {
  if (!is_new(credential)) return;
  Found found{account, credential, password};
  if (!pool_.submit([this, found = std::move(found)] { judge(found); })) forget(credential);
}

void WeakFinder::judge(const Found& found) {
  const auto account = parts_.directory.account(found.account);
  if (!account) return;
  const auto judgement = parts_.gate.judge(found.password, {.words = words_of(parts_.directory, *account, hostname_)});
  if (!judgement.objection) {
    if (auto cleared = async::run_alone(parts_.credentials.clear_weak(found.credential)); !cleared) forget(found.credential);
    return;
  }
  const auto reason = to_string(judgement.objection->weakness);
  auto flagged = async::run_alone(
      parts_.credentials.flag_weak({found.account, found.credential, std::string(reason), parts_.clock.unix_now()}));
  if (!flagged) {
    forget(found.credential);
    parts_.log.warning("auth", "weak password not noted", {{"user", account->login}, {"reason", flagged.error().text}});
    return;
  }
  flagged_.add();
  parts_.log.warning("auth", "weak_password", {{"user", account->login}, {"account", account->id}, {"weakness", reason}});
}

}  // namespace postern::auth
