// SPDX-License-Identifier: Apache-2.0
// A message for a server without 8BITMIME (RFC 6152 §3): its parts recoded as plan_seven_bit() says, and signed again when it was
// signed by us, because the signature at the door speaks for the octets that were accepted.
//
// It stays as it is, and goes out so, when it is 7-bit already, when a part cannot be recoded, and when a signature of somebody
// else (DKIM, ARC) would break without one of ours beside it: servers pass the eighth bit today whatever they say, and a message
// that arrives whole is worth more than a rule for machines of 1990. The stored message is never changed; the copy lives
// as long as the delivery.
#pragma once

#include <functional>
#include <memory>

#include "async/task.h"
#include "base/result.h"
#include "queue/signer.h"
#include "store/store.h"

namespace postern::outbound {

struct SevenBitTools {
  std::function<std::unique_ptr<store::Spool>()> spool;  ///< where the copy is written
  const queue::Signer* signer = nullptr;                 ///< null: nothing is signed
};

/// The copy to be sent instead, or null when the message goes as it is. `whole` reads the message with the entry's prefix.
/// Errors: those of reading, writing and signing.
async::Task<Result<std::unique_ptr<store::BodyReader>>> to_seven_bit(const SevenBitTools& tools, const store::QueueEntry& entry,
                                                                     store::BodyReader& whole);

}  // namespace postern::outbound
