// SPDX-License-Identifier: Apache-2.0
// BINARYMIME (RFC 3030 §3): binary content is taken, and turned into base64 before it is stored. So no mailbox, no client and no
// next server ever meets a NUL or a line end that is none, and what we pass on needs no more than 8BITMIME.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>

#include "async/task.h"
#include "smtp/reply.h"
#include "store/body.h"

namespace postern::smtp {

/// The message without binary parts, or why it cannot be one: content that is not as its labels say, no space. Yields while it
/// works on long messages. `max_line`: octets of one line with its CRLF.
async::Task<std::expected<store::BodyPtr, Reply>> encode_binary(store::BodyPtr body, std::unique_ptr<store::Spool> spool,
                                                                std::size_t max_line);

}  // namespace postern::smtp
