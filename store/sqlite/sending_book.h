// SPDX-License-Identifier: Apache-2.0
// The book of what accounts send, in state.db.
#pragma once

#include "store/sending_book.h"
#include "store/sqlite/ledger_file.h"

namespace postern::store::sqlite {

class SqliteSendingBook final : public SendingBook {
 public:
  explicit SqliteSendingBook(LedgerFile& file) : file_(file) {}
  Result<Recalled> recall(Since since) override;
  void note(SentRow more, std::vector<CorrespondentRow> correspondents, Since since) override;
  void suspend(SuspensionRow row) override;
  void lift(AccountId account) override;
  void forgive(AccountId account) override;

 private:
  LedgerFile& file_;
};

}  // namespace postern::store::sqlite
