// SPDX-License-Identifier: Apache-2.0
#include "store/mailbox_name.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/encoding.h"

namespace postern::store {

namespace {

constexpr std::string_view inbox = "INBOX";

Result<> check_level(std::string_view level) {
  if (level.empty()) return fail(ErrorKind::invalid, "the mailbox name has an empty level");
  if (level == "." || level == "..") return fail(ErrorKind::invalid, "the mailbox name has a level of dots");
  return {};
}

}  // namespace

Result<std::string> canonical_mailbox(std::string_view name) {
  if (name.size() > max_mailbox_octets) return fail(ErrorKind::limit, "the mailbox name is longer than 1000 octets");
  if (std::any_of(name.begin(), name.end(), ascii::is_ctl))
    return fail(ErrorKind::invalid, "the mailbox name has a control octet");
  if (!is_utf8(name)) return fail(ErrorKind::invalid, "the mailbox name is not UTF-8");
  std::size_t levels = 0;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find(hierarchy_separator, at), name.size());
    if (auto checked = check_level(name.substr(at, end - at)); !checked) return std::unexpected(checked.error());
    if (++levels > max_mailbox_levels) return fail(ErrorKind::limit, "the mailbox name has more than 10 levels");
    at = end + 1;
  }
  std::string out(name);
  const std::string_view first = name.substr(0, name.find(hierarchy_separator));
  if (ascii::iequals(first, inbox)) out.replace(0, first.size(), inbox);
  return out;
}

std::vector<std::string> mailbox_parents(std::string_view name) {
  std::vector<std::string> out;
  for (std::size_t at = name.find(hierarchy_separator); at != std::string_view::npos;
       at = name.find(hierarchy_separator, at + 1)) {
    out.emplace_back(name.substr(0, at));
  }
  return out;
}

bool is_below(std::string_view name, std::string_view parent) {
  return name.size() > parent.size() + 1 && name.starts_with(parent) && name[parent.size()] == hierarchy_separator;
}

bool mailbox_before(std::string_view a, std::string_view b) {
  if ((a == inbox) != (b == inbox)) return a == inbox;
  return a < b;
}

std::span<const StandardFolder> standard_folders() {
  static constexpr std::array<StandardFolder, 6> folders{{{inbox, SpecialUse::none},
                                                          {"Drafts", SpecialUse::drafts},
                                                          {"Sent", SpecialUse::sent},
                                                          {"Junk", SpecialUse::junk},
                                                          {"Trash", SpecialUse::trash},
                                                          {"Archive", SpecialUse::archive}}};
  return folders;
}

}  // namespace postern::store
