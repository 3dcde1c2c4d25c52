// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/segments.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace postern::store::sqlite {

namespace {

constexpr std::string_view suffix = ".seg";
constexpr std::size_t name_digits = 10;
constexpr std::size_t copy_step = 1 << 20;
/// A large body whose beginning does not gain is not tried further.
constexpr std::uint64_t sample_bytes = 4 * frame_bytes;

std::optional<SegmentId> id_of(const std::string& name) {
  if (name.size() != name_digits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  SegmentId id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name_digits, id);
  if (error != std::errc() || end != name.data() + name_digits) return std::nullopt;
  return id;
}

iovec piece(std::string_view bytes) { return iovec{const_cast<char*>(bytes.data()), bytes.size()}; }

/// XXH3 of the whole file.
Result<std::uint64_t> checksum_of(const Body& body) {
  Checksum sum;
  std::string buffer(copy_step, '\0');
  for (std::uint64_t at = 0; at < body.size();) {
    const auto n = body.read(at, buffer);
    if (!n) return std::unexpected(n.error());
    sum.add(std::string_view(buffer).substr(0, *n));
    at += *n;
  }
  return sum.value();
}

}  // namespace

std::filesystem::path SegmentFolder::path_of(SegmentId id) const { return folder_ / fmt::format("{:010}.seg", id); }

std::optional<std::chrono::seconds> SegmentFolder::age_of(SegmentId id) const {
  struct stat status{};
  if (::stat(path_of(id).c_str(), &status) != 0) return std::nullopt;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now) - std::chrono::seconds(status.st_ctim.tv_sec);
}

Result<std::vector<SegmentId>> SegmentFolder::on_disk() const {
  std::vector<SegmentId> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (const auto id = id_of(entry.path().filename().string())) out.push_back(*id);
  }
  if (error) return std::unexpected(errno_error("list " + folder_.string(), error.value()));
  std::sort(out.begin(), out.end());
  return out;
}

void SegmentFolder::reserve_through(SegmentId id) {
  SegmentId next = next_id_.load();
  while (next <= id && !next_id_.compare_exchange_weak(next, id + 1)) {
  }
}

