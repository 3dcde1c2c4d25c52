// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "store/memory/state.h"

namespace postern::store::memory {

std::unique_ptr<Session> make_session(std::shared_ptr<State> state, const mail::Identity& identity);

}  // namespace postern::store::memory
