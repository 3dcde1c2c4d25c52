// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/segment_walk.h"

#include <fcntl.h>

#include <algorithm>

namespace postern::store::sqlite {

Result<std::string_view> SegmentReader::at(std::uint64_t offset, std::size_t n) {
  if (offset > size_ || n > size_ - offset) return fail(ErrorKind::corrupt, "the segment ends before the record does");
  const bool inside = offset >= window_at_ && offset + n <= window_at_ + window_.size();
  if (!inside) {
    const auto take = std::min<std::uint64_t>(std::max(n, window_bytes), size_ - offset);
    if (pace_ && !pace_->spend(take)) return fail(ErrorKind::closed, "stopped");
    window_.resize(take);
    window_at_ = offset;
    if (auto done = read_all_at(fd_, window_, offset); !done) {
      window_.clear();
      return std::unexpected(done.error());
    }
    bytes_read_ += take;
    // Advice only: what nobody else reads need not push anything out of memory.
    if (pace_) [[maybe_unused]]
      const int ignored = ::posix_fadvise(fd_, 0, static_cast<off_t>(offset), POSIX_FADV_DONTNEED);
  }
  return std::string_view(window_).substr(offset - window_at_, n);
}

Result<std::optional<WalkedRecord>> RecordWalk::next() {
  if (at_ + RecordHeader::size > reader_.size()) return std::nullopt;
  const auto bytes = reader_.at(at_, RecordHeader::size);
  if (!bytes) return std::unexpected(bytes.error());
  const auto header = decode(*bytes);
  const std::uint64_t body = header ? at_ + RecordHeader::size + header->arrival_length : 0;
  if (!header || header->kind != RecordKind::shared || body > reader_.size() || header->stored_length > reader_.size() - body) {
    unbroken_ = false;
    return std::nullopt;
  }
  const WalkedRecord record{at_, body, *header};
  at_ = record.end();
  passed_bytes_ += header->stored_length;
  return record;
}

Result<std::optional<WalkedRecord>> RecordWalk::find(std::uint64_t body) {
  while (at_ + RecordHeader::size <= body) {
    auto record = next();
    if (!record) return record;
    if (!record->has_value()) break;
    if ((*record)->body == body) return record;
  }
  unbroken_ = false;
  return search_before(body);
}

Result<std::optional<WalkedRecord>> RecordWalk::search_before(std::uint64_t body) {
  if (body < RecordHeader::size) return std::nullopt;
  const std::uint64_t last = body - RecordHeader::size;
  const std::uint64_t first = last - std::min(last, max_arrival);
  const auto bytes = reader_.at(first, body - first);
  if (!bytes) return std::unexpected(bytes.error());
  for (std::uint64_t start = last;; --start) {
    const auto header = decode(bytes->substr(start - first));
    if (header && start + RecordHeader::size + header->arrival_length == body && header->stored_length <= reader_.size() - body) {
      at_ = body + header->stored_length;
      return WalkedRecord{start, body, *header};
    }
    if (start == first) return std::nullopt;
  }
}

}  // namespace postern::store::sqlite
