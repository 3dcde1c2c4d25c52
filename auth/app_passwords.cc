// SPDX-License-Identifier: Apache-2.0
#include "auth/app_passwords.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "base/ip_address.h"

namespace postern::auth {
namespace {

constexpr std::size_t app_length = 20;
constexpr std::size_t group_length = 5;
constexpr std::array<std::string_view, 3> doors{"imap", "pop3", "smtp"};

bool is_base32(char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); }

Secret grouped(std::string_view compact, char separator) {
  std::string out;
  for (std::size_t i = 0; i < compact.size(); ++i) {
    if (i > 0 && i % group_length == 0) out += separator;
    out += compact[i];
  }
  return Secret::take(out);
}

std::string joined(const std::vector<std::string>& list) { return fmt::format("{}", fmt::join(list, ",")); }

Result<std::string> protocols_of(std::vector<std::string> list) {
  for (auto& one : list) {
    one = ascii::lower(one);
    if (std::find(doors.begin(), doors.end(), one) == doors.end()) {
      return fail(ErrorKind::invalid, fmt::format("{} is no protocol of ours; name imap, pop3 or smtp", one));
    }
  }
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return joined(list);
}

Result<std::string> networks_of(const std::vector<std::string>& list) {
  if (list.size() > max_app_networks) return fail(ErrorKind::limit, fmt::format("at most {} networks", max_app_networks));
  std::vector<std::string> out;
  for (const auto& one : list) {
    auto network = canonical_network(one);
    if (!network) return std::unexpected(network.error());
    out.push_back(std::move(*network));
  }
  return joined(out);
}

bool is_within(std::string_view networks, const std::string& ip) {
  const auto address = IpAddress::parse(ip);
  if (!address) return false;
  const auto list = list_of(networks);
  return std::any_of(list.begin(), list.end(), [&](const std::string& text) {
    const auto network = IpNetwork::parse(text);
    return network && network->contains(*address);
  });
}

}  // namespace

std::optional<Secret> compact_app_password(std::string_view text) {
  constexpr std::size_t longest = 2 * app_length;
  if (text.size() < app_length || text.size() > longest) return std::nullopt;
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '-') out += ascii::lower(c);
  }
  const bool fits = out.size() == app_length && std::all_of(out.begin(), out.end(), is_base32);
  if (fits) return Secret::take(out);
  wipe(out);
  return std::nullopt;
}

std::vector<Secret> spellings_of(const Secret& compact) {
  return {grouped(compact.reveal(), '-'), compact, grouped(compact.reveal(), ' ')};
}

Result<store::CredentialRow> row_of(const AppRules& rules, UnixTime now) {
  const bool printable = std::none_of(rules.label.begin(), rules.label.end(), ascii::is_ctl);
  if (rules.label.empty() || rules.label.size() > max_label || !printable || !is_utf8(rules.label)) {
    return fail(ErrorKind::invalid, fmt::format("a label is one line of 1 to {} octets, for example \"phone\"", max_label));
  }
  if (rules.expires != 0 && rules.expires <= now) return fail(ErrorKind::invalid, "the time of expiry is over already");
  auto protocols = protocols_of(rules.protocols);
  if (!protocols) return std::unexpected(protocols.error());
  auto networks = networks_of(rules.networks);
  if (!networks) return std::unexpected(networks.error());
  store::CredentialRow row;
  row.kind = app_kind;
  row.label = rules.label;
  row.protocols = std::move(*protocols);
  row.networks = std::move(*networks);
  row.expires = rules.expires;
  row.created = now;
  return row;
}

Result<std::string> canonical_network(const std::string& text) {
  if (text.find('/') == std::string::npos) {
    const auto address = IpAddress::parse(text);
    if (address) return IpNetwork(*address, address->bits()).to_string();
  } else if (const auto network = IpNetwork::parse(text); network) {
    return network->to_string();
  }
  return fail(ErrorKind::invalid, fmt::format("{} is no network; write 192.0.2.0/24, 2001:db8::/32 or one address", text));
}

std::vector<std::string> list_of(std::string_view column) {
  std::vector<std::string> out;
  for (Cursor in(column); !in.at_end(); in.take(',')) out.emplace_back(in.take_until(','));
  return out;
}

std::optional<std::string> objection(const store::CredentialRow& row, const Origin& origin, UnixTime now) {
  if (row.expires != 0 && now >= row.expires) return "expired";
  if (!row.protocols.empty()) {
    const auto list = list_of(row.protocols);
    const auto door = door_name(origin.protocol);
    if (std::find(list.begin(), list.end(), door) == list.end()) return fmt::format("not for {}", door);
  }
  if (!row.networks.empty() && !is_within(row.networks, origin.ip)) return "not from this network";
  return std::nullopt;
}

std::string_view door_name(Protocol protocol) {
  switch (protocol) {
    case Protocol::submission: return "smtp";
    case Protocol::imap: return "imap";
    case Protocol::pop3: return "pop3";
  }
  return "";
}

}  // namespace postern::auth
