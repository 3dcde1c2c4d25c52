// SPDX-License-Identifier: Apache-2.0
#include "auth/account_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "auth/account_choice.h"
#include "base/ascii.h"
#include "base/cursor.h"
#include "store/mailbox_name.h"

namespace postern::auth {
namespace {

using Kind = AccountSetting::Kind;

constexpr std::uint32_t most_number = 10'000'000;
constexpr std::size_t longest_names = 500;
/// Folders that POP3 shows as one maildrop.
constexpr std::size_t folders_max = 20;

constexpr std::array table{
    AccountSetting{"admin", Kind::flag, "off",
                   "Gets mail for postmaster, abuse, security, webmaster and hostmaster of all domains that do not claim them."},
    AccountSetting{"team", Kind::flag, "off",
                   "A team's account: what it shares stands below Shared/ for others; see postern mailbox share."},
    AccountSetting{"plus_addresses", Kind::flag, "on", "Mail for login+anything comes to this account."},
    AccountSetting{"login_mail", Kind::flag, "on", "A mail about the first login from a new network."},
    AccountSetting{"quota_mail", Kind::flag, "on", "A mail when the mailbox fills up."},
    AccountSetting{pop3_to_trash, Kind::flag, "off", "What POP3 deletes goes to the folder Trash."},
    AccountSetting{pop3_folders, Kind::folders, "INBOX",
                   "Folders that POP3 shows, one behind the other, with \";\" between them."},
    AccountSetting{pop3_login_delay, Kind::number, "", "Seconds between two POP3 logins of the account, a day at most."},
    AccountSetting{imap_capabilities_off, Kind::names, "",
                   "IMAP capabilities that this account's clients do not get, for example IDLE."},
    AccountSetting{forward_to, Kind::addresses, "",
                   "Addresses that the account's mail is sent on to; see postern account forward."},
    AccountSetting{forward_copy, Kind::flag, "on", "The mailbox keeps a copy of what is sent on."},
    AccountSetting{"messages_per_hour", Kind::number, "", "Messages that the account may send in an hour."},
    AccountSetting{"messages_per_day", Kind::number, "", "Messages that the account may send in a day."},
    AccountSetting{"recipients_per_hour", Kind::number, "", "Recipients that the account may write to in an hour."},
    AccountSetting{"new_recipients_per_day", Kind::number, "",
                   "People elsewhere that the account may write to for the first time in a day."},
    AccountSetting{"recipients_per_day", Kind::number, "", "Recipients that the account may write to in a day."},
};

const AccountSetting* find(std::string_view name) {
  const auto* const at = std::ranges::find(table, name, &AccountSetting::name);
  return at == table.end() ? nullptr : at;
}

std::optional<bool> flag_of(std::string_view text) {
  for (const auto* word : {"on", "yes", "true"}) {
    if (ascii::iequals(text, word)) return true;
  }
  for (const auto* word : {"off", "no", "false"}) {
    if (ascii::iequals(text, word)) return false;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> number_of(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = error == std::errc() && end == text.data() + text.size() && value > 0 && value <= most_number;
  return good ? std::optional(value) : std::nullopt;
}

/// "idle, compress=deflate" as "IDLE COMPRESS=DEFLATE"; empty when something is no name.
std::string names_of(std::string_view text) {
  std::string out;
  for (Cursor in(text); !in.at_end();) {
    const auto name = in.take_while([](char c) { return ascii::is_alnum(c) || c == '=' || c == '-' || c == '+'; });
    const auto gap = in.take_while([](char c) { return c == ' ' || c == ','; });
    if (name.empty() && (gap.empty() || !out.empty())) return {};
    if (!name.empty()) out += (out.empty() ? "" : " ") + ascii::upper(name);
  }
  return out.size() <= longest_names ? out : std::string();
}

/// "carol@example.net dave@example.com" in canonical form, each once.
Result<std::string> addresses_of(std::string_view text) {
  std::vector<std::string> found;
  for (Cursor in(text); !in.at_end();) {
    in.take_while([](char c) { return c == ' ' || c == ','; });
    if (in.at_end()) break;
    const auto word = in.take_while([](char c) { return c != ' ' && c != ','; });
    const auto address = mail::Address::parse(word);
    if (!address || address->domain() == nullptr || address->to_string().find(' ') != std::string::npos) {
      return fail(ErrorKind::invalid, fmt::format("\"{}\" is not an address to forward to; write carol@example.net", word));
    }
    const auto canonical = address->to_string();
    if (std::ranges::find(found, canonical) == found.end()) found.push_back(canonical);
  }
  if (found.size() > forwards_max) {
    return fail(ErrorKind::limit,
                fmt::format("an account forwards to {} addresses at most; a group has no such limit", forwards_max));
  }
  return fmt::format("{}", fmt::join(found, " "));
}

/// "INBOX;Lists/Work" in canonical form, each once.
Result<std::string> folders_of(std::string_view text) {
  std::vector<std::string> found;
  for (Cursor in(text); !in.at_end(); in.take(';')) {
    const auto name = store::canonical_mailbox(ascii::trim(in.take_until(';')));
    if (!name) return fail(ErrorKind::invalid, "folders are written INBOX;Lists/Work: " + name.error().text);
    if (std::ranges::find(found, *name) == found.end()) found.push_back(*name);
  }
  if (found.size() > folders_max) return fail(ErrorKind::limit, fmt::format("POP3 shows {} folders at most", folders_max));
  return fmt::format("{}", fmt::join(found, ";"));
}

Result<std::string> canonical_value(const AccountSetting& setting, std::string_view text) {
  if (setting.kind == Kind::addresses) return addresses_of(text);
  if (setting.kind == Kind::folders) return folders_of(text);
  if (setting.kind == Kind::names) {
    if (auto names = names_of(text); !names.empty()) return names;
    return fail(ErrorKind::invalid,
                fmt::format("{} is a list of names with spaces between them, not \"{}\"", setting.name, text));
  }
  if (setting.kind == Kind::flag) {
    const auto flag = flag_of(text);
    if (flag) return *flag ? "on" : "off";
    return fail(ErrorKind::invalid, fmt::format("{} is on or off, not \"{}\"", setting.name, text));
  }
  const auto number = number_of(text);
  if (number) return std::to_string(*number);
  return fail(ErrorKind::invalid, fmt::format("{} is a number from 1 to {}, not \"{}\"", setting.name, most_number, text));
}

std::string all_names() {
  std::string out;
  for (const auto& one : table) out += (out.empty() ? "" : ", ") + std::string(one.name);
  return out;
}

}  // namespace

std::span<const AccountSetting> account_settings() { return table; }

Result<std::map<std::string, std::string>> canonical_settings(const std::map<std::string, std::string>& settings) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : settings) {
    const auto* const setting = find(name);
    if (setting == nullptr) {
      return fail(ErrorKind::invalid, fmt::format("there is no setting \"{}\"; there are {}", name, all_names()));
    }
    if (value.empty()) continue;
    auto canonical = canonical_value(*setting, value);
    if (!canonical) return std::unexpected(canonical.error());
    out[name] = std::move(*canonical);
  }
  return out;
}

bool setting_flag(const store::AccountRow& account, std::string_view name) {
  const auto at = account.settings.find(std::string(name));
  const auto* const setting = find(name);
  const auto given = at == account.settings.end() ? std::nullopt : flag_of(at->second);
  return given.value_or(setting != nullptr && setting->usual == "on");
}

std::vector<mail::Address> forwards_of(const store::AccountRow& account) {
  std::vector<mail::Address> out;
  const auto at = account.settings.find(std::string(forward_to));
  if (at == account.settings.end()) return out;
  for (Cursor in(at->second); !in.at_end(); in.take(' ')) {
    auto address = mail::Address::parse(in.take_while([](char c) { return c != ' '; }));
    if (address) out.push_back(std::move(*address));
  }
  return out;
}

std::optional<std::uint32_t> setting_number(const store::AccountRow& account, std::string_view name) {
  const auto at = account.settings.find(std::string(name));
  return at == account.settings.end() ? std::nullopt : number_of(at->second);
}

}  // namespace postern::auth