Result<std::shared_ptr<const UniqueFd>> SegmentFolder::open(SegmentId id) {
  const std::lock_guard lock(mutex_);
  const auto known = std::find_if(open_.begin(), open_.end(), [id](const Cached& one) { return one.id == id; });
  if (known != open_.end()) {
    open_.splice(open_.begin(), open_, known);
    return open_.front().file;
  }
  for (const Held& held : held_) {
    if (held.file.id == id) return held.file.file;
  }
  UniqueFd file(::open(path_of(id).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return fail(ErrorKind::corrupt, "the segment " + path_of(id).string() + " is missing");
  if (!file) return std::unexpected(errno_error("open " + path_of(id).string(), errno));
  open_.push_front(Cached{id, std::make_shared<const UniqueFd>(std::move(file))});
  if (open_.size() > max_open) open_.pop_back();
  return open_.front().file;
}

Result<UniqueFd> SegmentFolder::create(SegmentId id) {
  UniqueFd file(::open(path_of(id).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return std::unexpected(errno_error("create " + path_of(id).string(), errno));
  if (auto synced = disk_.sync_folder(folder_); !synced) {
    remove(id);
    return std::unexpected(synced.error());
  }
  return file;
}

void SegmentFolder::remove(SegmentId id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(open_, [id](const Cached& one) { return one.id == id; });
  std::error_code ignored;  // a file that stays is found and removed at the next start
  std::filesystem::remove(path_of(id), ignored);
}

Result<> SegmentFolder::hold(SegmentId id) {
  auto file = open(id);
  if (!file) return std::unexpected(file.error());
  const std::lock_guard lock(mutex_);
  held_.push_back({{id, std::move(*file)}, false});
  return {};
}

void SegmentFolder::let_go() {
  const std::lock_guard lock(mutex_);
  std::erase_if(held_, [](const Held& held) { return held.seen; });
  for (Held& held : held_) held.seen = true;
}

Result<UniqueFd> SegmentFolder::unnamed() const {
  UniqueFd file(::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file) return std::unexpected(errno_error("unnamed file in " + folder_.string(), errno));
  return file;
}

Result<UniqueFd> SegmentFolder::unnamed_copy(const Body& body) const {
  auto file = unnamed();
  if (!file) return file;
  std::string buffer(copy_step, '\0');
  for (std::uint64_t at = 0; at < body.size();) {
    const auto n = body.read(at, buffer);
    if (!n) return std::unexpected(n.error());
    iovec one = piece(std::string_view(buffer).substr(0, *n));
    if (auto written = disk_.write(file->get(), {&one, 1}, at); !written) return std::unexpected(written.error());
    at += *n;
  }
  return file;
}

/// Octet by octet in constant memory; gives up when the beginning shows no gain.
Result<std::optional<SegmentFolder::Draft>> SegmentFolder::in_frames(const Body& body) {
  auto file = unnamed();
  if (!file) return std::unexpected(file.error());
  FrameTable table;
  Checksum sum;
  std::string buffer(frame_bytes, '\0');
  const auto append = [&](std::string_view bytes, std::uint64_t at) {
    sum.add(bytes);
    iovec one = piece(bytes);
    return disk_.write(file->get(), {&one, 1}, at);
  };
  for (std::uint64_t at = 0; at < body.size();) {
    if (at == sample_bytes && !is_worth_it(at, table.stored_size())) return std::nullopt;
    const auto n = body.read(at, buffer);
    if (!n) return std::unexpected(n.error());
    const auto original = std::string_view(buffer).substr(0, *n);
    const std::string frame = codecs_.compress(original);
    if (auto written = append(frame, table.stored_size()); !written) return std::unexpected(written.error());
    table.add(frame, original);
    at += *n;
  }
  const std::string index = table.to_bytes();
  const std::uint64_t stored = table.stored_size() + index.size();
  if (!is_worth_it(body.size(), stored)) return std::nullopt;
  if (auto written = append(index, table.stored_size()); !written) return std::unexpected(written.error());
  return Draft{std::move(*file), {.length = stored, .checksum = sum.value(), .codec = Codec::frames, .original = body.size()}};
}

/// A received file is taken over as it is, unless it became a segment before (the same body accepted twice).
Result<SegmentFolder::Draft> SegmentFolder::as_received(const Body& body) const {
  const auto sum = checksum_of(body);
  if (!sum) return std::unexpected(sum.error());
  struct stat status{};
  const bool ours = body.descriptor() >= 0 && ::fstat(body.descriptor(), &status) == 0 && status.st_nlink == 0;
  auto file = ours ? Result<UniqueFd>(::fcntl(body.descriptor(), F_DUPFD_CLOEXEC, 0)) : unnamed_copy(body);
  if (!file) return std::unexpected(file.error());
  if (!*file) return std::unexpected(errno_error("take over a received body", errno));
  return Draft{std::move(*file), {.length = body.size(), .checksum = *sum, .original = body.size()}};
}

Result<> SegmentFolder::give_name(int fd, SegmentId id) {
  const std::string self = fmt::format("/proc/self/fd/{}", fd);
  if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path_of(id).c_str(), AT_SYMLINK_FOLLOW) != 0) {
    return std::unexpected(errno_error("name " + path_of(id).string(), errno));
  }
  return disk_.sync_folder(folder_);
}

Result<Placement> SegmentFolder::adopt(const Body& body, std::string_view arrival) {
  auto framed = in_frames(body);
  if (!framed) return std::unexpected(framed.error());
  auto draft = *framed ? Result<Draft>(std::move(**framed)) : as_received(body);
  if (!draft) return std::unexpected(draft.error());
  Placement& place = draft->place;
  const int fd = draft->file.get();
  const HeaderBytes header = encode({.codec = place.codec,
                                     .kind = RecordKind::single,
                                     .stored_length = place.length,
                                     .original_length = place.original,
                                     .checksum = place.checksum},
                                    arrival);
  std::array<iovec, 2> tail{piece(arrival), piece({header.data(), header.size()})};
  if (auto written = disk_.write(fd, tail, place.length); !written) return std::unexpected(written.error());
  if (auto synced = disk_.sync(fd); !synced) return std::unexpected(synced.error());
  place.segment = next_id();
  if (auto named = give_name(fd, place.segment); !named) return std::unexpected(named.error());
  return place;
}

void ActiveSegment::use(UniqueFd file, Position end) {
  const auto& folder = folder_.folder();
  file_ = std::move(file);
  id_ = end.segment;
  end_ = allocated_ = cleared_ = clear_at_ = settled_ = end.offset;
  overwrites_ = folder_.disk().overwrites_in_place(folder) && on_one_device(folder, folder.parent_path());
}

Result<> ActiveSegment::resume(Position end) {
  UniqueFd file(::open(folder_.path_of(end.segment).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return std::unexpected(errno_error("open " + folder_.path_of(end.segment).string(), errno));
  use(std::move(file), end);
  if (auto cut = folder_.disk().truncate(file_.get(), end.offset); !cut) return cut;
  return folder_.disk().sync(file_.get());
}

Result<> ActiveSegment::make_room(std::uint64_t bytes) {
  if (!file_ || (end_ > 0 && end_ + bytes > limits_.segment_bytes)) {
    const SegmentId id = folder_.next_id();
    auto created = folder_.create(id);
    if (!created) return std::unexpected(created.error());
    if (file_) {
      // Its records are durable since their batch; the reserved rest goes. When that fails the file is only longer than needed.
      [[maybe_unused]] const auto cut = folder_.disk().truncate(file_.get(), end_);
    }
    rotations_.push_back(Rotation{id_, end_, id});
    use(std::move(*created), {id, 0});
  }
  if (end_ + bytes > allocated_) {
    const std::uint64_t step = std::max(bytes, std::min(limits_.allocate_bytes, limits_.segment_bytes));
    if (auto reserved = folder_.disk().allocate(file_.get(), end_, step); !reserved) return reserved;
    allocated_ = end_ + step;
  }
  return {};
}

/// After a batch that used the last of the cleared room. No room for zeros costs the next batches time only.
Result<> ActiveSegment::clear_room_ahead(std::uint64_t end) {
  if (!overwrites_ || end <= clear_at_) return {};
  const std::uint64_t step = std::min(limits_.clear_bytes, allocated_ - end);
  auto cleared = step > 0 ? folder_.disk().clear(file_.get(), end, step) : Result<>();
  if (!cleared && cleared.error().kind != ErrorKind::no_space) return cleared;
  cleared_ = cleared ? end + step : end;
  clear_at_ = end + step;
  return {};
}

Result<> ActiveSegment::write_out(const Position& from) {
  return folder_.disk().write_out(file_.get(), from.offset, end_ - from.offset);
}

Result<> ActiveSegment::append(std::span<NewBody* const> bodies) {
  pieces_.clear();
  headers_.resize(bodies.size());
  std::uint64_t at = end_;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    NewBody& body = *bodies[i];
    const std::string_view stored = body.stored();
    const std::uint64_t length = stored.size();
    headers_[i] = encode({.codec = body.place.codec,
                          .stored_length = length,
                          .original_length = body.body->size(),
                          .checksum = body.place.checksum},
                         body.arrival);
    body.place.segment = id_;
    body.place.offset = at + RecordHeader::size + body.arrival.size();
    body.place.length = length;
    pieces_.push_back(piece({headers_[i].data(), headers_[i].size()}));
    if (!body.arrival.empty()) pieces_.push_back(piece(body.arrival));
    if (length > 0) pieces_.push_back(piece(stored));
    at += body.record_size();
  }
  if (auto written = folder_.disk().write(file_.get(), pieces_, end_); !written) return written;
  const std::uint64_t batch = at - end_;
  if (batch <= limits_.clear_bytes / 4) {
    if (auto cleared = clear_room_ahead(at); !cleared) return cleared;
  }
  if (!needs_sync()) {
    if (auto begun = folder_.disk().begin_write_out(file_.get(), end_, batch); !begun) return begun;
  }
  for (NewBody* body : bodies) body->placed = true;
  end_ = at;
  return {};
}

}  // namespace postern::store::sqlite
