// SPDX-License-Identifier: Apache-2.0
// /health: 200 "ok" when the store answers, 503 with the reason when it does not. For monitors and load balancers.
#pragma once

#include "http/message.h"
#include "store/store.h"

namespace postern::web {

async::Task<http::Response> health(store::Store& store);

}  // namespace postern::web
