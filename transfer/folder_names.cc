// SPDX-License-Identifier: Apache-2.0
#include "transfer/folder_names.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/encoding.h"
#include "imap/mailbox_name.h"
#include "store/mailbox_name.h"

namespace postern::transfer {

namespace {

using store::SpecialUse;

constexpr std::string_view inbox = "INBOX";
constexpr std::string_view encoded_stop = "&AC4-";

struct Alias {
  std::string_view name;
  SpecialUse use;
};

// Names that Outlook, Apple Mail, Gmail, Thunderbird, Horde and Roundcube make, in English and German.
constexpr std::array aliases{
    Alias{"Sent", SpecialUse::sent},
    Alias{"Sent Messages", SpecialUse::sent},
    Alias{"Sent Items", SpecialUse::sent},
    Alias{"Sent Mail", SpecialUse::sent},
    Alias{"Sent-Mail", SpecialUse::sent},
    Alias{"Gesendet", SpecialUse::sent},
    Alias{"Gesendete Objekte", SpecialUse::sent},
    Alias{"Gesendete Elemente", SpecialUse::sent},
    Alias{"Trash", SpecialUse::trash},
    Alias{"Deleted Messages", SpecialUse::trash},
    Alias{"Deleted Items", SpecialUse::trash},
    Alias{"Papierkorb", SpecialUse::trash},
    Alias{"Gelöschte Objekte", SpecialUse::trash},
    Alias{"Gelöschte Elemente", SpecialUse::trash},
    Alias{"Junk", SpecialUse::junk},
    Alias{"Spam", SpecialUse::junk},
    Alias{"Bulk Mail", SpecialUse::junk},
    Alias{"Junk E-mail", SpecialUse::junk},
    Alias{"Junk Email", SpecialUse::junk},
    Alias{"Drafts", SpecialUse::drafts},
    Alias{"Entwürfe", SpecialUse::drafts},
    Alias{"Archive", SpecialUse::archive},
    Alias{"Archives", SpecialUse::archive},
    Alias{"Archiv", SpecialUse::archive},
};

std::string_view standard_name(SpecialUse use) {
  for (const auto& folder : store::standard_folders()) {
    if (folder.use == use && use != SpecialUse::none) return folder.name;
  }
  return {};
}

std::string as_utf8(std::string_view text) {
  if (is_utf8(text)) return std::string(text);
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | octet >> 6);
      out += static_cast<char>(0x80 | (octet & 0x3f));
    }
  }
  return out;
}

std::string mend_level(std::string_view level) {
  std::string out;
  for (const char c : level) out += ascii::is_ctl(c) ? '_' : c;
  const auto blank = out.find_first_not_of(" \t");
  if (blank == std::string::npos || out == "." || out == "..") return "_";
  return out;
}

void cut_to(std::string& name, std::size_t octets) {
  if (name.size() <= octets) return;
  while (octets > 0 && (static_cast<unsigned char>(name[octets]) & 0xc0) == 0x80) --octets;
  name.resize(octets);
  while (name.ends_with(store::hierarchy_separator)) name.pop_back();
}

/// How well a folder's claim to be our special folder is founded; 0: no claim.
int claim(const SourceFolder& folder, SpecialUse use) {
  if (folder.use == use) return 3;
  if (folder.use != SpecialUse::none || folder.name == inbox) return 0;
  if (ascii::iequals(folder.name, standard_name(use))) return 2;
  return use_by_name(folder.name) == use ? 1 : 0;
}

/// The index of the folder that becomes ours of this use, or folders.size().
std::size_t winner(const std::vector<SourceFolder>& folders, SpecialUse use) {
  std::size_t best = folders.size();
  for (std::size_t i = 0; i < folders.size(); ++i) {
    const int strength = claim(folders[i], use);
    if (strength > 0 && (best == folders.size() || strength > claim(folders[best], use))) best = i;
  }
  return best;
}

std::string below(std::string_view into, const std::string& name) {
  const std::string top = mend_name(into);
  if (name == inbox) return top;
  return mend_name(top + store::hierarchy_separator + name);
}

/// "name", or "name 2" … when another folder was mended to the same.
std::string free_name(const std::string& name, const std::map<std::string, std::size_t>& taken) {
  if (!taken.contains(name)) return name;
  for (int number = 2;; ++number) {
    std::string base = name;
    const std::string suffix = " " + std::to_string(number);
    cut_to(base, store::max_mailbox_octets - suffix.size());
    if (!taken.contains(base + suffix)) return base + suffix;
  }
}

}  // namespace

std::string mend_name(std::string_view raw) {
  const std::string text = as_utf8(raw);
  std::string out;
  std::size_t levels = 0;
  for (std::size_t from = 0; from <= text.size();) {
    const auto end = std::min(text.find(store::hierarchy_separator, from), text.size());
    if (levels > 0) out += levels < store::max_mailbox_levels ? store::hierarchy_separator : '-';
    out += mend_level(std::string_view(text).substr(from, end - from));
    ++levels;
    from = end + 1;
  }
  cut_to(out, store::max_mailbox_octets);
  if (auto canonical = store::canonical_mailbox(out)) return *std::move(canonical);
  // What normalisation still refuses keeps its letters.
  std::erase_if(out, [](char c) { return !ascii::is_alnum(c) && c != ' '; });
  auto plain = store::canonical_mailbox("Imported " + out);
  return plain ? *plain : "Imported";
}

SpecialUse use_by_name(std::string_view name) {
  for (const auto& alias : aliases) {
    if (ascii::iequals(name, alias.name)) return alias.use;
  }
  return SpecialUse::none;
}

std::string decode_folder(std::string_view wire) {
  std::string text;
  for (std::size_t from = 0; from <= wire.size();) {
    const auto at = std::min(wire.find(encoded_stop, from), wire.size());
    const auto part = wire.substr(from, at - from);
    const auto decoded = imap::decode_utf7(part);
    text += decoded ? *decoded : std::string(part);
    if (at == wire.size()) break;
    text += '.';
    from = at + encoded_stop.size();
  }
  return text;
}

std::vector<Target> plan_targets(std::vector<SourceFolder> folders, std::string_view into) {
  std::map<std::size_t, SpecialUse> special;
  if (into.empty()) {
    for (const auto& folder : store::standard_folders()) {
      if (folder.use == SpecialUse::none) continue;
      const auto index = winner(folders, folder.use);
      if (index != folders.size()) special.emplace(index, folder.use);
    }
  }
  std::map<std::string, std::size_t> taken;
  for (const auto& [index, use] : special) taken.emplace(std::string(standard_name(use)), index);
  std::vector<Target> out;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    Target target;
    if (const auto found = special.find(i); found != special.end()) {
      target.use = found->second;
      target.mailbox = standard_name(found->second);
    } else {
      const std::string name = mend_name(folders[i].name);
      target.mailbox = free_name(into.empty() ? name : below(into, name), taken);
      taken.emplace(target.mailbox, i);
    }
    target.source = std::move(folders[i]);
    out.push_back(std::move(target));
  }
  return out;
}

}  // namespace postern::transfer
