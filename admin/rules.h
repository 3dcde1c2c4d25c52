// SPDX-License-Identifier: Apache-2.0
// Access rules and settings as admin commands take and show them (store/accounts.h).
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>

#include "base/result.h"
#include "store/accounts.h"

namespace postern::admin {

/// Takes "protocols" and "networks" (lists) and "hours" (a text); what is absent stays, empty means all, anywhere and at any
/// time. Errors: invalid with the remedy.
Result<> apply_rules(store::AccessRules& rules, const boost::json::object& arguments);
/// Puts the same three into an answer.
void tell_rules(boost::json::object& answer, const store::AccessRules& rules);
/// Takes "settings", an object of names and texts; an empty text drops a setting. Errors: invalid.
Result<> apply_account_settings(std::map<std::string, std::string>& settings, const boost::json::object& arguments);

}  // namespace postern::admin
