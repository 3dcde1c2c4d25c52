// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/record.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

namespace postern::store::sqlite {

namespace {

constexpr std::string_view magic = "PMSG";
constexpr std::size_t check_offset = 12;

template <class T>
void put(HeaderBytes& out, std::size_t at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out[at + i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}

template <class T>
T get(std::string_view in, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= std::uint64_t{static_cast<unsigned char>(in[at + i])} << (8 * i);
  return static_cast<T>(value);
}

/// Over the header with its check field zero.
std::uint32_t header_check(HeaderBytes bytes) {
  put<std::uint32_t>(bytes, check_offset, 0);
  return static_cast<std::uint32_t>(XXH3_64bits(bytes.data(), bytes.size()));
}

}  // namespace

HeaderBytes encode(const RecordHeader& header, std::string_view arrival) {
  HeaderBytes out{};
  std::memcpy(out.data(), magic.data(), magic.size());
  put<std::uint8_t>(out, 4, RecordHeader::version);
  put<std::uint8_t>(out, 5, static_cast<std::uint8_t>(header.codec));
  put<std::uint8_t>(out, 6, static_cast<std::uint8_t>(header.kind));
  put<std::uint32_t>(out, 8, static_cast<std::uint32_t>(arrival.size()));
  put(out, 16, header.stored_length);
  put(out, 24, header.original_length);
  put(out, 32, header.checksum);
  put(out, check_offset, header_check(out));
  return out;
}

std::optional<RecordHeader> decode(std::string_view bytes) {
  if (bytes.size() < RecordHeader::size || !bytes.starts_with(magic)) return std::nullopt;
  HeaderBytes copy{};
  std::memcpy(copy.data(), bytes.data(), copy.size());
  if (get<std::uint8_t>(bytes, 4) != RecordHeader::version) return std::nullopt;
  if (get<std::uint32_t>(bytes, check_offset) != header_check(copy)) return std::nullopt;
  RecordHeader header;
  header.codec = static_cast<Codec>(get<std::uint8_t>(bytes, 5));
  header.kind = static_cast<RecordKind>(get<std::uint8_t>(bytes, 6));
  header.arrival_length = get<std::uint32_t>(bytes, 8);
  header.stored_length = get<std::uint64_t>(bytes, 16);
  header.original_length = get<std::uint64_t>(bytes, 24);
  header.checksum = get<std::uint64_t>(bytes, 32);
  return header;
}

std::uint64_t checksum(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

struct Checksum::State {
  XXH3_state_t hash;
};
Checksum::Checksum() : state_(std::make_unique<State>()) { XXH3_64bits_reset(&state_->hash); }
Checksum::~Checksum() = default;
void Checksum::add(std::string_view bytes) { XXH3_64bits_update(&state_->hash, bytes.data(), bytes.size()); }
std::uint64_t Checksum::value() const { return XXH3_64bits_digest(&state_->hash); }

std::string arrival_text(const Acceptance& acceptance) {
  std::string out = fmt::format("date {}\n", acceptance.internal_date);
  auto at = std::back_inserter(out);
  for (const auto& to : acceptance.deliveries) fmt::format_to(at, "to {} {} {}\n", to.account, to.flags, to.mailbox);
  if (acceptance.enqueue) {
    fmt::format_to(at, "from {}\n", mail::to_string(acceptance.enqueue->sender));
    for (const auto& to : acceptance.enqueue->recipients) fmt::format_to(at, "rcpt {}\n", to.recipient.address.to_string());
  }
  return out;
}

std::string arrival_text(AccountId account, MailboxId mailbox, const NewMessage& message) {
  return fmt::format("date {}\nin {} {} {}\n", message.internal_date, account, message.flags, mailbox);
}

}  // namespace postern::store::sqlite
