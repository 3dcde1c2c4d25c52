// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "store/memory/state.h"

namespace postern::store::memory {

std::unique_ptr<Accounts> make_accounts(std::shared_ptr<State> state);
std::unique_ptr<Credentials> make_credentials(std::shared_ptr<State> state);

}  // namespace postern::store::memory
