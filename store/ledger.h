// SPDX-License-Identifier: Apache-2.0
// Ledger: state.db, what the server learns in passing and may forget: bans and the guard's counters, and whatever else wants to
// outlive a restart without being anybody's mail. Each use is a book of its own with its own header.
//
// Invariants: losing it never stops mail (a damaged file is put aside, one that cannot be written is replaced by memory, both
// are logged); nobody waits for the disk to log in or to receive mail; a crash may lose the last moments. It is not in backups.
#pragma once

#include "async/task.h"
#include "base/result.h"

namespace postern::store {

class GuardBook;    // store/guard_book.h
class GreyBook;     // store/grey_book.h
class SendingBook;  // store/sending_book.h
class ReportBook;   // store/report_book.h
class StsBook;      // store/sts_book.h

class Ledger {
 public:
  virtual ~Ledger() = default;
  virtual GuardBook& guard() = 0;
  virtual GreyBook& grey() = 0;
  virtual SendingBook& sending() = 0;
  virtual ReportBook& reports() = 0;
  virtual StsBook& sts() = 0;
  /// Returns when everything that was noted before is written, or lost (which is logged). Error unavailable after close().
  virtual async::Task<Result<>> settle() = 0;
  /// Writes what waits and closes the file. What comes later is dropped.
  virtual void close() = 0;
};

}  // namespace postern::store
