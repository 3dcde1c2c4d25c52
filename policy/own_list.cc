// SPDX-License-Identifier: Apache-2.0
// The file is one entry a line, fields separated by tabs: kind, subject, since, until, note.
#include "policy/own_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <unordered_map>

#include "base/ascii.h"
#include "base/file.h"

namespace postern::policy {
namespace {

constexpr std::string_view recipient_mark = "to:";
constexpr std::size_t fields_of_entry = 5;

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto end = text.find(at);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::optional<UnixTime> read_time(std::string_view text) {
  UnixTime value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<OwnEntry> read_line(std::string_view line) {
  const auto fields = split(line, '\t');
  if (fields.size() != fields_of_entry || (fields[0] != "allow" && fields[0] != "block")) return std::nullopt;
  const auto subject = OwnList::canonical(fields[1]);
  const auto since = read_time(fields[2]);
  const auto until = read_time(fields[3]);
  if (!subject || !since || !until) return std::nullopt;
  const auto kind = fields[0] == "allow" ? OwnEntry::Kind::allow : OwnEntry::Kind::block;
  return OwnEntry{kind, *subject, *since, *until, std::string(fields[4])};
}

std::string write_lines(const std::vector<OwnEntry>& entries) {
  std::string out;
  for (const auto& one : entries) {
    out += fmt::format("{}\t{}\t{}\t{}\t{}\n", to_string(one.kind), one.subject, one.since, one.until, one.note);
  }
  return out;
}

Result<std::string> canonical_name(std::string_view text) {
  if (text.contains('@')) {
    const auto address = mail::Address::parse(text);
    if (!address) return std::unexpected(address.error());
    return address->lookup_key();
  }
  const bool below = text.starts_with('.');
  const auto domain = mail::Domain::parse(below ? text.substr(1) : text);
  if (!domain) return std::unexpected(domain.error());
  return (below ? "." : "") + domain->ascii();
}

}  // namespace

std::string_view to_string(OwnEntry::Kind kind) { return kind == OwnEntry::Kind::allow ? "allow" : "block"; }

/// Entries by subject, and the lengths of prefixes that occur.
class OwnList::Table {
 public:
  explicit Table(std::vector<OwnEntry> list) : entries_(std::move(list)) {
    for (const auto& entry : entries_) {
      by_subject_[entry.subject].push_back(&entry);
      const auto network = IpNetwork::parse(entry.subject);
      if (network) (network->address().is_v4() ? v4_ : v6_).insert(network->prefix());
    }
  }
  const std::vector<OwnEntry>& entries() const { return entries_; }

  /// The entry for exactly this subject; an allowing one before a blocking one.
  const OwnEntry* get(const std::string& subject, UnixTime now) const {
    const auto found = by_subject_.find(subject);
    if (found == by_subject_.end()) return nullptr;
    const OwnEntry* best = nullptr;
    for (const auto* entry : found->second) {
      if (!entry->is_over(now) && (best == nullptr || entry->kind == OwnEntry::Kind::allow)) best = entry;
    }
    return best;
  }
  const OwnEntry* get_address(const std::string& mark, const mail::Address& address, UnixTime now) const {
    if (const auto* entry = get(mark + address.lookup_key(), now)) return entry;
    if (address.domain() == nullptr) return nullptr;
    const auto& domain = address.domain()->ascii();
    if (const auto* entry = get(mark + domain, now)) return entry;
    for (auto dot = domain.find('.'); dot != std::string::npos; dot = domain.find('.', dot + 1)) {
      if (const auto* entry = get(mark + domain.substr(dot), now)) return entry;
    }
    return nullptr;
  }
  const OwnEntry* get_network(const IpAddress& ip, UnixTime now) const {
    const auto& lengths = ip.is_v4() ? v4_ : v6_;
    for (const auto length : lengths) {
      if (const auto* entry = get(IpNetwork(ip, length).to_string(), now)) return entry;
    }
    return nullptr;
  }

