// SPDX-License-Identifier: Apache-2.0
#include "transfer/wire.h"

#include "transfer/intake.h"

namespace postern::transfer::wire {

namespace {

constexpr std::size_t length_octets = 4;
constexpr std::size_t body_piece = 256 * 1024;
constexpr std::uint8_t last_error_kind = static_cast<std::uint8_t>(ErrorKind::internal);

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) out = out << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return out;
}

}  // namespace

void Packer::number(std::uint64_t value, int octets) {
  for (int i = 0; i < octets; ++i) out_ += static_cast<char>(value >> (8 * i));
}

void Packer::begin() {
  begin_ = out_.size();
  out_.append(length_octets, '\0');
}

void Packer::end() {
  const auto length = out_.size() - begin_ - length_octets;
  for (std::size_t i = 0; i < length_octets; ++i) out_[begin_ + i] = static_cast<char>(length >> (8 * i));
}

void Packer::text(std::string_view value) {
  u32(static_cast<std::uint32_t>(value.size()));
  out_ += value;
}

std::uint64_t Unpacker::number(std::size_t octets) {
  ok_ = ok_ && rest_.size() >= octets;
  if (!ok_) return 0;
  const auto value = little_endian(rest_.substr(0, octets));
  rest_.remove_prefix(octets);
  return value;
}

std::string_view Unpacker::text() {
  const std::size_t size = u32();
  ok_ = ok_ && size <= max_text && size <= rest_.size();
  if (!ok_) return {};
  const auto value = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return value;
}

std::size_t Unpacker::count(std::size_t entry_octets) {
  const std::size_t value = u32();
  ok_ = ok_ && value <= max_list && value * entry_octets <= rest_.size();
  return ok_ ? value : 0;
}

void pack(Packer& out, const BoxFolder& folder) {
  out.u32(folder.id);
  out.text(folder.name);
  out.u8(static_cast<std::uint8_t>(folder.use));
  out.u32(folder.uidvalidity);
  out.u32(folder.uidnext);
  out.u64(folder.messages);
  out.u64(folder.bytes);
  out.u32(static_cast<std::uint32_t>(folder.keywords.size()));
  for (const auto& keyword : folder.keywords) out.text(keyword);
}

BoxFolder unpack_folder(Unpacker& in) {
  BoxFolder out;
  out.id = in.u32();
  out.name = in.text();
  const auto use = in.u8();
  if (use <= static_cast<std::uint8_t>(store::SpecialUse::flagged)) out.use = static_cast<store::SpecialUse>(use);
  out.uidvalidity = in.u32();
  out.uidnext = in.u32();
  out.messages = in.u64();
  out.bytes = in.u64();
  const auto keywords = in.count(length_octets);
  for (std::size_t i = 0; i < keywords; ++i) out.keywords.emplace_back(in.text());
  return out;
}

void pack(Packer& out, const store::Quota& quota) {
  for (const auto value : {quota.used_bytes, quota.used_messages, quota.limit_bytes, quota.limit_messages}) out.u64(value);
}

store::Quota unpack_quota(Unpacker& in) {
  store::Quota out;
  out.used_bytes = in.u64();
  out.used_messages = in.u64();
  out.limit_bytes = in.u64();
  out.limit_messages = in.u64();
  return out;
}

void pack(Packer& out, const store::NewMessage& message) {
  out.text(message.import ? std::string_view(message.import->key) : std::string_view());
  out.u8(message.import && message.import->beyond_quota ? 1 : 0);
  out.u64(message.flags);
  out.u64(static_cast<std::uint64_t>(message.internal_date));
  out.u32(static_cast<std::uint32_t>(message.keywords.size()));
  for (const auto& keyword : message.keywords) out.text(keyword);
  out.text(message.meta.envelope);
  out.text(message.meta.bodystructure);
  out.text(message.meta.parts);
  out.u64(message.body->size());
}

std::uint64_t unpack_message(Unpacker& in, store::NewMessage& message) {
  const auto key = in.text();
  const bool beyond = in.u8() != 0;
  if (!key.empty()) message.import = store::ImportMark{std::string(key), beyond};
  message.flags = in.u64() & store::flag::system_mask;
  message.internal_date = static_cast<UnixTime>(in.u64());
  const auto keywords = in.count(length_octets);
  for (std::size_t i = 0; i < keywords; ++i) message.keywords.emplace_back(in.text());
  message.meta.envelope = in.text();
  message.meta.bodystructure = in.text();
  message.meta.parts = in.text();
  return in.u64();
}

void pack_error(Packer& out, const Error& error) {
  out.u8(1);
  out.u8(static_cast<std::uint8_t>(error.kind));
  out.text(error.text);
}

Error unpack_error(Unpacker& in) {
  const auto kind = in.u8();
  Error out{ErrorKind::internal, std::string(in.text())};
  if (kind <= last_error_kind) out.kind = static_cast<ErrorKind>(kind);
  return out;
}

std::unexpected<Error> malformed() { return fail(ErrorKind::invalid, "malformed exchange on the control socket"); }

Task<Result<std::string>> read_block(net::Connection& stream) {
  std::string length;
  if (auto read = co_await stream.read_exactly(length_octets, length); !read) co_return std::unexpected(read.error());
  const auto size = little_endian(length);
  if (size == 0 || size > max_block) co_return malformed();
  std::string block;
  block.reserve(size);
  if (auto read = co_await stream.read_exactly(size, block); !read) co_return std::unexpected(read.error());
  co_return block;
}

Task<Result<>> read_body(net::Connection& stream, std::uint64_t size, store::Spool& spool) {
  if (size == 0 || size > max_message_octets) co_return malformed();
  while (size > 0) {
    const auto piece = co_await stream.read_chunk(static_cast<std::size_t>(std::min<std::uint64_t>(size, body_piece)));
    if (!piece) co_return std::unexpected(piece.error());
    size -= piece->size();
    if (auto written = spool.write(*piece); !written) co_return written;
  }
  co_return Result<>();
}

}  // namespace postern::transfer::wire
