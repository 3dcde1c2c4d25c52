// SPDX-License-Identifier: Apache-2.0
#include "transfer/mbox_source.h"

#include <unistd.h>

#include <algorithm>

#include "base/ascii.h"

namespace postern::transfer {

namespace {

constexpr std::size_t flush_octets = 64 * 1024;
constexpr std::size_t max_field_line = 64 * 1024;
constexpr int max_levels = 16;
constexpr std::size_t from_line_octets = 1'000;
// Files that stand beside mbox files and hold no mail.
constexpr std::array<std::string_view, 5> companions{".msf", ".dat", ".html", ".json", ".postern"};

bool is_empty_line(std::string_view line) { return line == "\n" || line == "\r\n"; }

std::string read_start(int fd, std::uint64_t offset) {
  std::string text(from_line_octets, '\0');
  const auto n = ::pread(fd, text.data(), text.size(), static_cast<off_t>(offset));
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

std::string without_suffix(std::string name, std::string_view suffix) {
  if (name.size() > suffix.size() && ascii::iequals(std::string_view(name).substr(name.size() - suffix.size()), suffix))
    name.resize(name.size() - suffix.size());
  return name;
}

}  // namespace

void MboxText::add_header_line(const LineReader::Line& line) {
  if (line.begins) {
    if (is_empty_line(line.text)) {
      in_header_ = false;
      dropping_ = false;
    } else if (ascii::is_wsp(line.text.front())) {
      if (dropping_ && line.text.size() < max_field_line) take_mbox_field(own_field_ + ":" + std::string(line.text), marks_);
    } else {
      dropping_ = line.text.size() < max_field_line && take_mbox_field(line.text, marks_);
      if (dropping_) own_field_ = line.text.substr(0, line.text.find(':'));
    }
  }
  if (!dropping_) out_ += line.text;
}

void MboxText::add_body_line(const LineReader::Line& line) {
  out_ += held_empty_;
  held_empty_.clear();
  if (line.begins && is_empty_line(line.text)) {
    held_empty_ = line.text;
    return;
  }
  out_ += line.begins ? line.text.substr(quoting_of(line.text, quoting_)) : line.text;
}

Result<> MboxText::add(const LineReader::Line& line) {
  if (in_header_) {
    add_header_line(line);
  } else {
    add_body_line(line);
  }
  if (out_.size() < flush_octets) return {};
  auto given = sink_(out_);
  out_.clear();
  return given;
}

Result<> MboxText::finish(bool counted) {
  if (counted) out_ += held_empty_;
  held_empty_.clear();
  if (out_.empty()) return {};
  return sink_(std::exchange(out_, {}));
}

/// A Content-Length is believed when the file ends there, or the next message begins there.
bool MboxScanner::length_fits(std::uint64_t end) const {
  if (end > size_) return false;
  if (end == size_) return true;
  std::string next = read_start(fd_, end);
  std::string_view rest = next;
  if (rest == "\n" || rest == "\r\n") return true;  // the empty line, and the file's end
  if (rest.starts_with("\r\n"))
    rest.remove_prefix(2);
  else if (rest.starts_with("\n"))
    rest.remove_prefix(1);
  return parse_from_line(first_line(rest)).has_value();
}

Result<bool> MboxScanner::find_first() {
  started_ = true;
  LineReader::Line line;
  for (;;) {
    const auto more = lines_.next(line);
    if (!more) return std::unexpected(more.error());
    if (!*more) return false;
    if (is_empty_line(line.text)) continue;
    from_ = parse_from_line(line.text);
    begin_ = line.offset + line.text.size();
    if (!from_) return fail(ErrorKind::invalid, "is no mbox file: it does not begin with a From line that holds a date");
    return true;
  }
}

Result<> MboxScanner::read_message(MboxSpan& span) {
  ContentHash hash;
  MboxText text(quoting_, [&](std::string_view piece) -> Result<> {
    hash.add(piece);
    span.size += piece.size();
    return {};
  });
  span.end = span.begin;
  LineReader::Line line;
  bool was_header = true;
  for (;;) {
    const auto more = lines_.next(line);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    if (!span.counted && line.begins) from_ = parse_from_line(line.text);
    if (from_) {
      begin_ = line.offset + line.text.size();
      break;
    }
    if (auto added = text.add(line); !added) return added;
    span.end = line.offset + line.text.size();
    if (was_header && !text.in_header()) {
      was_header = false;
      const auto length = text.marks().content_length;
      if (length && length_fits(span.end + *length)) {
        span.counted = true;
        lines_ = LineReader(fd_, span.end, span.end + *length);
      }
    }
  }
  if (auto finished = text.finish(span.counted); !finished) return finished;
  span.marks = text.take_marks();
  span.hash = hash.finish();
  return {};
}

Result<std::optional<MboxSpan>> MboxScanner::next() {
  if (!started_) {
    const auto found = find_first();
    if (!found) return std::unexpected(found.error());
  }
  if (!from_) return std::optional<MboxSpan>();
  MboxSpan span;
  span.begin = begin_;
  span.date = *from_;
  from_.reset();
  if (auto read = read_message(span); !read) return std::unexpected(read.error());
  if (span.counted) {
    // The From_ line behind the counted body.
    lines_ = LineReader(fd_, span.end, size_);
    const auto found = find_first();
    if (!found) return std::unexpected(found.error());
  }
  return span;
}

Result<std::unique_ptr<MboxSource>> MboxSource::open_at(const std::filesystem::path& path, Options options) {
  std::unique_ptr<MboxSource> source(new MboxSource(path, std::move(options)));
  std::error_code ignored;
  source->single_ = !std::filesystem::is_directory(path, ignored);
  const auto folder = source->single_ ? (path.has_parent_path() ? path.parent_path() : ".") : path;
  auto top = open_top_folder(folder);
  if (!top) return std::unexpected(top.error());
  source->top_ = std::move(*top);
  if (source->single_) {
    const auto file = open_file(source->top_.get(), path.filename());
    if (!file) return std::unexpected(file.error());
  }
  return source;
}

/// "Archives.sbd/2020.mbox" is the mailbox Archives/2020.
std::string MboxSource::mailbox_of(const Nested& at, std::string file) const {
  file = without_suffix(std::move(file), ".mbox");
  const bool top = at.path.empty();
  if (top && (ascii::iequals(file, "inbox") || ascii::iequals(file, "mbox") || file == options_.inbox_name)) return "INBOX";
  std::string out;
  for (std::size_t from = 0; from < at.path.size();) {
    const auto end = std::min(at.path.find('/', from), at.path.size());
    out += without_suffix(without_suffix(at.path.substr(from, end - from), ".sbd"), ".mbox") + "/";
    from = end + 1;
  }
  return out + file;
}

void MboxSource::add_file(int folder, const std::string& name, const Nested& at, std::vector<SourceFolder>& out) {
  const std::string id = at.path.empty() ? name : at.path + "/" + name;
  const std::string label = single_ ? path_.string() : (path_ / id).string();
  const auto file = open_file(folder, name);
  if (!file) return note(label, file.error().text);
  const std::string start = read_start(file->fd.get(), 0);
  const auto from = start.find_first_not_of("\r\n");
  const bool empty = from == std::string::npos;
  if (!empty && !parse_from_line(first_line(std::string_view(start).substr(from)))) {
    const bool known = std::ranges::any_of(companions, [&](std::string_view end) { return name.ends_with(end); });
    if (!known) note(label, "is no mbox file (no From line at its start), and is left out");
    return;
  }
  out.push_back({.id = id, .name = mailbox_of(at, name), .messages = 0, .bytes = file->size});
}

void MboxSource::find_files(int folder, const Nested& at, std::vector<SourceFolder>& out) {
  std::vector<std::string> files, folders;
  const auto read = for_each_entry(folder, [&](const Entry& entry) {
    if (entry.name.starts_with('.')) return;
    if (entry.kind == EntryKind::file) files.emplace_back(entry.name);
    if (entry.kind == EntryKind::folder) folders.emplace_back(entry.name);
    if (entry.kind == EntryKind::link) note((path_ / at.path / entry.name).string(), "is a symbolic link, and is left out");
  });
  if (!read) note((path_ / at.path).string(), read.error().text);
  std::ranges::sort(files);
  std::ranges::sort(folders);
  for (const auto& file : files) add_file(folder, file, at, out);
  for (const auto& name : folders) {
    const std::string path = at.path.empty() ? name : at.path + "/" + name;
    auto inside = open_folder(folder, name);
    if (!inside)
      note((path_ / path).string(), inside.error().text);
    else if (at.levels < max_levels)
      find_files(inside->get(), {path, at.levels + 1}, out);
  }
}

Task<Result<std::vector<SourceFolder>>> MboxSource::folders() {
  std::vector<SourceFolder> out;
  if (single_) {
    add_file(top_.get(), path_.filename(), {"", 0}, out);
    if (out.empty()) co_return fail(ErrorKind::invalid, path_.string() + " is no mbox file: it does not begin with a From line");
  } else {
    find_files(top_.get(), {"", 0}, out);
  }
  co_return out;
}

Task<Result<std::vector<std::string>>> MboxSource::subscriptions() { co_return std::vector<std::string>(); }

Task<Result<>> MboxSource::open(const SourceFolder& folder, KeyMaker keys) {
  file_id_ = folder.id;
  keys_ = std::move(keys);
  seen_.clear();
  chunk_.clear();
  auto at = open_folder(top_.get(), ".");
  std::size_t from = 0;
  for (auto end = file_id_.find('/'); at && end != std::string::npos; end = file_id_.find('/', from)) {
    at = open_folder(at->get(), file_id_.substr(from, end - from));
    from = end + 1;
  }
  if (!at) co_return std::unexpected(at.error());
  auto file = open_file(at->get(), file_id_.substr(from));
  if (!file) co_return std::unexpected(file.error());
  file_ = std::move(*file);
  scanner_ = std::make_unique<MboxScanner>(file_.fd.get(), file_.size, options_.quoting);
  co_return Result<>();
}

Task<Result<std::vector<Candidate>>> MboxSource::next() {
  std::vector<Candidate> out;
  chunk_.clear();
  const std::string path = single_ ? path_.string() : (path_ / file_id_).string();
  while (out.size() < max_chunk) {
    auto found = scanner_->next();
    if (!found) co_return std::unexpected(Error{found.error().kind, path + ": " + found.error().text});
    if (!*found) break;
    MboxSpan& span = **found;
    const std::string label = fmt::format("{}, message at octet {}", path, span.begin);
    if (span.marks.internal) continue;
    if (span.marks.gone) {
      note(label, "was deleted in Thunderbird (its folder is not compacted), and is left out");
      continue;
    }
    std::uint64_t start = 0;
    std::memcpy(&start, span.hash.data(), sizeof start);
    const auto occurrence = seen_[start]++;
    const auto key = keys_.key(static_cast<std::uint64_t>(span.date), span.hash + std::to_string(occurrence));
    out.push_back({.key = key, .label = label, .size = span.size, .place = chunk_.size()});
    chunk_.push_back(std::move(span));
  }
  co_return out;
}

void MboxSource::want(std::vector<std::size_t> wanted) {
  wanted_ = std::move(wanted);
  taken_ = 0;
}

Task<Result<std::optional<Taken>>> MboxSource::take(Intake& intake) {
  if (taken_ >= wanted_.size()) co_return std::optional<Taken>();
  Taken taken;
  taken.candidate = wanted_[taken_++];
  MboxSpan& span = chunk_[taken.candidate];
  taken.marks = {span.marks.flags, std::move(span.marks.keywords), span.date};
  MboxText text(options_.quoting, [&](std::string_view piece) { return intake.write(piece); });
  LineReader lines(file_.fd.get(), span.begin, span.end);
  LineReader::Line line;
  Result<> outcome;
  for (auto more = lines.next(line); outcome; more = lines.next(line)) {
    if (!more) outcome = std::unexpected(more.error());
    if (!more || !*more) break;
    outcome = text.add(line);
  }
  if (outcome) outcome = text.finish(span.counted);
  if (!outcome && outcome.error().kind == ErrorKind::no_space) co_return std::unexpected(outcome.error());
  if (!outcome) taken.trouble = outcome.error().text;
  co_return taken;
}

}  // namespace postern::transfer
