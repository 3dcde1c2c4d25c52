// SPDX-License-Identifier: Apache-2.0
// The segment files: seg/0000000001.seg and so on. SegmentFolder names, opens and removes them for everybody; ActiveSegment is
// the writer thread's end of the one that grows.
// Invariants: a file's name is durable before a row refers to it; a sealed file never changes; ids are never used again.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "store/body.h"
#include "store/sqlite/codec.h"
#include "store/sqlite/disk.h"
#include "store/sqlite/record.h"

namespace postern::store::sqlite {

using SegmentId = std::uint64_t;

/// Where the stored bytes of a body lie.
struct Placement {
  SegmentId segment = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint64_t checksum = 0;
  Codec codec = Codec::raw;
  std::uint64_t original = 0;  ///< octets of the body itself; `length` when it is raw
};

/// A body on its way into a segment. Small bodies are placed by the writer, with their batch; large ones have been placed in a
/// file of their own before they reach it.
struct NewBody {
  BodyPtr body;
  std::string arrival;
  Placement place;
  bool placed = false;
  std::string compressed = {};  ///< of a small body that is worth it
  /// What the shared segment gets.
  std::string_view stored() const { return compressed.empty() ? body->memory() : std::string_view(compressed); }
  /// Octets in the segment, with header and arrival text.
  std::uint64_t record_size() const {
    return RecordHeader::size + arrival.size() + (placed ? place.length : std::uint64_t{stored().size()});
  }
};

/// Thread-safe.
class SegmentFolder {
 public:
  static constexpr std::size_t max_open = 128;
  SegmentFolder(std::filesystem::path folder, Disk& disk) : folder_(std::move(folder)), disk_(disk) {}

  const std::filesystem::path& folder() const { return folder_; }
  Disk& disk() { return disk_; }
  Codecs& codecs() { return codecs_; }
  std::filesystem::path path_of(SegmentId id) const;
  /// Time since the file was last changed or named; nothing when there is none.
  std::optional<std::chrono::seconds> age_of(SegmentId id) const;
  /// Ids of the files in the folder, ascending. Other names are left alone.
  Result<std::vector<SegmentId>> on_disk() const;
  /// The next id to be used; raised by whoever knows of one in use.
  SegmentId next_id() { return next_id_.fetch_add(1); }
  void reserve_through(SegmentId id);

  /// For reading. Errors: corrupt when the file is missing, io.
  Result<std::shared_ptr<const UniqueFd>> open(SegmentId id);
  /// A new empty file whose name is durable.
  Result<UniqueFd> create(SegmentId id);
  /// Makes the body a durable segment of one record: in compressed frames when that is worth it, else the received file itself.
  Result<Placement> adopt(const Body& body, std::string_view arrival);
  void remove(SegmentId id);
  /// Keeps the file readable by open() after remove(), for readers that looked its rows up before compaction moved them.
  Result<> hold(SegmentId id);
  /// Ends the holds that were there at the last call already.
  void let_go();

 private:
  /// What is in an unnamed file before arrival text and header.
  struct Draft {
    UniqueFd file;
    Placement place;
  };
  Result<UniqueFd> unnamed() const;
  Result<UniqueFd> unnamed_copy(const Body& body) const;
  /// Nothing when it is not worth it.
  Result<std::optional<Draft>> in_frames(const Body& body);
  Result<Draft> as_received(const Body& body) const;
  Result<> give_name(int fd, SegmentId id);

  struct Cached {
    SegmentId id;
    std::shared_ptr<const UniqueFd> file;
  };
  const std::filesystem::path folder_;
  Disk& disk_;
  Codecs codecs_;
  std::atomic<SegmentId> next_id_{1};
  std::mutex mutex_;
  std::list<Cached> open_;  ///< most recently used first
  struct Held {
    Cached file;
    bool seen = false;  ///< by let_go()
  };
  std::vector<Held> held_;
};

/// Owned by the writer thread.
class ActiveSegment {
 public:
  struct Limits {
    std::uint64_t segment_bytes = std::uint64_t{1} << 30;
    std::uint64_t allocate_bytes = std::uint64_t{64} << 20;
    /// Room filled with zeros ahead of small batches (Disk::clear). Larger batches than a quarter of it pay for their own
    /// commit, which is little beside their data.
    std::uint64_t clear_bytes = std::uint64_t{1} << 20;
  };
  struct Position {
    SegmentId segment = 0;
    std::uint64_t offset = 0;
  };
  /// What the index must learn when a new file was begun.
  struct Rotation {
    SegmentId sealed = 0;  ///< 0: there was none
    std::uint64_t sealed_bytes = 0;
    SegmentId begun = 0;
  };
  ActiveSegment(SegmentFolder& folder, Limits limits) : folder_(folder), limits_(limits) {}

  /// Goes on behind the last good record after start-up.
  Result<> resume(Position end);
  Position position() const { return {id_, end_}; }
  int descriptor() const { return file_.get(); }
  /// Whether so many bytes go into the current file.
  bool has_room(std::uint64_t bytes) const { return file_ && end_ + bytes <= limits_.segment_bytes; }
  /// Begins a new file when these bytes do not fit into the current one.
  Result<> make_room(std::uint64_t bytes);
  /// Writes the records in order behind the end and tells the bodies where they are. Nothing is durable yet. After an error
  /// nothing was appended.
  Result<> append(std::span<NewBody* const> bodies);
  /// Whether what was appended needs a sync of this file. If not, write_out() and the sync of the index behind it are enough:
  /// the records lie in room that was cleared and synced before.
  bool needs_sync() const { return !overwrites_ || end_ > settled_; }
  /// Hands everything from the position to the end to the device.
  Result<> write_out(const Position& from);
  /// The file was synced after the last append().
  void synced() { settled_ = cleared_; }
  /// Takes back everything behind the position (of this file).
  void rewind(Position to) { end_ = to.offset; }
  const std::vector<Rotation>& rotations() const { return rotations_; }
  /// The index knows them now.
  void clear_rotations() { rotations_.clear(); }

 private:
  void use(UniqueFd file, Position end);
  Result<> clear_room_ahead(std::uint64_t end);

  SegmentFolder& folder_;
  const Limits limits_;
  UniqueFd file_;
  SegmentId id_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t allocated_ = 0;
  bool overwrites_ = false;     ///< room is cleared ahead, and the index lies on the same device
  std::uint64_t cleared_ = 0;   ///< written at least with zeros up to here
  std::uint64_t clear_at_ = 0;  ///< a batch that ends behind this clears again
  std::uint64_t settled_ = 0;   ///< and these blocks were synced
  std::vector<Rotation> rotations_;
  std::vector<iovec> pieces_;
  std::vector<HeaderBytes> headers_;
};

}  // namespace postern::store::sqlite
