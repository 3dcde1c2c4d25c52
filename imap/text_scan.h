// SPDX-License-Identifier: Apache-2.0
// TextScan: which of several texts occur in one message. One pass over the message, decoded piece by piece; memory is one piece.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "imap/message.h"

namespace postern::imap {

/// Where a text may occur.
enum class Where : bool { body, anywhere };
struct Needle {
  std::string text;  ///< in the comparison form of mime::casemap
  Where where = Where::body;
};

class TextScan {
 public:
  /// The octets read, times the needles, are taken off `budget`.
  TextScan(std::vector<Needle> needles, std::uint64_t& budget);

  /// Reads the message. Errors: those of Message; limit when the budget is used up.
  async::Task<Result<>> run(Message& message);
  /// After run().
  bool found(std::size_t needle) const { return found_[needle]; }

 private:
  async::Task<Result<>> scan_leaf(Message& message, const mime::Part& part);
  async::Task<Result<>> scan_header(Message& message, const mime::Part& part);
  void look(std::string_view text, Where place);
  bool wants_header() const;
  bool all_found() const;
  bool spend(std::uint64_t octets);

  std::vector<Needle> needles_;
  std::uint64_t& budget_;
  std::size_t longest_ = 0;
  std::vector<bool> found_;
};

/// The fields of a header block as people read them: encoded words decoded, unfolded, one a line, in comparison form.
std::string readable_header(std::string_view block);

}  // namespace postern::imap
