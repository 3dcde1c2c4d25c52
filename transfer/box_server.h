// SPDX-License-Identifier: Apache-2.0
// The serving end of transfer/wire.h.
#pragma once

#include "net/connection.h"
#include "transfer/box.h"

namespace postern::transfer {

/// Answers requests on the box until the stream ends or is malformed. The box is used by this peer only.
Task<> serve_box(Box& box, net::Connection& stream);

}  // namespace postern::transfer
