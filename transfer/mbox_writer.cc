// SPDX-License-Identifier: Apache-2.0
#include "transfer/mbox_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/ascii.h"
#include "base/cursor.h"
#include "transfer/intake.h"
#include "transfer/mbox_format.h"

namespace postern::transfer {

namespace {

constexpr unsigned file_mode = 0600;
constexpr std::size_t flush_octets = 256 * 1024;
constexpr std::size_t line_start = 1024;  ///< enough of a line to see whether it needs quoting
constexpr std::size_t max_state = 64 * 1024 * 1024;
constexpr std::string_view first_line = "postern mbox export 1\n";
constexpr std::string_view state_suffix = ".postern";

/// The address of a Return-Path at the start of the message.
std::string_view return_path(std::string_view start) {
  constexpr std::string_view name = "Return-Path:";
  if (!ascii::istarts_with(start, name)) return {};
  start = ascii::trim(start.substr(name.size(), start.find('\n') - std::min(start.find('\n'), name.size())));
  if (!start.starts_with('<') || !start.ends_with('>')) return {};
  return start.substr(1, start.size() - 2);
}

}  // namespace

std::string format_mbox_state(const MboxState& state) {
  return fmt::format("{}uidvalidity {}\nsize {}\nuids {}\n", first_line, state.uidvalidity, state.size, state.uids.to_string());
}

Result<MboxState> parse_mbox_state(std::string_view text) {
  const auto malformed = fail(ErrorKind::invalid, "cannot be read");
  Cursor in(text);
  MboxState out;
  if (!in.take(first_line) || !in.take("uidvalidity ")) return malformed;
  const auto uidvalidity = in.take_number(UINT32_MAX);
  if (!uidvalidity || !in.take("\nsize ")) return malformed;
  const auto size = in.take_number(INT64_MAX);
  if (!size || !in.take("\nuids ")) return malformed;
  out.uidvalidity = static_cast<std::uint32_t>(*uidvalidity);
  out.size = *size;
  while (!in.take('\n')) {
    const auto lo = in.take_number(UINT32_MAX);
    const auto hi = in.take(':') ? in.take_number(UINT32_MAX) : lo;
    const bool more = in.take(',');
    if (!lo || !hi || *lo == 0 || *hi < *lo || (!more && !in.is('\n'))) return malformed;
    out.uids.add({static_cast<store::Uid>(*lo), static_cast<store::Uid>(*hi)});
  }
  return out;
}

Result<std::unique_ptr<MboxWriter>> MboxWriter::open_at(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return std::unexpected(errno_error(path.string(), error.value()));
  return std::unique_ptr<MboxWriter>(new MboxWriter(path));
}

/// What an earlier run left, checked against the file. Errors: exists, when the file is not ours to go on with; invalid.
Result<MboxState> MboxWriter::earlier(std::uint64_t size, std::uint32_t uidvalidity) const {
  const auto text = read_file(file_path_.string() + std::string(state_suffix), max_state);
  if (!text) {
    if (size > 0)
      return fail(ErrorKind::exists, file_path_.string() + " exists and was not written by an export; choose another folder");
    return MboxState{.uidvalidity = uidvalidity, .size = 0, .uids = {}};
  }
  auto state = parse_mbox_state(*text);
  if (!state) return fail(ErrorKind::invalid, file_path_.string() + std::string(state_suffix) + " " + state.error().text);
  if (state->uidvalidity != uidvalidity)
    return fail(ErrorKind::exists, file_path_.string() + " is an export of another mailbox; choose another folder");
  if (size < state->size)
    return fail(ErrorKind::exists, file_path_.string() + " is shorter than when it was exported; move it away and start anew");
  return state;
}

Result<store::UidSet> MboxWriter::open(const BoxFolder& folder, const Listing&) {
  file_.reset();
  file_path_ = path_ / (folder.name + ".mbox");
  std::error_code error;
  std::filesystem::create_directories(file_path_.parent_path(), error);
  if (error) return std::unexpected(errno_error(file_path_.string(), error.value()));
  UniqueFd file(::open(file_path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, file_mode));
  if (!file) return std::unexpected(errno_error(file_path_.string(), errno));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return std::unexpected(errno_error(file_path_.string(), errno));
  auto state = earlier(static_cast<std::uint64_t>(info.st_size), folder.uidvalidity);
  if (!state) return std::unexpected(state.error());
  if (::ftruncate(file.get(), static_cast<off_t>(state->size)) != 0)
    return std::unexpected(errno_error(file_path_.string(), errno));
  // From here on the file is ours, and close() may cut it.
  state_ = *std::move(state);
  reached_ = state_;
  position_ = state_.size;
  out_.clear();
  file_ = std::move(file);
  return state_.uids;
}

Result<> MboxWriter::write_out() {
  if (auto written = write_all_at(file_.get(), out_, position_); !written) return written;
  position_ += out_.size();
  out_.clear();
  return {};
}

Result<> MboxWriter::begin(const OutgoingHead& head) {
  head_ = head;
  line_.clear();
  passing_ = held_cr_ = begun_ = false;
  return {};
}

void MboxWriter::add_lines(std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto part = text.substr(0, end == std::string_view::npos ? end : end + 1);
    text.remove_prefix(part.size());
    const bool complete = part.ends_with('\n');
    if (passing_) {
      out_ += part;
      passing_ = !complete;
      continue;
    }
    line_ += part;
    if (!complete && line_.size() < line_start) continue;
    if (needs_quoting(line_)) out_ += '>';
    out_ += line_;
    line_.clear();
    passing_ = !complete;
  }
}

Result<> MboxWriter::take(std::string_view bytes) {
  if (!begun_) {
    begun_ = true;
    out_ += format_from_line(return_path(bytes), head_.internal_date);
    out_ += format_mbox_fields(head_.flags, head_.keywords);
  }
  std::string text;
  append_with_lf(bytes, held_cr_, text);
  add_lines(text);
  return out_.size() < flush_octets ? Result<>() : write_out();
}

Result<> MboxWriter::end() {
  if (!begun_) (void)take({});
  if (held_cr_) line_ += '\r';
  if (needs_quoting(line_)) out_ += '>';
  out_ += line_;
  // A message whose last line has no end gets one, because the format knows lines only.
  if (passing_ || !line_.empty()) out_ += '\n';
  out_ += '\n';
  reached_.uids.add(head_.uid);
  reached_.size = position_ + out_.size();
  return {};
}

Result<> MboxWriter::flush() {
  if (reached_ == state_) return {};
  if (auto written = write_out(); !written) return written;
  if (::fdatasync(file_.get()) != 0) return std::unexpected(errno_error(file_path_.string(), errno));
  if (auto noted = write_file_durably(file_path_.string() + std::string(state_suffix), format_mbox_state(reached_), file_mode);
      !noted)
    return noted;
  state_ = reached_;
  return {};
}

Result<> MboxWriter::close() {
  if (!file_) return {};
  auto done = flush();
  // The start of a message that did not come to its end.
  if (done && ::ftruncate(file_.get(), static_cast<off_t>(state_.size)) != 0)
    done = std::unexpected(errno_error(file_path_.string(), errno));
  if (done) done = sync_directory(file_path_.parent_path());
  file_.reset();
  return done;
}

Result<> MboxWriter::subscriptions(const std::vector<std::string>& names) {
  return write_file_durably(path_ / "subscriptions", fmt::format("{}\n", fmt::join(names, "\n")), file_mode);
}

}  // namespace postern::transfer
