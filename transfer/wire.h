// SPDX-License-Identifier: Apache-2.0
// How a Box is spoken about on a stream: blocks (four octets of length, little-endian, then the content), and the octets of
// message bodies behind the block that announces them. Requests and answers follow one another strictly.
//
//   request  → one block: operation, arguments. append: then for each message a block (its marks, its structure, the length of
//              its body) and the body.
//   answer   → one block: 0 and the values, or 1, the kind of error and its text. listing: then blocks of rows. read: then for
//              each message a block ('M', UID, date, length) and its octets, or ('L', UID, reason); 'E' ends them.
//
// Both ends belong to the same release: the socket is the admin's, and nothing here outlives a command. Every length is checked
// against a named limit before it is used all the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/connection.h"
#include "transfer/box.h"

namespace postern::transfer::wire {

/// Largest block; the structure of a message with a thousand parts fits many times.
inline constexpr std::size_t max_block = 16 * 1024 * 1024;
inline constexpr std::size_t max_text = 8 * 1024 * 1024;  ///< one text in a block
inline constexpr std::size_t max_list = 100'000;          ///< entries of one list
inline constexpr std::size_t rows_a_block = 50'000;

enum class Operation : std::uint8_t { login = 1, folders, subscriptions, quota, make, subscribe, known, append, listing, read };
enum class Item : std::uint8_t { message = 'M', lost = 'L', end = 'E' };

/// Builds a block, or several one after the other.
class Packer {
 public:
  /// Begins a block; end() writes its length.
  void begin();
  void end();
  void u8(std::uint8_t value) { out_ += static_cast<char>(value); }
  void u32(std::uint32_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void text(std::string_view value);
  /// Octets that belong to no block.
  void raw(std::string_view bytes) { out_ += bytes; }
  std::size_t size() const { return out_.size(); }
  std::string take() { return std::exchange(out_, {}); }

 private:
  void number(std::uint64_t value, int octets);
  std::string out_;
  std::size_t begin_ = 0;
};

/// Reads a block's content. After the first value that is not there or beyond its limit everything is zero and ok() is false.
class Unpacker {
 public:
  explicit Unpacker(std::string_view block) : rest_(block) {}
  bool ok() const { return ok_; }
  /// All was read, and nothing is left.
  bool done() const { return ok_ && rest_.empty(); }
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  std::string_view text();
  /// The length of a list whose entries have at least so many octets each.
  std::size_t count(std::size_t entry_octets);

 private:
  std::uint64_t number(std::size_t octets);
  std::string_view rest_;
  bool ok_ = true;
};

void pack(Packer& out, const BoxFolder& folder);
BoxFolder unpack_folder(Unpacker& in);
void pack(Packer& out, const store::Quota& quota);
store::Quota unpack_quota(Unpacker& in);
/// Everything of a message but its body, whose length comes last.
void pack(Packer& out, const store::NewMessage& message);
/// Gives the length of the body; the message's body is empty.
std::uint64_t unpack_message(Unpacker& in, store::NewMessage& message);
void pack_error(Packer& out, const Error& error);
/// After the 1 of a failed answer.
Error unpack_error(Unpacker& in);

/// One block. Errors: those of the connection; invalid when it is too long.
Task<Result<std::string>> read_block(net::Connection& stream);
/// So many octets into the spool.
Task<Result<>> read_body(net::Connection& stream, std::uint64_t size, store::Spool& spool);
std::unexpected<Error> malformed();

}  // namespace postern::transfer::wire
