// SPDX-License-Identifier: Apache-2.0
#include "transfer/maildir_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/ascii.h"
#include "base/cursor.h"
#include "transfer/intake.h"

namespace postern::transfer {

namespace {

namespace flag = store::flag;

constexpr unsigned folder_mode = 0700;
constexpr unsigned file_mode = 0600;
constexpr std::size_t flush_octets = 128 * 1024;
constexpr std::size_t max_small_file = 4 * 1024 * 1024;
constexpr std::string_view mark = ".postern";
constexpr std::string_view forwarded = "$Forwarded";

/// Makes the folder in `parent` when it is missing.
Result<UniqueFd> make_folder(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), folder_mode) != 0 && errno != EEXIST) return std::unexpected(errno_error(name, errno));
  return open_folder(parent, name);
}

}  // namespace

Result<std::unique_ptr<MaildirWriter>> MaildirWriter::open_at(const std::filesystem::path& path) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), folder_mode) != 0 && errno != EEXIST) return std::unexpected(errno_error(path.string(), errno));
  auto top = open_top_folder(path);
  if (!top) return std::unexpected(top.error());
  return std::unique_ptr<MaildirWriter>(new MaildirWriter(path, std::move(*top)));
}

/// The UID in "1700000000.V12U7.postern" when it is of this mailbox.
std::optional<store::Uid> MaildirWriter::uid_of(std::string_view base) const {
  if (!base.ends_with(mark)) return std::nullopt;
  Cursor in(base);
  if (!in.take_number() || !in.take(".V")) return std::nullopt;
  const auto uidvalidity = in.take_number(UINT32_MAX);
  if (!uidvalidity || *uidvalidity != folder_.uidvalidity || !in.take('U')) return std::nullopt;
  const auto uid = in.take_number(UINT32_MAX);
  if (!uid || *uid == 0 || in.rest() != mark) return std::nullopt;
  return static_cast<store::Uid>(*uid);
}

Result<store::UidSet> MaildirWriter::open(const BoxFolder& folder, const Listing& listing) {
  folder_ = folder;
  names_.clear();
  pending_.clear();
  const std::string name = name_to_maildirpp(folder.name);
  place_ = path_ / name;
  auto here = name.empty() ? open_folder(top_.get(), ".") : make_folder(top_.get(), name);
  if (!here) return std::unexpected(here.error());
  here_ = std::move(*here);
  for (const auto& [part, fd] : {std::pair{"cur", &cur_}, {"tmp", &tmp_}, {"new", static_cast<UniqueFd*>(nullptr)}}) {
    auto made = make_folder(here_.get(), part);
    if (!made) return std::unexpected(made.error());
    if (fd) *fd = std::move(*made);
  }
  const auto keywords = read_small(here_.get(), "dovecot-keywords", max_small_file);
  if (!keywords) return std::unexpected(keywords.error());
  keywords_ = parse_dovecot_keywords(*keywords);
  const auto read = for_each_entry(cur_.get(), [&](const Entry& entry) {
    if (const auto uid = uid_of(parse_maildir_name(entry.name).base)) names_.emplace_back(*uid, entry.name);
  });
  if (!read) return std::unexpected(read.error());
  std::ranges::sort(names_);
  store::UidSet present;
  for (const auto& [uid, file] : names_) present.add(uid);
  if (auto refreshed = refresh_flags(names_, listing); !refreshed) return std::unexpected(refreshed.error());
  return present;
}

/// Files of an earlier run get the flags that their messages have now.
Result<> MaildirWriter::refresh_flags(const std::vector<std::pair<store::Uid, std::string>>& files, const Listing& listing) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& [uid, name] = files[i];
    const auto row = std::ranges::lower_bound(listing.rows, uid, {}, &BoxRow::uid);
    if (row == listing.rows.end() || row->uid != uid) continue;
    const auto head = name.substr(0, name.find(":2,"));
    const std::string wanted = head + info(row->flags, keyword_names(row->flags, listing.keywords));
    if (wanted == name) continue;
    if (::renameat(cur_.get(), name.c_str(), cur_.get(), wanted.c_str()) != 0) return std::unexpected(errno_error(wanted, errno));
    names_[i].second = wanted;
  }
  return {};
}

/// The letter of a keyword, given when it has none; 0 when all 26 are taken.
char MaildirWriter::letter(const std::string& keyword) {
  std::size_t spare = keywords_.size();
  for (std::size_t i = keywords_.size(); i > 0; --i) {
    if (ascii::iequals(keywords_[i - 1], keyword)) return static_cast<char>('a' + i - 1);
    if (keywords_[i - 1].empty()) spare = i - 1;
  }
  if (spare == keywords_.size()) return 0;
  keywords_[spare] = keyword;
  return static_cast<char>('a' + spare);
}

