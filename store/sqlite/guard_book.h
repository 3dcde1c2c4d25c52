// SPDX-License-Identifier: Apache-2.0
// The guard's book in state.db.
#pragma once

#include "store/guard_book.h"
#include "store/sqlite/ledger_file.h"

namespace postern::store::sqlite {

class SqliteGuardBook final : public GuardBook {
 public:
  explicit SqliteGuardBook(LedgerFile& file) : file_(file) {}
  Result<GuardMemory> recall() override;
  void note(GuardChanges changes) override;
  async::Task<Result<>> save(GuardChanges changes) override;

 private:
  LedgerFile& file_;
};

}  // namespace postern::store::sqlite
