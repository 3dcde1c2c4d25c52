// SPDX-License-Identifier: Apache-2.0
// The ledger in memory, for unit tests of other rooms. Calls finish without suspending.
#pragma once

#include <memory>

#include "store/ledger.h"

namespace postern::store::memory {

std::unique_ptr<Ledger> make_ledger();

}  // namespace postern::store::memory
