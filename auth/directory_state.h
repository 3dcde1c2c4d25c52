// SPDX-License-Identifier: Apache-2.0
// Directory::State: an Index that is replaced whole after each change; the lock is held only to copy a pointer. For
// auth/directory*.cc alone.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "auth/directory.h"
#include "auth/index.h"
#include "config/way_out.h"

namespace postern::auth {

struct Directory::State {
  State(store::Accounts& a, Log& l, const config::Live* c)
      : accounts(a), log(l), live(c), index(std::make_shared<const Index>(store::AccountTable{})) {}

  std::shared_ptr<const Index> now() const {
    const std::lock_guard lock(mutex);
    return index;
  }
  /// To be taken before the table is read.
  std::uint64_t ticket() {
    const std::lock_guard lock(mutex);
    return ++tickets;
  }
  /// Two changes may read the table in parallel; what was asked for earlier never replaces what was asked for later.
  void replace(store::AccountTable table, std::uint64_t ticket) {
    auto fresh = std::make_shared<const Index>(std::move(table));
    const std::lock_guard lock(mutex);
    if (ticket < shown) return;
    shown = ticket;
    index = std::move(fresh);
  }
  Question question(const Writer& writer = Writer::house()) const {
    Question out;
    out.writer = writer;
    if (live == nullptr) return out;
    const auto config = live->get();
    out.separators = config->server.address_separators;
    out.forbid_for = config->way_out->forwarding.forbid_for;
    return out;
  }

  store::Accounts& accounts;
  Log& log;
  const config::Live* live;
  mutable std::mutex mutex;
  std::shared_ptr<const Index> index;
  std::uint64_t tickets = 0;
  std::uint64_t shown = 0;  ///< ticket of `index`
};

}  // namespace postern::auth
