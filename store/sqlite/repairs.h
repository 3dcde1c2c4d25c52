// SPDX-License-Identifier: Apache-2.0
// Repairs: what the audit found and other rows prove, written by the writer, one discrepancy a command.
#pragma once

#include "store/sqlite/audit.h"
#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

/// True when something was written. What has changed meanwhile so that the repair no longer applies is left alone.
bool mend(Transaction& tx, const Discrepancy& what);

}  // namespace postern::store::sqlite
