// SPDX-License-Identifier: Apache-2.0
#include "queue/quota_watch.h"

#include <algorithm>

#include "async/executor.h"
#include "auth/account_settings.h"

namespace postern::queue {

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

std::string usage(const store::Quota& quota) {
  std::string out;
  if (quota.limit_bytes != 0) {
    out += fmt::format("Used: {} of {} MiB.\n", (quota.used_bytes + mebibyte - 1) / mebibyte, quota.limit_bytes / mebibyte);
  }
  if (quota.limit_messages != 0) out += fmt::format("Messages: {} of {}.\n", quota.used_messages, quota.limit_messages);
  return out;
}

}  // namespace

unsigned reached_level(unsigned percent, const std::vector<config::Percent>& levels) {
  unsigned level = 0;
  for (const auto& one : levels) {
    if (percent >= one.value) level = std::max(level, one.value);
  }
  return level;
}

async::Task<> QuotaWatch::run(async::TaskGroup& group) {
  while (!group.stopping()) {
    if (const auto looked = co_await look(); !looked) {
      writing_.log.warning("queue", "quotas could not be watched", {{"error", looked.error().text}});
    }
    co_await async::sleep(interval);
  }
}

async::Task<Result<>> QuotaWatch::recall() {
  auto notices = co_await store_.accounts().quota_notices();
  if (!notices) co_return std::unexpected(notices.error());
  for (auto& one : *notices) told_[{one.account, std::move(one.domain)}] = one.percent;
  recalled_ = true;
  co_return Result<>();
}

async::Task<Result<>> QuotaWatch::look() {
  if (!recalled_) {
    if (auto recalled = co_await recall(); !recalled) co_return recalled;
  }
  const auto table = writing_.directory.table();
  for (const auto& row : table->accounts) co_await check({{row.id, {}}, row.login, row.login, store_.quota(row.id)});
  for (const auto& row : table->domains) {
    co_await check({{0, row.name}, row.name, "postmaster@" + row.name, store_.domain_quota(row.name)});
  }
  co_return Result<>();
}

async::Task<> QuotaWatch::check(Subject subject) {
  const auto config = writing_.config.get();
  const unsigned level = reached_level(subject.quota.percent(), config->quota.warn_at);
  const auto known = told_.find(subject.key);
  const unsigned told = known == told_.end() ? 0 : known->second;
  if (level == told) co_return;
  const auto account = writing_.directory.account(subject.key.first);
  const bool wanted = !account || auth::setting_flag(*account, "quota_mail");
  if (level > told && wanted) {
    if (const auto sent = co_await send_letter(writing_, letter(subject, level)); !sent) {
      writing_.log.warning("queue", "a quota warning could not be delivered",
                           {{"quota", subject.name}, {"percent", level}, {"error", sent.error().text}});
      co_return;
    }
  }
  const auto noted = co_await store_.accounts().set_quota_notice({subject.key.first, subject.key.second, level});
  if (!noted) co_return;
  told_[subject.key] = level;
}

Letter QuotaWatch::letter(const Subject& subject, unsigned level) const {
  const bool domain = subject.key.first == 0;
  Letter out;
  out.to = subject.to;
  out.subject = fmt::format("{} is {}% full", domain ? "The domain " + subject.name : "Your mailbox", level);
  out.text = fmt::format(
      "{} has reached {}% of what it may keep.\n{}\nWhen it is full, new mail for {} is turned away until there is room again.\n"
      "{}\n",
      domain ? "The domain " + subject.name : "The mailbox " + subject.name, level, usage(subject.quota),
      domain ? "all of its people" : "you",
      domain ? "Raise its limit with: postern domain set " + subject.name + " --quota SIZE"
             : "Delete what you do not need (and empty the trash), or ask your postmaster for more room.");
  return out;
}

}  // namespace postern::queue