 private:
  std::vector<OwnEntry> entries_;
  std::unordered_map<std::string, std::vector<const OwnEntry*>> by_subject_;
  std::set<int, std::greater<>> v4_, v6_;  ///< longest first
};

OwnList::OwnList(std::filesystem::path path, std::vector<OwnEntry> entries)
    : path_(std::move(path)), table_(std::make_shared<const Table>(std::move(entries))) {}
OwnList::~OwnList() = default;

Result<std::unique_ptr<OwnList>> OwnList::open(std::filesystem::path path) {
  std::vector<OwnEntry> entries;
  const auto text = read_file(path);
  if (!text && text.error().kind != ErrorKind::not_found) return std::unexpected(text.error());
  std::size_t number = 0;
  for (const auto line : split(text ? std::string_view(*text) : std::string_view(), '\n')) {
    ++number;
    if (line.empty()) continue;
    auto entry = read_line(line);
    if (!entry)
      return fail(ErrorKind::corrupt,
                  fmt::format("{}: line {} is no entry; remove the line, or the file", path.string(), number));
    entries.push_back(std::move(*entry));
  }
  return std::unique_ptr<OwnList>(new OwnList(std::move(path), std::move(entries)));
}

Result<std::string> OwnList::canonical(std::string_view subject) {
  const auto network = IpNetwork::parse(subject);
  if (network) return network->to_string();
  if (subject.contains('/'))
    return fail(ErrorKind::invalid, fmt::format("\"{}\" is no network: {}", subject, network.error().text));
  const bool recipient = subject.starts_with(recipient_mark);
  const auto name = canonical_name(recipient ? subject.substr(recipient_mark.size()) : subject);
  if (name) return (recipient ? std::string(recipient_mark) : std::string()) + *name;
  return fail(ErrorKind::invalid,
              fmt::format("\"{}\" is no subject ({}); write an address or network (192.0.2.0/24), a sender (eve@example.org), a "
                          "sender's domain (example.org, .example.org with all below) or a recipient (to:alice@example.org)",
                          subject, name.error().text));
}

std::shared_ptr<const OwnList::Table> OwnList::table() const {
  const std::lock_guard lock(mutex_);
  return table_;
}

Result<> OwnList::replace(std::vector<OwnEntry> entries) {
  std::ranges::sort(entries, {}, &OwnEntry::subject);
  if (auto written = write_file_durably(path_, write_lines(entries)); !written) return written;
  auto table = std::make_shared<const Table>(std::move(entries));
  const std::lock_guard lock(mutex_);
  table_ = std::move(table);
  return {};
}

Result<OwnEntry> OwnList::add(OwnEntry entry, UnixTime now) {
  auto subject = canonical(entry.subject);
  if (!subject) return std::unexpected(subject.error());
  entry.subject = std::move(*subject);
  if (entry.is_over(now)) return fail(ErrorKind::invalid, "the entry would be over already; give a later time");
  if (entry.note.size() > max_note) return fail(ErrorKind::invalid, fmt::format("the note is longer than {} octets", max_note));
  if (std::ranges::any_of(entry.note, ascii::is_ctl)) return fail(ErrorKind::invalid, "the note must be one line of text");
  const std::lock_guard lock(changing_);
  auto list = entries(now);
  std::erase_if(list, [&](const auto& one) { return one.kind == entry.kind && one.subject == entry.subject; });
  if (list.size() >= max_entries) return fail(ErrorKind::limit, fmt::format("there are {} entries; remove some", max_entries));
  list.push_back(entry);
  if (auto replaced = replace(std::move(list)); !replaced) return std::unexpected(replaced.error());
  return entry;
}

Result<> OwnList::remove(std::string_view subject, UnixTime now) {
  const auto key = canonical(subject);
  if (!key) return std::unexpected(key.error());
  const std::lock_guard lock(changing_);
  auto list = entries(now);
  if (std::erase_if(list, [&](const auto& one) { return one.subject == *key; }) == 0)
    return fail(ErrorKind::not_found, fmt::format("there is no entry for {}; `postern rule list` shows all", *key));
  return replace(std::move(list));
}

std::vector<OwnEntry> OwnList::entries(UnixTime now) const {
  auto list = table()->entries();
  std::erase_if(list, [now](const auto& one) { return one.is_over(now); });
  return list;
}

std::optional<OwnEntry> OwnList::find(const Concerned& mail, UnixTime now) const {
  const auto table = this->table();
  if (table->entries().empty()) return std::nullopt;
  const auto* entry = table->get_address(std::string(recipient_mark), mail.recipient, now);
  if (entry == nullptr && mail.sender) entry = table->get_address({}, *mail.sender, now);
  if (entry == nullptr) entry = table->get_network(mail.ip, now);
  return entry == nullptr ? std::nullopt : std::optional(*entry);
}

}  // namespace postern::policy
