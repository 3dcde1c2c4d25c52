// SPDX-License-Identifier: Apache-2.0
#include "transfer/eml_source.h"

#include <algorithm>

#include "base/ascii.h"
#include "mime/date.h"
#include "mime/header.h"

namespace postern::transfer {

namespace {

constexpr std::string_view suffix = ".eml";
constexpr int max_levels = 16;
constexpr std::size_t header_octets = 64 * 1024;

bool is_eml(std::string_view name) {
  return name.size() > suffix.size() && ascii::iequals(name.substr(name.size() - suffix.size()), suffix);
}

/// The first octets of a name as a number that sorts as the names do.
std::uint64_t start_of(std::string_view name) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i) out = out << 8 | static_cast<unsigned char>(i < name.size() ? name[i] : '\0');
  return out;
}

}  // namespace

// RFC 5322 §3.6.7: the date of a Received field stands behind the last semicolon.
std::optional<UnixTime> arrival_of(std::string_view text) {
  const mime::Header header(text.substr(0, mime::find_header_end(text).fields_end));
  const std::string received = header.value("Received");
  if (const auto at = received.rfind(';'); at != std::string::npos) {
    if (const auto date = mime::parse_date(std::string_view(received).substr(at + 1))) return date->at;
  }
  if (const auto date = mime::parse_date(header.value("Date"))) return date->at;
  return std::nullopt;
}

Result<std::unique_ptr<EmlSource>> EmlSource::open_at(const std::filesystem::path& path) {
  auto top = open_top_folder(path);
  if (!top) return std::unexpected(top.error());
  return std::unique_ptr<EmlSource>(new EmlSource(path, std::move(*top)));
}

void EmlSource::find_folders(int folder, const Nested& at, std::vector<SourceFolder>& out) {
  SourceFolder here{.id = at.path, .name = at.path.empty() ? "INBOX" : at.path};
  std::vector<std::string> inside;
  const auto read = for_each_entry(folder, [&](const Entry& entry) {
    if (entry.name.starts_with('.')) return;
    const auto label = [&] { return (path_ / at.path / entry.name).string(); };
    if (entry.kind == EntryKind::folder) {
      inside.emplace_back(entry.name);
    } else if (entry.kind == EntryKind::file && is_eml(entry.name)) {
      ++here.messages;
      here.bytes += file_size(folder, std::string(entry.name));
    } else {
      note(label(), entry.kind == EntryKind::link ? "is a symbolic link, and is left out" : "is no .eml file, and is left out");
    }
  });
  if (!read) note((path_ / at.path).string(), read.error().text);
  if (here.messages > 0) out.push_back(here);
  std::ranges::sort(inside);
  for (const auto& name : inside) {
    const std::string path = at.path.empty() ? name : at.path + "/" + name;
    const auto deeper = open_folder(folder, name);
    if (!deeper)
      note((path_ / path).string(), deeper.error().text);
    else if (at.levels < max_levels)
      find_folders(deeper->get(), {path, at.levels + 1}, out);
  }
}

Task<Result<std::vector<SourceFolder>>> EmlSource::folders() {
  std::vector<SourceFolder> out;
  find_folders(top_.get(), {"", 0}, out);
  if (out.empty()) co_return fail(ErrorKind::not_found, path_.string() + " holds no .eml files");
  co_return out;
}

Task<Result<std::vector<std::string>>> EmlSource::subscriptions() { co_return std::vector<std::string>(); }

Task<Result<>> EmlSource::open(const SourceFolder& folder, KeyMaker keys) {
  folder_id_ = folder.id;
  keys_ = std::move(keys);
  files_.clear();
  next_ = 0;
  auto opened = open_folder(top_.get(), ".");
  for (std::size_t from = 0; opened && from < folder.id.size();) {
    const auto end = std::min(folder.id.find('/', from), folder.id.size());
    opened = open_folder(opened->get(), folder.id.substr(from, end - from));
    from = end + 1;
  }
  if (!opened) co_return std::unexpected(opened.error());
  folder_ = std::move(*opened);
  const auto read = for_each_entry(folder_.get(), [&](const Entry& entry) {
    if (entry.kind == EntryKind::file && is_eml(entry.name) && !entry.name.starts_with('.')) files_.emplace_back(entry.name);
  });
  if (!read) co_return std::unexpected(read.error());
  std::ranges::sort(files_);
  co_return Result<>();
}

std::optional<std::string> EmlSource::hash_of(const std::string& name) {
  ContentHash hash;
  const auto file = open_file(folder_.get(), name);
  const auto read = file ? read_pieces(*file,
                                       [&](std::string_view piece) -> Result<> {
                                         hash.add(piece);
                                         return {};
                                       })
                         : Result<>(std::unexpected(file.error()));
  if (read) return hash.finish();
  note((path_ / folder_id_ / name).string(), read.error().text);
  return std::nullopt;
}

Task<Result<std::vector<Candidate>>> EmlSource::next() {
  std::vector<Candidate> out;
  chunk_.clear();
  for (; next_ < files_.size() && out.size() < max_chunk; ++next_) {
    const std::string& name = files_[next_];
    const auto hash = hash_of(name);
    if (!hash) continue;
    out.push_back({.key = keys_.key(start_of(name), folder_id_ + "/" + name + std::string(1, '\0') + *hash),
                   .label = (path_ / folder_id_ / name).string(),
                   .size = file_size(folder_.get(), name),
                   .place = next_});
    chunk_.push_back(next_);
  }
  co_return out;
}

void EmlSource::want(std::vector<std::size_t> wanted) {
  wanted_ = std::move(wanted);
  taken_ = 0;
}

Task<Result<std::optional<Taken>>> EmlSource::take(Intake& intake) {
  if (taken_ >= wanted_.size()) co_return std::optional<Taken>();
  Taken taken;
  taken.candidate = wanted_[taken_++];
  const auto file = open_file(folder_.get(), files_[chunk_[taken.candidate]]);
  if (!file) {
    taken.trouble = file.error().text;
    co_return taken;
  }
  std::string start;
  const auto read = read_pieces(*file, [&](std::string_view piece) {
    if (start.size() < header_octets) start += piece.substr(0, header_octets - start.size());
    return intake.write(piece);
  });
  if (!read && read.error().kind == ErrorKind::no_space) co_return std::unexpected(read.error());
  if (!read) taken.trouble = read.error().text;
  taken.marks.internal_date = arrival_of(start).value_or(file->modified);
  co_return taken;
}

}  // namespace postern::transfer
