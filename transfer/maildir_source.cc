// SPDX-License-Identifier: Apache-2.0
#include "transfer/maildir_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace postern::transfer {

namespace {

constexpr std::size_t max_small_file = 4 * 1024 * 1024;  ///< dovecot-keywords, subscriptions
constexpr std::size_t max_names = std::size_t{2} << 30;  ///< octets of all names of one folder
constexpr std::size_t max_name = 255;
constexpr int max_levels = 16;

bool has_entry(int folder, const char* name) {
  struct stat info{};
  return ::fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

bool is_maildir(int folder) { return has_entry(folder, "cur") || has_entry(folder, "new"); }

bool is_own(std::string_view name) { return name == "cur" || name == "new" || name == "tmp"; }

}  // namespace

Result<std::unique_ptr<MaildirSource>> MaildirSource::open_at(const std::filesystem::path& path) {
  auto top = open_top_folder(path);
  if (!top) return std::unexpected(top.error());
  if (!is_maildir(top->get())) {
    std::string hint = "give the folder that holds them";
    for (const char* usual : {"Maildir", "mail", ".maildir"}) {
      const auto inside = open_folder(top->get(), usual);
      if (inside && is_maildir(inside->get())) hint = "did you mean " + (path / usual).string() + "?";
    }
    return fail(ErrorKind::invalid, path.string() + " is no Maildir: it has no folder cur or new; " + hint);
  }
  return std::unique_ptr<MaildirSource>(new MaildirSource(path, std::move(*top)));
}

std::optional<SourceFolder> MaildirSource::describe(int parent, const std::string& name, std::string id) {
  const auto folder = open_folder(parent, name);
  if (!folder) {
    note((path_ / id).string(), folder.error().text);
    return std::nullopt;
  }
  if (!is_maildir(folder->get())) return std::nullopt;
  SourceFolder out;
  out.id = std::move(id);
  out.identity = out.id;
  for (const char* place : {"cur", "new"}) {
    const auto inside = open_folder(folder->get(), place);
    if (!inside) continue;
    const auto read = for_each_entry(inside->get(), [&](const Entry& entry) {
      if (entry.name.starts_with('.')) return;
      ++out.messages;
      const auto size = parse_maildir_name(entry.name);
      if (size.wire_size)
        out.bytes += *size.wire_size;
      else if (size.size)
        out.bytes += *size.size;
    });
    if (!read) note((path_ / out.id / place).string(), read.error().text);
  }
  return out;
}

/// Folders of LAYOUT=fs below `folder`.
void MaildirSource::find_folders(int folder, const Nested& at, std::vector<SourceFolder>& out) {
  std::vector<std::string> inside;
  const auto read = for_each_entry(folder, [&](const Entry& entry) {
    const bool hidden = entry.name.starts_with('.') || is_own(entry.name);
    if (entry.kind == EntryKind::folder && !hidden) inside.emplace_back(entry.name);
  });
  if (!read) note((path_ / at.path).string(), read.error().text);
  std::ranges::sort(inside);
  for (const auto& name : inside) {
    const std::string id = at.path.empty() ? name : at.path + "/" + name;
    if (auto found = describe(folder, name, id)) {
      found->name = fs_to_name(id);
      out.push_back(std::move(*found));
    }
    const auto deeper = open_folder(folder, name);
    if (deeper && at.levels < max_levels) find_folders(deeper->get(), {id, at.levels + 1}, out);
  }
}

Task<Result<std::vector<SourceFolder>>> MaildirSource::folders() {
  std::vector<SourceFolder> out;
  std::vector<std::string> dotted;
  const auto read = for_each_entry(top_.get(), [&](const Entry& entry) {
    if (!entry.name.starts_with('.')) return;
    if (entry.kind == EntryKind::folder) dotted.emplace_back(entry.name);
    if (entry.kind == EntryKind::link)
      note((path_ / std::string(entry.name)).string(), "is a symbolic link, and is left out; import it by its own path");
  });
  if (!read) co_return std::unexpected(read.error());
  if (auto inbox = describe(top_.get(), ".", ".")) {
    inbox->name = "INBOX";
    out.push_back(std::move(*inbox));
  }
  std::ranges::sort(dotted);
  for (const auto& name : dotted) {
    auto found = describe(top_.get(), name, name);
    if (!found) continue;
    found->name = maildirpp_to_name(name);
    out.push_back(std::move(*found));
  }
  find_folders(top_.get(), {"", 0}, out);
  co_return out;
}

Task<Result<std::vector<std::string>>> MaildirSource::subscriptions() {
  auto dovecot = read_small(top_.get(), "subscriptions", max_small_file);
  if (!dovecot) co_return std::unexpected(dovecot.error());
  if (!dovecot->empty()) co_return parse_dovecot_subscriptions(*dovecot);
  auto courier = read_small(top_.get(), "courierimapsubscribed", max_small_file);
  if (!courier) co_return std::unexpected(courier.error());
  co_return parse_courier_subscriptions(*courier);
}

Result<UniqueFd> MaildirSource::reach(const std::string& id) {
  auto folder = open_folder(top_.get(), ".");
  for (std::size_t from = 0; folder && from < id.size();) {
    const auto end = std::min(id.find('/', from), id.size());
    folder = open_folder(folder->get(), id.substr(from, end - from));
    from = end + 1;
  }
  return folder;
}

Task<Result<>> MaildirSource::open(const SourceFolder& folder, KeyMaker keys) {
  folder_id_ = folder.id;
  keys_ = std::move(keys);
  names_.clear();
  files_.clear();
  next_ = chunk_begin_ = 0;
  unnamed_keyword_ = false;
  auto opened = reach(folder.id);
  if (!opened) co_return std::unexpected(opened.error());
  folder_ = std::move(*opened);
  for (const Place place : {Place::cur, Place::fresh}) {
    auto& fd = place == Place::cur ? cur_ : new_;
    fd.reset();
    auto inside = open_folder(folder_.get(), place == Place::cur ? "cur" : "new");
    if (!inside && inside.error().kind == ErrorKind::not_found) continue;
    if (!inside) co_return std::unexpected(inside.error());
    fd = std::move(*inside);
    if (auto listed = list(place); !listed) co_return listed;
  }
  auto keywords = read_small(folder_.get(), "dovecot-keywords", max_small_file);
  if (!keywords) co_return std::unexpected(keywords.error());
  keywords_ = parse_dovecot_keywords(*keywords);
  if (auto order = read_order(); !order) note((path_ / folder_id_ / "dovecot-uidlist").string(), order.error().text);
  sort_files();
  co_return Result<>();
}

Result<> MaildirSource::list(Place place) {
  return for_each_entry(place == Place::cur ? cur_.get() : new_.get(), [&](const Entry& entry) {
    if (entry.name.starts_with('.') || entry.name.size() > max_name || names_.size() > max_names) return;
    files_.push_back({static_cast<std::uint32_t>(names_.size()), static_cast<std::uint16_t>(entry.name.size()), place});
    names_ += entry.name;
  });
}

/// UIDs of dovecot-uidlist, so that the order stays what people have seen.
Result<> MaildirSource::read_order() {
  auto file = open_file(folder_.get(), "dovecot-uidlist");
  if (!file && file.error().kind == ErrorKind::not_found) return {};
  if (!file) return std::unexpected(file.error());
  const auto base_of = [this](const File& one) { return parse_maildir_name(name_of(one)).base; };
  std::ranges::sort(files_, {}, base_of);
  LineReader lines(file->fd.get(), 0, file->size);
  LineReader::Line line;
  for (;;) {
    const auto more = lines.next(line);
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
    if (!line.begins || !line.ends || line.offset == 0) continue;
    const auto entry = parse_uidlist_entry(line.text);
    if (!entry) continue;
    const auto found = std::ranges::lower_bound(files_, entry->base, {}, base_of);
    if (found != files_.end() && base_of(*found) == entry->base) found->uid = entry->uid;
  }
}

void MaildirSource::sort_files() {
  std::ranges::sort(files_, [this](const File& a, const File& b) {
    if (a.uid != b.uid) return a.uid < b.uid;
    const auto x = parse_maildir_name(name_of(a));
    const auto y = parse_maildir_name(name_of(b));
    return std::tie(x.stamp, x.base) < std::tie(y.stamp, y.base);
  });
}

std::string MaildirSource::path_of(const File& file) const {
  return (path_ / (folder_id_ == "." ? "" : folder_id_) / (file.place == Place::cur ? "cur" : "new") / name_of(file)).string();
}

Task<Result<std::vector<Candidate>>> MaildirSource::next() {
  std::vector<Candidate> out;
  chunk_begin_ = next_;
  for (; next_ < files_.size() && out.size() < max_chunk; ++next_) {
    const File& file = files_[next_];
    const auto name = parse_maildir_name(name_of(file));
    Candidate one;
    one.key = keys_.key(static_cast<std::uint64_t>(name.stamp), name.base);
    one.label = path_of(file);
    one.size = name.wire_size.value_or(name.size.value_or(0));
    if (one.size == 0) one.size = file_size(file.place == Place::cur ? cur_.get() : new_.get(), std::string(name_of(file)));
    one.place = next_;
    out.push_back(std::move(one));
  }
  co_return out;
}

void MaildirSource::want(std::vector<std::size_t> wanted) {
  wanted_ = std::move(wanted);
  taken_ = 0;
}

/// A running server may have moved the file from new to cur or changed its flags: then it is found by its unique part.
Result<OpenFile> MaildirSource::open_message(const File& file, std::string& name) {
  name = name_of(file);
  auto opened = open_file(file.place == Place::cur ? cur_.get() : new_.get(), name);
  if (opened || opened.error().kind != ErrorKind::not_found || !cur_) return opened;
  const auto base = parse_maildir_name(name_of(file)).base;
  std::string renamed;
  const auto read = for_each_entry(cur_.get(), [&](const Entry& entry) {
    if (parse_maildir_name(entry.name).base == base) renamed = entry.name;
  });
  if (!read || renamed.empty()) return opened;
  name = renamed;
  return open_file(cur_.get(), renamed);
}

Marks MaildirSource::marks_of(const File& file, const MaildirName& name, UnixTime modified) {
  Marks marks{.flags = name.flags, .keywords = {}, .internal_date = modified};
  if (name.forwarded) marks.keywords.emplace_back("$Forwarded");
  for (const char c : name.letters) {
    if (c < 'a' || c > 'z') continue;
    const auto& keyword = keywords_[static_cast<std::size_t>(c - 'a')];
    if (!keyword.empty()) {
      marks.keywords.push_back(keyword);
    } else if (!std::exchange(unnamed_keyword_, true)) {
      note(path_of(file), std::string("the keyword letter ") + c + " has no name in dovecot-keywords and is left out");
    }
  }
  return marks;
}

Task<Result<std::optional<Taken>>> MaildirSource::take(Intake& intake) {
  if (taken_ >= wanted_.size()) co_return std::optional<Taken>();
  Taken taken;
  taken.candidate = wanted_[taken_++];
  const File& file = files_[chunk_begin_ + taken.candidate];
  std::string name;
  const auto opened = open_message(file, name);
  if (!opened) {
    taken.trouble = opened.error().kind == ErrorKind::not_found ? "vanished while the import ran" : opened.error().text;
    co_return taken;
  }
  taken.marks = marks_of(file, parse_maildir_name(name), opened->modified);
  const auto read = read_pieces(*opened, [&](std::string_view piece) { return intake.write(piece); });
  if (!read && read.error().kind == ErrorKind::no_space) co_return std::unexpected(read.error());
  if (!read) taken.trouble = read.error().text;
  co_return taken;
}

}  // namespace postern::transfer
