// SPDX-License-Identifier: Apache-2.0
// Greylisting's book in state.db.
#pragma once

#include "store/grey_book.h"
#include "store/sqlite/ledger_file.h"

namespace postern::store::sqlite {

class SqliteGreyBook final : public GreyBook {
 public:
  explicit SqliteGreyBook(LedgerFile& file) : file_(file) {}
  Result<std::vector<GreyRow>> recall(std::size_t most) override;
  void note(std::vector<GreyRow> rows, UnixTime before) override;

 private:
  LedgerFile& file_;
};

}  // namespace postern::store::sqlite
