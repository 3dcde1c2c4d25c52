// SPDX-License-Identifier: Apache-2.0
// The reports' book in state.db. How many rows each topic has is known in memory, so that the limits cost nothing.
#pragma once

#include <memory>

#include "store/report_book.h"
#include "store/sqlite/ledger_file.h"

namespace postern::store::sqlite {

class SqliteReportBook final : public ReportBook {
 public:
  explicit SqliteReportBook(LedgerFile& file);
  void note(ReportTopic topic, std::string facts) override;
  async::Task<Result<std::vector<ReportTopic>>> due(ReportKind kind, std::int64_t before_day, std::size_t most) override;
  async::Task<Result<std::vector<ReportCount>>> read(ReportTopic topic) override;
  async::Task<Result<>> settle(ReportTopic topic) override;
  void forget(std::int64_t before_day) override;

 private:
  struct Sizes;
  LedgerFile& file_;
  std::shared_ptr<Sizes> sizes_;  ///< the writer thread's; shared with work that still waits when the book goes
};

}  // namespace postern::store::sqlite
