// SPDX-License-Identifier: Apache-2.0
#include "web/site.h"

#include "web/autoconfig.h"
#include "web/health.h"
#include "web/mta_sts.h"

namespace postern::web {

namespace {

async::Task<http::Response> metrics(Site site) {
  http::Response response;
  response.type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = site.metrics.exposition();
  co_return response;
}

}  // namespace

http::Router make_router(Site site) {
  http::Router router;
  const auto config = site.config.get();
  router.add("GET", "/health", [site](const http::Request&) { return health(site.store); });
  router.add("GET", "/.well-known/mta-sts.txt",
             [site](const http::Request& request) { return mta_sts(site.config, site.directory, request); });
  if (config->web.metrics) {
    router.add("GET", "/metrics", [site](const http::Request&) { return metrics(site); });
  }
  if (config->web.autoconfig) {
    for (const auto* path : {"/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml"}) {
      router.add("GET", path, [site](const http::Request& request) { return autoconfig(site.config, site.directory, request); });
    }
  }
  return router;
}

}  // namespace postern::web
