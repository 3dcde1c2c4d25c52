// SPDX-License-Identifier: Apache-2.0
// Letters about an account whose sending was suspended: to its owner, and to the postmaster of its domain.
#pragma once

#include "queue/letter.h"
#include "store/sending_book.h"

namespace postern::queue {

/// To whom a letter about a suspension is written.
enum class Reader : std::uint8_t { owner, postmaster };

/// What the letter says; `login` is the account's.
Letter suspension_letter(const store::SuspensionRow& row, const std::string& login, Reader reader);

/// Sends both; what cannot be delivered is logged.
async::Task<> tell_suspended(Writing writing, store::SuspensionRow row);

}  // namespace postern::queue
