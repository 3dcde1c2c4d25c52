// SPDX-License-Identifier: Apache-2.0
// The store in memory, for unit tests of other rooms. It keeps every promise of store/store.h but durability; calls finish
// without suspending. tests/store/conformance_test.cc holds it to the same behaviour as store/sqlite.
#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "store/accounts.h"
#include "store/credentials.h"
#include "store/store.h"

namespace postern::store::memory {

class MemoryStore : public Store {
 public:
  /// While set, every call that would write gives this error (a full or failing disk); reading goes on.
  virtual void fail_writes(std::optional<Error> error) = 0;
};

/// An empty store: no domains, no accounts. The clock must outlive it. Messages stay readable this long after expunge.
std::unique_ptr<MemoryStore> make(const Clock& clock, std::chrono::seconds undelete_window = std::chrono::hours(24 * 7));

}  // namespace postern::store::memory
