// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/wal_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <bit>

namespace postern::store::sqlite {

namespace {

// The lowest bit of the magic number says in which order the checksums read their words.
constexpr std::uint32_t magic = 0x377f0682;
constexpr std::uint32_t format_version = 3007000;
constexpr std::uint32_t min_page = 512;
constexpr std::uint32_t max_page = 65536;
constexpr std::size_t page_size_place = 16;  ///< in the database's header, two octets big-endian; 1 means 65536

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

std::uint32_t little_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

/// True when the file had that many octets there.
Result<bool> read_there(int file, std::string& out, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < out.size()) {
    const auto n = ::pread(file, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(errno_error("read the write-ahead log", errno));
    if (n == 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

Result<std::uint32_t> page_size_of(int database) {
  std::string bytes(2, '\0');
  if (auto read = read_all_at(database, bytes, page_size_place); !read) return std::unexpected(read.error());
  const auto octet = [&](std::size_t at) { return std::uint32_t{static_cast<std::uint8_t>(bytes[at])}; };
  const std::uint32_t value = octet(0) << 8 | octet(1);
  return value == 1 ? max_page : value;
}

}  // namespace

Result<WalFile> WalFile::open(const std::filesystem::path& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return std::unexpected(errno_error("open " + path.string(), errno));
  WalFile wal(std::move(file));
  if (auto read = wal.read_header(); !read) {
    return fail(read.error().kind, path.string() + ": " + read.error().text);
  }
  return wal;
}

Result<> WalFile::read_header() {
  std::string header(header_size, '\0');
  const auto there = read_there(file_.get(), header, 0);
  if (!there) return std::unexpected(there.error());
  const auto no_log = [] { return fail(ErrorKind::corrupt, "no header of a write-ahead log"); };
  if (!*there || (big_endian(header, 0) & ~1U) != magic || big_endian(header, 4) != format_version) return no_log();
  big_endian_sums_ = (big_endian(header, 0) & 1U) != 0;
  page_size_ = big_endian(header, 8);
  if (page_size_ < min_page || page_size_ > max_page || !std::has_single_bit(page_size_)) return no_log();
  salt1_ = big_endian(header, 16);
  salt2_ = big_endian(header, 20);
  sums_ = add({}, std::string_view(header).substr(0, 24));
  if (sums_.a != big_endian(header, 24) || sums_.b != big_endian(header, 28)) return no_log();
  return {};
}

WalFile::Sums WalFile::add(Sums sums, std::string_view bytes) const {
  const auto word = [&](std::size_t at) { return big_endian_sums_ ? big_endian(bytes, at) : little_endian(bytes, at); };
  for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    sums.a += word(at) + sums.b;
    sums.b += word(at + 4) + sums.a;
  }
  return sums;
}

Result<std::optional<WalFile::Frame>> WalFile::next() {
  buffer_.resize(frame_header_size + page_size_);
  const auto there = read_there(file_.get(), buffer_, bytes());
  if (!there) return std::unexpected(there.error());
  const std::string_view frame = buffer_;
  if (!*there || big_endian(frame, 8) != salt1_ || big_endian(frame, 12) != salt2_) return std::nullopt;
  const Sums sums = add(add(sums_, frame.substr(0, 8)), frame.substr(frame_header_size));
  if (sums.a != big_endian(frame, 16) || sums.b != big_endian(frame, 20) || big_endian(frame, 0) == 0) return std::nullopt;
  sums_ = sums;
  ++frames_;
  return Frame{big_endian(frame, 0), big_endian(frame, 4), frame.substr(frame_header_size)};
}

Result<WalExtent> committed_extent(const std::filesystem::path& path) {
  auto wal = WalFile::open(path);
  if (!wal) return std::unexpected(wal.error());
  WalExtent out{wal->salt1(), wal->salt2(), 0, WalFile::header_size};
  for (;;) {
    const auto frame = wal->next();
    if (!frame) return std::unexpected(frame.error());
    if (!*frame) return out;
    if ((*frame)->db_pages == 0) continue;
    out.frames = wal->frames();
    out.bytes = wal->bytes();
  }
}

Result<std::uint64_t> apply_wal(const std::filesystem::path& path, const std::filesystem::path& database, std::uint64_t frames) {
  // The last commit first, so that no page of an unfinished one is written.
  auto scan = WalFile::open(path);
  if (!scan) return std::unexpected(scan.error());
  std::uint64_t last = 0;
  std::uint64_t pages = 0;
  while (scan->frames() < frames) {
    const auto frame = scan->next();
    if (!frame) return std::unexpected(frame.error());
    if (!*frame) break;
    if ((*frame)->db_pages == 0) continue;
    last = scan->frames();
    pages = (*frame)->db_pages;
  }
  if (last == 0) return 0;
  const UniqueFd db(::open(database.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!db) return std::unexpected(errno_error("open " + database.string(), errno));
  const auto page_size = page_size_of(db.get());
  if (!page_size) return std::unexpected(page_size.error());
  if (*page_size != scan->page_size()) return fail(ErrorKind::corrupt, path.string() + " belongs to another database");
  auto wal = WalFile::open(path);
  if (!wal) return std::unexpected(wal.error());
  while (wal->frames() < last) {
    const auto frame = wal->next();
    if (!frame) return std::unexpected(frame.error());
    if (!*frame) return fail(ErrorKind::io, path.string() + " changed while it was read");
    const std::uint64_t offset = std::uint64_t{(*frame)->page - 1} * wal->page_size();
    if (auto written = write_all_at(db.get(), (*frame)->data, offset); !written) return std::unexpected(written.error());
  }
  if (::ftruncate(db.get(), static_cast<off_t>(pages * wal->page_size())) != 0 || ::fsync(db.get()) != 0) {
    return std::unexpected(errno_error("write " + database.string(), errno));
  }
  return last;
}

}  // namespace postern::store::sqlite
