// SPDX-License-Identifier: Apache-2.0
#include "web/mta_sts.h"

#include "policy/own_sts.h"

namespace postern::web {

async::Task<http::Response> mta_sts(const config::Live& config, const auth::Directory& directory, const http::Request& request) {
  constexpr std::string_view prefix = "mta-sts.";
  constexpr unsigned not_found = 404;
  const auto page = policy::own_sts_policy(*config.get());
  const bool named = request.host.starts_with(prefix);
  const auto domain = mail::Domain::parse(named ? std::string_view(request.host).substr(prefix.size()) : std::string_view());
  if (page.empty() || !domain || !directory.is_local(*domain)) co_return http::plain_response(not_found, "no policy here");
  http::Response out;
  out.type = "text/plain";
  out.body = page;
  co_return out;
}

}  // namespace postern::web
