// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/ledger.h"

#include "store/sqlite/grey_book.h"
#include "store/sqlite/guard_book.h"
#include "store/sqlite/ledger_file.h"
#include "store/sqlite/report_book.h"
#include "store/sqlite/sending_book.h"
#include "store/sqlite/sts_book.h"

namespace postern::store::sqlite {

namespace {

/// The books over one file; a new book is one more member and one more line here.
class SqliteLedger final : public Ledger {
 public:
  explicit SqliteLedger(LedgerFile::Parts parts) : file_(std::move(parts)) {}

  GuardBook& guard() override { return guard_; }
  GreyBook& grey() override { return grey_; }
  SendingBook& sending() override { return sending_; }
  ReportBook& reports() override { return reports_; }
  StsBook& sts() override { return sts_; }
  async::Task<Result<>> settle() override {
    co_return co_await file_.run<void>([](Database&) -> Result<> { return {}; });
  }
  void close() override { file_.close(); }

 private:
  LedgerFile file_;
  SqliteGuardBook guard_{file_};
  SqliteGreyBook grey_{file_};
  SqliteSendingBook sending_{file_};
  SqliteReportBook reports_{file_};
  SqliteStsBook sts_{file_};
};

}  // namespace

std::unique_ptr<Ledger> open_ledger(const std::filesystem::path& folder, const Surroundings& around) {
  return std::make_unique<SqliteLedger>(LedgerFile::Parts{folder, around.clock, around.log, around.metrics});
}

}  // namespace postern::store::sqlite
