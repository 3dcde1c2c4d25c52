// SPDX-License-Identifier: Apache-2.0
// What a signature on a message is made from: its header block, and the SHA-256 of its body in relaxed form (RFC 6376 §3.4.4).
// The body is read in pieces; a large one is never in memory as a whole.
#pragma once

#include <string>

#include "async/task.h"
#include "base/result.h"
#include "store/store.h"

namespace postern::queue {

struct SignedText {
  std::string header;
  std::string digest;
};

/// The header block without its empty line. Errors: those of reading.
Result<std::string> read_signed_header(const store::Body& body);
/// Both. Errors: those of reading.
async::Task<Result<SignedText>> read_signed_text(store::BodyPtr body);

}  // namespace postern::queue
