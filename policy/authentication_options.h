// SPDX-License-Identifier: Apache-2.0
// From [authentication] of postern.toml to the choices of an AuthenticationRun.
#pragma once

#include "config/authentication.h"
#include "policy/authentication.h"

namespace postern::policy {

AuthenticationOptions options_of(const config::Authentication& config);

}  // namespace postern::policy
