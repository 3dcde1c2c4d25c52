// SPDX-License-Identifier: Apache-2.0
// The settings that a single account may have, by name (store::AccountRow::settings). One table: what is not in it is refused,
// what an account does not set has the default.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mail/address.h"
#include "store/accounts.h"

namespace postern::auth {

struct AccountSetting {
  enum class Kind : unsigned char { flag, number, names, addresses, folders };
  std::string_view name;
  Kind kind;
  std::string_view usual;  ///< what holds without it: "on", "off", or "" for what the configuration says
  std::string_view help;   ///< one sentence
};

/// Where an account's mail is sent on to, with spaces between the addresses, and whether its mailbox gets a copy then.
inline constexpr std::string_view forward_to = "forward_to";
inline constexpr std::string_view forward_copy = "forward_copy";
/// Most addresses that an account forwards to.
inline constexpr std::size_t forwards_max = 10;

/// All of them, in the order in which they are shown.
std::span<const AccountSetting> account_settings();

/// Checked and in canonical form; flags take on/off, yes/no, true/false; names become capitals with single spaces. An empty value
/// drops the setting. Error invalid names the setting and the remedy.
Result<std::map<std::string, std::string>> canonical_settings(const std::map<std::string, std::string>& settings);

/// A flag of the table, with its default.
bool setting_flag(const store::AccountRow& account, std::string_view name);
/// The addresses of forward_to.
std::vector<mail::Address> forwards_of(const store::AccountRow& account);
/// A number, when the account sets it.
std::optional<std::uint32_t> setting_number(const store::AccountRow& account, std::string_view name);

}  // namespace postern::auth
