// SPDX-License-Identifier: Apache-2.0
// account.forward_add|remove|list: where an account's mail is sent on to. Kept as settings of the account
// (auth/account_settings.h); the directory checks that nothing leads in a circle or where the admin forbids it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "admin/accounts.h"
#include "admin/commands.h"
#include "admin/json.h"
#include "auth/account_settings.h"
#include "base/ascii.h"

namespace postern::admin {

namespace json = boost::json;

namespace {

std::vector<std::string> targets_of(const store::AccountRow& row) {
  std::vector<std::string> out;
  for (const auto& one : auth::forwards_of(row)) out.push_back(one.to_string());
  return out;
}

void set_targets(store::AccountRow& row, const std::vector<std::string>& targets) {
  row.settings[std::string(auth::forward_to)] = fmt::format("{}", fmt::join(targets, " "));
  if (targets.empty()) row.settings[std::string(auth::forward_copy)].clear();
}

json::object told(const store::AccountRow& row) {
  json::array targets;
  for (const auto& one : targets_of(row)) targets.emplace_back(one);
  return {{"login", row.login}, {"forwards", std::move(targets)}, {"copy", auth::setting_flag(row, auth::forward_copy)}};
}

}  // namespace

namespace commands_of {

async::Task<Answer> account_forward_add(Context context, Arguments arguments) {
  auto row = find_account(context, arguments);
  if (!row) co_return std::unexpected(row.error());
  const auto address = text_argument(arguments, "address");
  if (!address) co_return std::unexpected(address.error());
  auto targets = targets_of(*row);
  const auto copy = optional_flag(arguments, "copy");
  const bool known = std::ranges::any_of(targets, [&](const auto& one) { return ascii::iequals(one, *address); });
  if (known && !copy) co_return fail(ErrorKind::exists, row->login + " forwards to " + *address + " already");
  if (!known) targets.push_back(*address);
  set_targets(*row, targets);
  if (copy) row->settings[std::string(auth::forward_copy)] = *copy ? "on" : "off";
  if (auto set = co_await context.directory.set_account(*row); !set) co_return std::unexpected(set.error());
  const auto now = context.directory.account(row->id);
  co_return told(now ? *now : *row);
}

async::Task<Answer> account_forward_remove(Context context, Arguments arguments) {
  auto row = find_account(context, arguments);
  if (!row) co_return std::unexpected(row.error());
  const auto address = text_argument(arguments, "address");
  if (!address) co_return std::unexpected(address.error());
  auto targets = targets_of(*row);
  if (std::erase_if(targets, [&](const auto& one) { return ascii::iequals(one, *address); }) == 0) {
    co_return fail(ErrorKind::not_found,
                   fmt::format("{} does not forward to {}; `postern account forward list {}` shows where to", row->login,
                               *address, row->login));
  }
  set_targets(*row, targets);
  if (auto set = co_await context.directory.set_account(*row); !set) co_return std::unexpected(set.error());
  const auto now = context.directory.account(row->id);
  co_return told(now ? *now : *row);
}

async::Task<Answer> account_forward_list(Context context, Arguments arguments) {
  json::array out;
  if (arguments.contains("login")) {
    const auto row = find_account(context, arguments);
    if (!row) co_return std::unexpected(row.error());
    if (!targets_of(*row).empty()) out.push_back(told(*row));
  } else {
    const auto table = context.directory.table();
    for (const auto& row : table->accounts) {
      if (!targets_of(row).empty()) out.push_back(told(row));
    }
  }
  co_return json::object{{"accounts", std::move(out)}};
}

}  // namespace commands_of

}  // namespace postern::admin
