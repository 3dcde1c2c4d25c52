// SPDX-License-Identifier: Apache-2.0
#include "daemon/sending_commands.h"

#include <boost/json/array.hpp>

#include "admin/json.h"

namespace postern::daemon {
namespace {

namespace json = boost::json;

struct Rooms {
  const auth::Directory& directory;
  submission::Allowance& allowance;
};

async::Task<admin::Answer> suspended(Rooms rooms) {
  json::array out;
  for (const auto& row : rooms.allowance.suspensions()) {
    const auto account = rooms.directory.account(row.account);
    if (!account) continue;
    out.push_back(json::object{{"login", account->login}, {"since", row.since}, {"until", row.until}, {"reason", row.reason}});
  }
  co_return json::object{{"accounts", std::move(out)}};
}

async::Task<admin::Answer> resume(Rooms rooms, admin::Arguments arguments) {
  const auto login = admin::text_argument(arguments, "login");
  if (!login) co_return std::unexpected(login.error());
  const auto account = rooms.directory.account(*login);
  if (!account) co_return fail(ErrorKind::not_found, fmt::format("no account {}; `postern account list` shows all", *login));
  if (!rooms.allowance.resume(account->id)) {
    co_return fail(ErrorKind::conflict, account->login + " is not suspended; `postern account suspended` shows who is");
  }
  co_return json::object{{"login", account->login}};
}

}  // namespace

void add_sending_commands(admin::Control& control, const auth::Directory& directory, submission::Allowance& allowance) {
  const Rooms rooms{directory, allowance};
  control.add("account.suspended", [rooms](const admin::Arguments&) { return suspended(rooms); });
  control.add("account.resume", [rooms](admin::Arguments arguments) { return resume(rooms, std::move(arguments)); });
}

}  // namespace postern::daemon
