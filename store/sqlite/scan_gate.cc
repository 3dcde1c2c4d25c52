// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/scan_gate.h"

namespace postern::store::sqlite {

async::Task<Result<ScanGate::Ticket>> ScanGate::enter(AccountId account) {
  auto [promise, future] = async::make_promise<Ticket>();
  {
    const std::lock_guard lock(mutex_);
    const auto [line, free] = lines_.try_emplace(account);
    if (free) co_return Ticket(*this, account);
    if (line->second.size() >= max_waiting) co_return fail(ErrorKind::limit, "too many searches of this account wait");
    line->second.push_back(std::move(promise));
  }
  co_return co_await std::move(future).get();
}

/// A waiter that was cancelled drops its ticket when it is handed over, which brings us here again for the one behind it.
void ScanGate::next(AccountId account) {
  async::Promise<Ticket> promise;
  {
    const std::lock_guard lock(mutex_);
    const auto line = lines_.find(account);
    if (line == lines_.end()) return;
    if (line->second.empty()) {
      lines_.erase(line);
      return;
    }
    promise = std::move(line->second.front());
    line->second.pop_front();
  }
  promise.set(Ticket(*this, account));
}

}  // namespace postern::store::sqlite
