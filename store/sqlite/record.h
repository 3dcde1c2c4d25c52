// SPDX-License-Identifier: Apache-2.0
// The record of one body in a segment file. All numbers little-endian.
//
//   header  40 octets: magic "PMSG" · version u8 · codec u8 · kind u8 · key u8 · arrival length u32 · check u32 ·
//           stored length u64 · original length u64 · XXH3-64 of the stored body u64
//   arrival text lines: what is needed to rebuild an index from segments alone (docs/store.md)
//   body    the stored bytes
//
// A segment of many records holds header, arrival, body one after the other. A segment of one record holds body, arrival,
// header, so that the received file becomes the segment without being copied.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/store.h"

namespace postern::store::sqlite {

/// raw: the body. zstd: one frame. frames: independent frames and their seek table (store/sqlite/codec.h).
enum class Codec : std::uint8_t { raw = 0, zstd = 1, frames = 2 };
enum class RecordKind : std::uint8_t { shared = 0, single = 1 };

struct RecordHeader {
  static constexpr std::size_t size = 40;
  static constexpr std::uint8_t version = 1;
  Codec codec = Codec::raw;
  RecordKind kind = RecordKind::shared;
  std::uint32_t arrival_length = 0;
  std::uint64_t stored_length = 0;
  std::uint64_t original_length = 0;
  std::uint64_t checksum = 0;
};

using HeaderBytes = std::array<char, RecordHeader::size>;
HeaderBytes encode(const RecordHeader& header, std::string_view arrival);
/// Nothing when magic, version or check are wrong; `arrival` must have the header's length to check it.
std::optional<RecordHeader> decode(std::string_view bytes);

std::uint64_t checksum(std::string_view bytes);
/// The same over a stream.
class Checksum {
 public:
  Checksum();
  ~Checksum();
  Checksum(const Checksum&) = delete;
  void add(std::string_view bytes);
  std::uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "date 1800000000\nto 12 0 INBOX\nfrom <a@b>\nrcpt c@d\n"
std::string arrival_text(const Acceptance& acceptance);
std::string arrival_text(AccountId account, MailboxId mailbox, const NewMessage& message);

}  // namespace postern::store::sqlite
