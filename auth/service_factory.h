// SPDX-License-Identifier: Apache-2.0
// Makes the one auth::Service of a daemon, and the Office beside it.
#pragma once

#include <memory>

#include "async/task.h"
#include "auth/desk.h"
#include "auth/office.h"
#include "auth/service.h"
#include "auth/settings.h"
#include "base/result.h"

namespace postern::auth {

struct Front {
  std::unique_ptr<Office> office;
  std::unique_ptr<Service> service;  ///< goes first: it stops the threads that both use
};

/// Opens the key file (or makes it at the very first start), removes credentials whose account is gone and starts the
/// pools. The directory must be loaded; `parts` outlive the service. Errors: as open_keyring, and the store's.
async::Task<Result<Front>> make_front(DeskParts parts, Settings settings);

}  // namespace postern::auth
