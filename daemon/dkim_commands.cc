// SPDX-License-Identifier: Apache-2.0
#include "daemon/dkim_commands.h"

#include <boost/json/array.hpp>

#include "admin/dkim.h"
#include "admin/json.h"
#include "policy/dkim_watch.h"

namespace postern::daemon {
namespace {

namespace json = boost::json;

/// All keys that are not retired, or those of one domain; a waiting one that is published is taken into use.
async::Task<admin::Answer> check(House* house, admin::Arguments arguments) {
  const auto domain = admin::optional_text(arguments, "domain");
  auto& book = *house->archive().dkim;
  json::array out;
  for (auto key : book.keys()) {
    if (key.state == policy::DkimKey::State::retired || (!domain.empty() && key.domain != domain)) continue;
    const auto found = co_await policy::find_publication(house->resolver(), key);
    const bool fit = key.state == policy::DkimKey::State::waiting && found.state == policy::Publication::State::published;
    if (fit) {
      auto active = book.activate(key.domain, key.selector);
      if (!active) co_return std::unexpected(active.error());
      key = std::move(*active);
    }
    auto told = admin::describe(key);
    told["publication"] = policy::to_string(found.state);
    told["text"] = found.text;
    told["activated_now"] = fit;
    out.push_back(std::move(told));
  }
  if (out.empty() && !domain.empty()) {
    co_return fail(ErrorKind::not_found,
                   fmt::format("{} has no key in use; make one with: postern dkim create {}", domain, domain));
  }
  co_return json::object{{"keys", std::move(out)}};
}

}  // namespace

void add_dkim_commands(admin::Control& control, House& house) {
  control.add("dkim.check", [&house](admin::Arguments arguments) { return check(&house, std::move(arguments)); });
}

}  // namespace postern::daemon
