// SPDX-License-Identifier: Apache-2.0
// The pages of the `http` listener, one file each, and the router that leads to them. Nothing here changes anything; there
// are no logins.
//
//   /mail/config-v1.1.xml, /.well-known/autoconfig/mail/config-v1.1.xml   autoconfig.h
//   /.well-known/mta-sts.txt                                              mta_sts.h
//   /health                                                               health.h
//   /metrics                                                              Prometheus text, when web.metrics is on
#pragma once

#include "auth/directory.h"
#include "base/metrics.h"
#include "config/live.h"
#include "http/router.h"
#include "store/store.h"

namespace postern::web {

/// What the pages show; all of it outlives the router.
struct Site {
  const config::Live& config;
  const auth::Directory& directory;
  store::Store& store;
  const Metrics& metrics;
};

http::Router make_router(Site site);

}  // namespace postern::web
