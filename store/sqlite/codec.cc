// SPDX-License-Identifier: Apache-2.0
// zstd through its streaming and one-shot calls; the seek table by hand, for Debian's library does not hold it.
#include "store/sqlite/codec.h"

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <new>

namespace postern::store::sqlite {

namespace {

// contrib/seekable_format/zstd_seekable_compression_format.md
constexpr std::uint32_t skippable_magic = 0x184D2A5E;
constexpr std::uint32_t seekable_magic = 0x8F92EAB1;
constexpr unsigned char has_checksums = 0x80;
constexpr std::size_t skippable_header = 8;
constexpr std::size_t entry_size = 12;
/// A body of a terabyte.
constexpr std::uint32_t max_frames = 1u << 22;

std::unexpected<Error> damaged() { return fail(ErrorKind::corrupt, "compressed octets are damaged"); }

void put32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift);
}

std::uint32_t get32(std::string_view in, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(in[at + i])} << (8 * i);
  return value;
}

std::uint32_t sum_of(std::string_view original) { return static_cast<std::uint32_t>(XXH64(original.data(), original.size(), 0)); }

}  // namespace

/// Both directions; each is made when first used.
struct Codecs::Contexts {
  ~Contexts() {
    ZSTD_freeCCtx(compress);
    ZSTD_freeDCtx(expand);
  }
  ZSTD_CCtx* compressor() {
    if (!compress) compress = ZSTD_createCCtx();
    if (!compress) throw std::bad_alloc();
    return compress;
  }
  ZSTD_DCtx* expander() {
    if (!expand) expand = ZSTD_createDCtx();
    if (!expand) throw std::bad_alloc();
    return expand;
  }
  ZSTD_CCtx* compress = nullptr;
  ZSTD_DCtx* expand = nullptr;
  /// For a frame before its size is known.
  std::unique_ptr<char[]> frame = std::make_unique_for_overwrite<char[]>(frame_room);
  static constexpr std::size_t frame_room = ZSTD_COMPRESSBOUND(frame_bytes);
};

/// Contexts for the time of one call.
class Codecs::Loan {
 public:
  explicit Loan(Codecs& owner) : owner_(owner) {
    const std::lock_guard lock(owner_.mutex_);
    if (owner_.free_.empty()) {
      contexts_ = std::make_unique<Contexts>();
    } else {
      contexts_ = std::move(owner_.free_.back());
      owner_.free_.pop_back();
    }
  }
  ~Loan() {
    const std::lock_guard lock(owner_.mutex_);
    owner_.free_.push_back(std::move(contexts_));
  }
  Loan(const Loan&) = delete;
  Contexts* operator->() const { return contexts_.get(); }

 private:
  Codecs& owner_;
  std::unique_ptr<Contexts> contexts_;
};

Codecs::Codecs() = default;
Codecs::~Codecs() = default;

/// The frame lies in `room`, or in the loan's own when the bytes are few, until the next call.
std::string_view Codecs::compress_into(const Loan& loan, std::string_view bytes, std::string& room) {
  char* out = loan->frame.get();
  std::size_t size = Contexts::frame_room;
  if (bytes.size() > frame_bytes) {
    room.resize(ZSTD_compressBound(bytes.size()));
    out = room.data();
    size = room.size();
  }
  size = ZSTD_compressCCtx(loan->compressor(), out, size, bytes.data(), bytes.size(), zstd_level);
  if (ZSTD_isError(size)) throw std::bad_alloc();  // with room for the worst case nothing else can go wrong
  return {out, size};
}

std::string Codecs::compress(std::string_view bytes) {
  const Loan loan(*this);
  std::string room;
  return std::string(compress_into(loan, bytes, room));
}

std::optional<std::string> Codecs::shrink(std::string_view bytes) {
  if (bytes.size() < min_compressed) return std::nullopt;
  const Loan loan(*this);
  std::string room;
  const std::string_view frame = compress_into(loan, bytes, room);
  if (!is_worth_it(bytes.size(), frame.size())) return std::nullopt;
  return std::string(frame);
}

Result<> Codecs::expand(std::string_view frame, std::span<char> out) {
  const Loan loan(*this);
  const auto whole = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (whole == out.size()) {
    const std::size_t n = ZSTD_decompressDCtx(loan->expander(), out.data(), out.size(), frame.data(), frame.size());
    return ZSTD_isError(n) || n != out.size() ? Result<>(damaged()) : Result<>();
  }
  // Only the beginning is wanted.
  ZSTD_DCtx_reset(loan->expander(), ZSTD_reset_session_only);
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  while (to.pos < to.size) {
    const std::size_t before = to.pos + in.pos;
    const std::size_t left = ZSTD_decompressStream(loan->expander(), &to, &in);
    if (ZSTD_isError(left) || (to.pos < to.size && (left == 0 || before == to.pos + in.pos))) return damaged();
  }
  return {};
}

void FrameTable::add(std::string_view frame, std::string_view original) {
  frames_.push_back({stored_size(), original_size(), static_cast<std::uint32_t>(frame.size()),
                     static_cast<std::uint32_t>(original.size()), sum_of(original)});
}

std::size_t FrameTable::frame_of(std::uint64_t original_at) const {
  const auto after = std::upper_bound(frames_.begin(), frames_.end(), original_at,
                                      [](std::uint64_t at, const Frame& frame) { return at < frame.original_at; });
  return static_cast<std::size_t>(after - frames_.begin()) - 1;
}

std::string FrameTable::to_bytes() const {
  std::string out;
  out.reserve(skippable_header + frames_.size() * entry_size + footer_size);
  put32(out, skippable_magic);
  put32(out, static_cast<std::uint32_t>(frames_.size() * entry_size + footer_size));
  for (const Frame& frame : frames_) {
    put32(out, frame.stored);
    put32(out, frame.original);
    put32(out, frame.sum);
  }
  put32(out, static_cast<std::uint32_t>(frames_.size()));
  out += static_cast<char>(has_checksums);
  put32(out, seekable_magic);
  return out;
}

Result<std::size_t> FrameTable::size_of(std::string_view footer) {
  if (footer.size() != footer_size || get32(footer, 5) != seekable_magic) return damaged();
  const std::uint32_t count = get32(footer, 0);
  if (static_cast<unsigned char>(footer[4]) != has_checksums || count > max_frames) return damaged();
  return skippable_header + count * entry_size + footer_size;
}

Result<FrameTable> FrameTable::parse(std::string_view bytes) {
  if (bytes.size() < skippable_header + footer_size) return damaged();
  const auto size = size_of(bytes.substr(bytes.size() - footer_size));
  if (!size || *size != bytes.size() || get32(bytes, 0) != skippable_magic || get32(bytes, 4) != *size - skippable_header) {
    return damaged();
  }
  FrameTable table;
  for (std::size_t at = skippable_header; at + footer_size < bytes.size(); at += entry_size) {
    const Frame frame{table.stored_size(), table.original_size(), get32(bytes, at), get32(bytes, at + 4), get32(bytes, at + 8)};
    if (frame.original == 0 || frame.original > frame_bytes || frame.stored > ZSTD_compressBound(frame_bytes)) return damaged();
    table.frames_.push_back(frame);
  }
  return table;
}

bool FrameTable::matches(const Frame& frame, std::string_view original) { return sum_of(original) == frame.sum; }

}  // namespace postern::store::sqlite
