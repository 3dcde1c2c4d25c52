// SPDX-License-Identifier: Apache-2.0
// Intake: one message on its way in. Line ends become CRLF, NUL octets become 0x80 (no IMAP literal may hold NUL, RFC 3501 §4.3;
// other servers show them the same way), the MIME structure is computed as at delivery, the octets go to a spool.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mime/part.h"
#include "store/body.h"
#include "store/store.h"

namespace postern::transfer {

/// Messages above this are listed as not imported.
inline constexpr std::uint64_t max_message_octets = std::uint64_t{1} << 30;
/// What stands for NUL.
inline constexpr char nul_replacement = static_cast<char>(0x80);

/// Appends `raw` to `out` with CR in front of each LF that has none. `last` is the octet before `raw`, and is moved on.
void append_with_crlf(std::string_view raw, char& last, std::string& out);
/// Appends `raw` to `out` with LF for each CRLF. `held_cr` says that a CR at the end of the piece before is still owed.
void append_with_lf(std::string_view raw, bool& held_cr, std::string& out);

class Intake {
 public:
  explicit Intake(std::unique_ptr<store::Spool> spool) : spool_(std::move(spool)) {}
  /// A piece of the message in any line ends. Errors: too_large, no_space, io.
  Result<> write(std::string_view raw);
  /// Octets with CRLF so far.
  std::uint64_t size() const { return size_; }
  bool had_nul() const { return had_nul_; }
  /// Body and structure; call once. Error invalid: the message is empty.
  Result<store::NewMessage> finish();

 private:
  std::unique_ptr<store::Spool> spool_;
  mime::PartParser parser_;
  std::string piece_;
  std::string without_nul_;
  std::uint64_t size_ = 0;
  char last_ = 0;
  bool had_nul_ = false;
};

}  // namespace postern::transfer
