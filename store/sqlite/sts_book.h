// SPDX-License-Identifier: Apache-2.0
// MTA-STS policies in state.db.
#pragma once

#include "store/sqlite/ledger_file.h"
#include "store/sts_book.h"

namespace postern::store::sqlite {

class SqliteStsBook final : public StsBook {
 public:
  explicit SqliteStsBook(LedgerFile& file) : file_(file) {}
  Result<std::vector<StsRow>> recall(std::size_t most) override;
  void note(StsRow row) override;
  void forget(UnixTime before) override;

 private:
  LedgerFile& file_;
};

}  // namespace postern::store::sqlite
