// SPDX-License-Identifier: Apache-2.0
// The word to an account about its first login from a network: when, from where, with which password, and what to do when it was
// somebody else. auth decides whether it is sent at all (auth/backroom.h).
#pragma once

#include "auth/app_passwords.h"
#include "auth/backroom.h"
#include "queue/letter.h"

namespace postern::queue {

/// What is told. `hostname` is ours.
Letter new_network_letter(const auth::NewNetworkLogin& login, const std::string& hostname);
/// Durable when it returns. Errors: those of send_letter().
async::Task<Result<>> tell_new_network(Writing writing, auth::NewNetworkLogin login);

}  // namespace postern::queue
