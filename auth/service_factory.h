// SPDX-License-Identifier: Apache-2.0
// Makes the one auth::Service of a daemon.
#pragma once

#include <memory>

#include "async/task.h"
#include "auth/desk.h"
#include "auth/service.h"
#include "auth/settings.h"
#include "base/result.h"

namespace postern::auth {

/// Opens the key file (or makes it at the very first start), removes credentials whose account is gone and starts the
/// pools. The directory must be loaded; `parts` outlive the service. Errors: as open_keyring, and the store's.
async::Task<Result<std::unique_ptr<Service>>> make_service(DeskParts parts, Settings settings);

}  // namespace postern::auth
