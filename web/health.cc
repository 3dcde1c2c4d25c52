// SPDX-License-Identifier: Apache-2.0
#include "web/health.h"

namespace postern::web {

namespace {
constexpr unsigned service_unavailable = 503;
}

async::Task<http::Response> health(store::Store& store) {
  const auto due = co_await store.queue().next_due();
  if (!due)
    co_return http::plain_response(service_unavailable, std::string("store: ") + std::string(to_string(due.error().kind)) + "\n");
  co_return http::plain_response(200, "ok\n");
}

}  // namespace postern::web