/// ":2," and the flags in ASCII order.
std::string MaildirWriter::info(std::uint64_t flags, const std::vector<std::string>& keywords) {
  std::string letters;
  for (const auto& [bit, c] :
       {std::pair{flag::draft, 'D'}, {flag::flagged, 'F'}, {flag::answered, 'R'}, {flag::seen, 'S'}, {flag::deleted, 'T'}}) {
    if (flags & bit) letters += c;
  }
  for (const auto& keyword : keywords) {
    // Dovecot knows forwarded as a keyword, others know P.
    if (ascii::iequals(keyword, forwarded)) letters += 'P';
    const char c = letter(keyword);
    if (c != 0)
      letters += c;
    else
      note(folder_.name, "Maildir holds 26 keywords; " + keyword + " is left out of some messages");
  }
  std::ranges::sort(letters);
  return ":2," + letters;
}

Result<> MaildirWriter::begin(const OutgoingHead& head) {
  head_ = head;
  base_ = fmt::format("{}.V{}U{}{}", head.internal_date, folder_.uidvalidity, head.uid, mark);
  file_.reset(::openat(tmp_.get(), base_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, file_mode));
  if (!file_) return std::unexpected(errno_error((place_ / "tmp" / base_).string(), errno));
  out_.clear();
  written_ = wire_size_ = 0;
  held_cr_ = false;
  return {};
}

Result<> MaildirWriter::write_out() {
  if (auto written = write_all_at(file_.get(), out_, written_); !written) return written;
  written_ += out_.size();
  out_.clear();
  return {};
}

Result<> MaildirWriter::take(std::string_view bytes) {
  wire_size_ += bytes.size();
  append_with_lf(bytes, held_cr_, out_);
  return out_.size() < flush_octets ? Result<>() : write_out();
}

Result<> MaildirWriter::end() {
  if (held_cr_) out_ += '\r';
  if (auto written = write_out(); !written) return written;
  const timespec times[2] = {{head_.internal_date, 0}, {head_.internal_date, 0}};
  if (::futimens(file_.get(), times) != 0) return std::unexpected(errno_error(base_, errno));
  file_.reset();
  pending_.push_back({base_, fmt::format("{},S={},W={}{}", base_, written_, wire_size_, info(head_.flags, head_.keywords))});
  names_.emplace_back(head_.uid, pending_.back().final);
  return {};
}

Result<> MaildirWriter::flush() {
  if (pending_.empty()) return {};
  // One sync for the batch instead of one for each file.
  if (::syncfs(tmp_.get()) != 0) return std::unexpected(errno_error(place_.string(), errno));
  for (const auto& one : pending_) {
    if (::renameat(tmp_.get(), one.temporary.c_str(), cur_.get(), one.final.c_str()) != 0)
      return std::unexpected(errno_error((place_ / "cur" / one.final).string(), errno));
  }
  pending_.clear();
  return {};
}

/// Only where the list is ours: a Dovecot that lives here keeps its own.
Result<> MaildirWriter::write_uidlist() {
  const auto file = open_file(here_.get(), "dovecot-uidlist");
  if (file) {
    LineReader lines(file->fd.get(), 0, file->size);
    LineReader::Line line;
    const auto first = lines.next(line);
    const auto header = first && *first ? parse_uidlist_header(line.text) : std::nullopt;
    if (!header || header->uidvalidity != folder_.uidvalidity) return {};
  }
  std::ranges::sort(names_);
  std::string text = fmt::format("3 V{} N{}\n", folder_.uidvalidity, std::max(folder_.uidnext, store::Uid{1}));
  for (const auto& [uid, name] : names_) text += fmt::format("{} :{}\n", uid, name);
  return write_file_durably(place_ / "dovecot-uidlist", text, file_mode);
}

Result<> MaildirWriter::close() {
  if (!here_) return {};
  if (file_) {
    file_.reset();
    ::unlinkat(tmp_.get(), base_.c_str(), 0);
  }
  auto done = flush();
  const std::string keywords = format_dovecot_keywords(keywords_);
  if (done && !keywords.empty()) done = write_file_durably(place_ / "dovecot-keywords", keywords, file_mode);
  if (done) done = write_uidlist();
  if (done && ::fsync(cur_.get()) != 0) done = std::unexpected(errno_error(place_.string(), errno));
  here_.reset();
  if (done) done = sync_directory(path_);
  return done;
}

Result<> MaildirWriter::subscriptions(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) {
    const std::string folder = name_to_maildirpp(name);
    text += folder.empty() ? "INBOX" : folder.substr(1);
    text += '\n';
  }
  return write_file_durably(path_ / "subscriptions", text, file_mode);
}

}  // namespace postern::transfer
