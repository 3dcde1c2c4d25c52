// SPDX-License-Identifier: Apache-2.0
#include "transfer/maildir_names.h"

#include <algorithm>

#include "base/cursor.h"
#include "imap/mailbox_name.h"
#include "store/ids.h"
#include "transfer/folder_names.h"

namespace postern::transfer {

namespace {

namespace flag = store::flag;

constexpr std::string_view inbox = "INBOX";
constexpr std::string_view version_two = "V\t2\n";
constexpr std::size_t max_keyword_octets = 255;
constexpr std::size_t max_subscriptions = 10'000;

std::optional<std::uint64_t> field(std::string_view fields, char name) {
  for (std::size_t at = fields.find(','); at != std::string_view::npos; at = fields.find(',', at + 1)) {
    Cursor in(fields.substr(at + 1));
    if (in.take(name) && in.take('=')) return in.take_number();
  }
  return std::nullopt;
}

/// Calls with each line, without its line end.
template <class F>
void each_line(std::string_view text, F visit) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    visit(line);
  }
}

std::string join_levels(std::string_view text, char separator) {
  std::string out;
  for (std::size_t from = 0; from <= text.size();) {
    const auto end = std::min(text.find(separator, from), text.size());
    if (from > 0) out += '/';
    // A separator of ours inside of a level cannot stay one.
    std::string level = decode_folder(text.substr(from, end - from));
    std::ranges::replace(level, '/', '_');
    out += level;
    from = end + 1;
  }
  return out;
}

/// Dovecot's escapes in a subscriptions file of version 2: \001 stands before 0, 1, t, r, l.
std::string unescape_tabs(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\001' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case '1': out += '\001'; break;
      case 't': out += '\t'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      default: break;
    }
  }
  return out;
}

}  // namespace

MaildirName parse_maildir_name(std::string_view name) {
  MaildirName out;
  const auto info = name.find(":2,");
  const auto head = name.substr(0, info);
  if (info != std::string_view::npos) out.letters = name.substr(info + 3);
  // Other programs put more fields behind a comma.
  out.letters = out.letters.substr(0, out.letters.find(','));
  out.base = head.substr(0, head.find_first_of(",:"));
  out.size = field(head, 'S');
  out.wire_size = field(head, 'W');
  Cursor in(out.base);
  if (const auto stamp = in.take_number(INT64_MAX)) out.stamp = static_cast<UnixTime>(*stamp);
  for (const char c : out.letters) {
    switch (c) {
      case 'D': out.flags |= flag::draft; break;
      case 'F': out.flags |= flag::flagged; break;
      case 'P': out.forwarded = true; break;
      case 'R': out.flags |= flag::answered; break;
      case 'S': out.flags |= flag::seen; break;
      case 'T': out.flags |= flag::deleted; break;
      default: break;
    }
  }
  return out;
}

MaildirKeywords parse_dovecot_keywords(std::string_view text) {
  MaildirKeywords out;
  each_line(text, [&](std::string_view line) {
    Cursor in(line);
    const auto index = in.take_number(maildir_keywords - 1);
    if (!index || !in.take(' ') || in.at_end() || in.rest().size() > max_keyword_octets) return;
    out[*index] = in.rest();
  });
  return out;
}

std::string format_dovecot_keywords(const MaildirKeywords& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!names[i].empty()) out += std::to_string(i) + " " + names[i] + "\n";
  }
  return out;
}

std::optional<UidlistHeader> parse_uidlist_header(std::string_view line) {
  Cursor in(line);
  UidlistHeader out;
  if (in.take("1 ")) {
    const auto validity = in.take_number(UINT32_MAX);
    const bool space = in.take(' ');
    const auto next = in.take_number(UINT32_MAX);
    if (!validity || !space || !next) return std::nullopt;
    return UidlistHeader{static_cast<std::uint32_t>(*validity), static_cast<std::uint32_t>(*next)};
  }
  if (!in.take("3 ")) return std::nullopt;
  while (const auto name = in.next()) {
    if (const auto number = in.take_number(UINT32_MAX)) {
      if (*name == 'V') out.uidvalidity = static_cast<std::uint32_t>(*number);
      if (*name == 'N') out.uidnext = static_cast<std::uint32_t>(*number);
    }
    in.take_until(' ');
    in.take(' ');
  }
  return out;
}

std::optional<UidlistEntry> parse_uidlist_entry(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  Cursor in(line);
  const auto uid = in.take_number(UINT32_MAX);
  if (!uid || *uid == 0 || !in.take(' ')) return std::nullopt;
  // Version 3 has fields and then " :"; version 1 has the name at once.
  const auto colon = in.rest().starts_with(':') ? 0 : in.rest().find(" :");
  auto name = in.rest();
  if (colon != std::string_view::npos) name.remove_prefix(colon + (colon == 0 ? 1 : 2));
  const auto base = parse_maildir_name(name).base;
  if (base.empty()) return std::nullopt;
  return UidlistEntry{static_cast<std::uint32_t>(*uid), base};
}

std::vector<std::string> parse_dovecot_subscriptions(std::string_view text) {
  std::vector<std::string> out;
  const bool second = text.starts_with(version_two);
  if (second) text.remove_prefix(version_two.size());
  each_line(text, [&](std::string_view line) {
    if (line.empty() || out.size() >= max_subscriptions) return;
    if (!second) {
      out.push_back(join_levels(line, line.find('/') == std::string_view::npos ? '.' : '/'));
      return;
    }
    std::string name;
    for (std::size_t from = 0; from <= line.size();) {
      const auto end = std::min(line.find('\t', from), line.size());
      if (from > 0) name += '/';
      std::string level = decode_folder(unescape_tabs(line.substr(from, end - from)));
      std::ranges::replace(level, '/', '_');
      name += level;
      from = end + 1;
    }
    out.push_back(std::move(name));
  });
  return out;
}

std::vector<std::string> parse_courier_subscriptions(std::string_view text) {
  std::vector<std::string> out;
  each_line(text, [&](std::string_view line) {
    if (line.empty() || out.size() >= max_subscriptions) return;
    if (line != inbox && line.starts_with("INBOX.")) line.remove_prefix(inbox.size() + 1);
    out.push_back(join_levels(line, '.'));
  });
  return out;
}

std::string maildirpp_to_name(std::string_view folder) {
  while (folder.starts_with('.')) folder.remove_prefix(1);
  return folder.empty() ? std::string(inbox) : join_levels(folder, '.');
}

std::string name_to_maildirpp(std::string_view name) {
  if (name == inbox) return {};
  std::string out;
  for (std::size_t from = 0; from <= name.size();) {
    const auto end = std::min(name.find_first_of("/.", from), name.size());
    if (from == 0) out += '.';
    out += imap::encode_mailbox_name(name.substr(from, end - from));
    if (end < name.size()) out += name[end] == '/' ? "." : "&AC4-";
    from = end + 1;
  }
  return out;
}

std::string fs_to_name(std::string_view path) { return join_levels(path, '/'); }

}  // namespace postern::transfer
