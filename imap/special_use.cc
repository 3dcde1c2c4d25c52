// SPDX-License-Identifier: Apache-2.0
// Names of special uses in both directions.
#include "imap/special_use.h"

#include "base/ascii.h"

namespace postern::imap {
namespace {

using store::SpecialUse;

// RFC 6154 §2
constexpr std::pair<SpecialUse, std::string_view> names[] = {{SpecialUse::archive, "\\Archive"}, {SpecialUse::drafts, "\\Drafts"},
                                                             {SpecialUse::junk, "\\Junk"},       {SpecialUse::sent, "\\Sent"},
                                                             {SpecialUse::trash, "\\Trash"},     {SpecialUse::all, "\\All"},
                                                             {SpecialUse::flagged, "\\Flagged"}};

}  // namespace

std::string_view special_use_name(SpecialUse use) {
  for (const auto& [value, name] : names) {
    if (value == use) return name;
  }
  return {};
}

std::optional<SpecialUse> special_use(std::string_view name) {
  for (const auto& [value, text] : names) {
    if (ascii::iequals(name, text.substr(1))) return value;
  }
  return std::nullopt;
}

}  // namespace postern::imap
