// SPDX-License-Identifier: Apache-2.0
// /.well-known/mta-sts.txt: the MTA-STS policy of our domains (RFC 8461 §3.2), for requests to mta-sts.<one of our domains>. The
// proxy in front has the certificate for that name.
#pragma once

#include "async/task.h"
#include "auth/directory.h"
#include "config/live.h"
#include "http/message.h"

namespace postern::web {

/// 404 for names that are not ours, and while mta_sts.mode is off.
async::Task<http::Response> mta_sts(const config::Live& config, const auth::Directory& directory, const http::Request& request);

}  // namespace postern::web
