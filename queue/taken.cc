// SPDX-License-Identifier: Apache-2.0
// A note in the file, little endian: recipient u64 · entry u64 · flags u64 · print 16 octets · check u64. A place that was
// never used is zero. The check is the start of a hash of the rest, so that garbage is no note.
#include "queue/taken.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "base/content_hash.h"

namespace postern::queue {

namespace {

constexpr std::size_t check_octets = 8;
constexpr std::size_t checked_octets = 3 * sizeof(std::uint64_t) + ContentHash::octets;
constexpr std::size_t note_octets = checked_octets + check_octets;
constexpr std::uint64_t flag_dsn_passed = 1;
static_assert(checked_octets % sizeof(std::uint64_t) == 0 && note_octets % sizeof(std::uint64_t) == 0);
static_assert(std::endian::native == std::endian::little, "the file is little endian");

void put(std::string& out, std::uint64_t value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); }

std::uint64_t number_at(std::string_view bytes, std::size_t index) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data() + index * sizeof value, sizeof value);
  return value;
}

/// What a row says that an other row with the same ids would not say.
std::string print_of(const store::QueueEntry& entry, const store::QueueRecipient& recipient) {
  std::string ids;
  put(ids, entry.id);
  put(ids, recipient.id);
  put(ids, static_cast<std::uint64_t>(entry.created));
  put(ids, entry.size);
  ContentHash hash;
  hash.add(ids);
  hash.add(mail::to_string(entry.sender));
  hash.add("\n");
  hash.add(recipient.recipient.address.to_string());
  return hash.finish();
}

std::string check_of(std::string_view checked) {
  ContentHash hash;
  hash.add(checked);
  return hash.finish().substr(0, check_octets);
}

/// The last field, which makes the note count: one store, after all others.
void set_check(char* note, std::uint64_t value) {
  auto* const field = reinterpret_cast<std::uint64_t*>(note + checked_octets);
  std::atomic_ref(*field).store(value, std::memory_order_release);
}

std::string to_bytes(const Taken::Note& note) {
  std::string out;
  out.reserve(note_octets);
  put(out, note.recipient);
  put(out, note.entry);
  put(out, note.dsn_passed ? flag_dsn_passed : 0);
  out += note.print;
  out += check_of(out);
  return out;
}

std::optional<Taken::Note> from_bytes(std::string_view bytes) {
  const std::string_view checked = bytes.substr(0, checked_octets);
  if (number_at(bytes, 0) == 0 || check_of(checked) != bytes.substr(checked_octets)) return std::nullopt;
  Taken::Note note;
  note.recipient = number_at(bytes, 0);
  note.entry = number_at(bytes, 1);
  note.dsn_passed = (number_at(bytes, 2) & flag_dsn_passed) != 0;
  note.print = checked.substr(3 * sizeof(std::uint64_t));
  return note;
}

}  // namespace

Taken::Taken(UniqueFd file, Log& log) : file_(std::move(file)), log_(log) {
  free_.reserve(capacity);
  for (std::size_t slot = capacity; slot-- > 0;) free_.push_back(slot);
}

Result<std::unique_ptr<Taken>> Taken::open(const std::filesystem::path& file, Log& log) {
  constexpr unsigned mode = 0600;
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return std::unexpected(errno_error(file.string(), errno));
  std::unique_ptr<Taken> made(new Taken(std::move(fd), log));
  made->read_left();
  made->map(file);
  return made;
}

/// With all its blocks allocated a store into the mapping cannot fail for want of room.
void Taken::map(const std::filesystem::path& file) {
  constexpr std::size_t whole = capacity * note_octets;
  if (!overwrites_in_place(file)) return;
  if (::fallocate(file_.get(), 0, 0, whole) != 0) return;
  void* const begin = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  if (begin == MAP_FAILED) return;
  mapping_.reset(static_cast<char*>(begin));
  // A page that had to be read again from a failing disk would end the process. Without the right to hold them it may.
  (void)::mlock(begin, whole);
}

void Taken::Unmap::operator()(char* begin) const { ::munmap(begin, capacity * note_octets); }

/// Notes that are found keep their places until they are settled.
void Taken::read_left() {
  std::array<char, note_octets> bytes{};
  for (std::size_t slot = 0; slot < capacity; ++slot) {
    if (!read_all_at(file_.get(), bytes, slot * note_octets)) return;  // the end of the file
    auto note = from_bytes({bytes.data(), bytes.size()});
    if (!note) continue;
    slots_[slot] = note->recipient;
    std::erase(free_, slot);
    left_.push_back(std::move(*note));
  }
}

Taken::Draft Taken::draft(const store::QueueEntry& entry, const store::QueueRecipient& recipient, bool dsn_passed) {
  if (free_.empty()) return {nullptr, 0, {}};
  const std::size_t slot = free_.back();
  free_.pop_back();
  slots_[slot] = recipient.id;
  auto bytes = to_bytes({recipient.id, entry.id, dsn_passed, print_of(entry, recipient)});
  if (mapping_) {
    char* const place = mapping_.get() + slot * note_octets;
    set_check(place, 0);  // what an earlier note left here ends first
    std::memcpy(place, bytes.data(), checked_octets);
  }
  return {this, slot, std::move(bytes)};
}

void Taken::Draft::confirm() {
  if (owner_ == nullptr) return;
  Taken& owner = *owner_;
  if (owner.mapping_) {
    set_check(owner.mapping_.get() + slot_ * note_octets, number_at(bytes_, checked_octets / sizeof(std::uint64_t)));
  } else if (!owner.write(slot_, bytes_)) {
    return;
  }
  owner_ = nullptr;
}

Taken::Draft::~Draft() {
  if (owner_ == nullptr) return;
  owner_->slots_[slot_] = 0;
  owner_->free_.push_back(slot_);
}

bool Taken::write(std::size_t slot, const std::string& bytes) {
  const auto written = write_all_at(file_.get(), bytes, slot * note_octets);
  if (!written && !complained_) log_.warning("queue", "no_note", {{"text", written.error().text}});
  complained_ = !written;
  return written.has_value();
}

void Taken::settle(store::QueueRecipientId recipient) {
  const auto at = std::ranges::find(slots_, recipient);
  if (at == slots_.end()) return;
  *at = 0;
  free_.push_back(static_cast<std::size_t>(at - slots_.begin()));
}

std::vector<Taken::Note> Taken::take_left() { return std::exchange(left_, {}); }

bool Taken::speaks_for(const Note& note, const store::QueueEntry& entry, const store::QueueRecipient& recipient) {
  return note.recipient == recipient.id && note.entry == entry.id && note.print == print_of(entry, recipient);
}

}  // namespace postern::queue
