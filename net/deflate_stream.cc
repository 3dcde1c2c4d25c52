// SPDX-License-Identifier: Apache-2.0
// Compression as attempts that never block: what is compressed waits in out_ until the inner stream has taken it, what was
// received waits in in_ until it is decompressed.
#include "net/deflate_stream.h"

#include <zlib.h>

#include <algorithm>
#include <array>

namespace postern::net {
namespace {

/// Octets compressed by one write; each ends with a flush, so that the peer can read all of it.
constexpr std::size_t write_piece = 64 * 1024;
/// Octets taken from the inner stream at once.
constexpr std::size_t read_piece = 4 * 1024;
/// A window of 8 KiB and small tables: 64 KiB for the compressor instead of 256.
constexpr int compress_level = 4;
constexpr int compress_window = -13;
constexpr int compress_memory = 6;
/// RFC 4978 §4: the peer may use the largest window.
constexpr int expand_window = -15;
/// What the compressor may add to a piece, the flush included.
constexpr std::size_t growth = 1024;

class DeflateStream final : public Stream {
 public:
  explicit DeflateStream(std::unique_ptr<Stream> inner) : inner_(std::move(inner)) {
    const bool good =
        ::deflateInit2(&compressor_, compress_level, Z_DEFLATED, compress_window, compress_memory, Z_DEFAULT_STRATEGY) == Z_OK;
    const bool ready = ::inflateInit2(&expander_, expand_window) == Z_OK;
    if (!good || !ready) throw std::bad_alloc();
  }
  ~DeflateStream() override {
    ::deflateEnd(&compressor_);
    ::inflateEnd(&expander_);
  }
  DeflateStream(const DeflateStream&) = delete;

  IoAttempt try_read(std::span<char> into) override {
    for (;;) {
      if (ended_) return {IoState::failed, 0};
      if (const auto got = expand(into); got != 0) return admit(got);
      if (ended_) return {IoState::failed, 0};
      if (in_begin_ < in_end_) continue;
      const auto attempt = inner_->try_read(in_);
      if (attempt.state != IoState::done) return attempt;
      in_begin_ = 0;
      in_end_ = attempt.bytes;
      received_ += attempt.bytes;
    }
  }

  IoAttempt try_write(std::string_view bytes) override {
    if (taken_ == 0) compress(bytes.substr(0, write_piece));
    while (out_begin_ < out_.size()) {
      const auto attempt = inner_->try_write(std::string_view(out_).substr(out_begin_));
      if (attempt.state != IoState::done) return attempt;
      out_begin_ += attempt.bytes;
    }
    std::string().swap(out_);
    out_begin_ = 0;
    return {IoState::done, std::exchange(taken_, 0)};
  }

  async::Task<bool> wait(IoState want) override { return inner_->wait(want); }
  void interrupt() override { inner_->interrupt(); }
  void end_output() override { inner_->end_output(); }
  std::string last_error() const override { return error_.empty() ? inner_->last_error() : error_; }
  const TlsInfo* tls() const override { return inner_->tls(); }
  int descriptor() const override { return inner_->descriptor(); }
  async::Executor executor() const override { return inner_->executor(); }

 private:
  void fail(std::string_view why) {
    error_ = why;
    ended_ = true;
  }

  /// Decompresses what lies in in_, as far as there is room; gives the octets written.
  std::size_t expand(std::span<char> into) {
    // Data may still come out of zlib when its output was full the last time.
    if (in_begin_ == in_end_ && !more_inside_) return 0;
    expander_.next_in = reinterpret_cast<Bytef*>(in_.data() + in_begin_);
    expander_.avail_in = static_cast<uInt>(in_end_ - in_begin_);
    expander_.next_out = reinterpret_cast<Bytef*>(into.data());
    expander_.avail_out = static_cast<uInt>(std::min<std::size_t>(into.size(), write_piece));
    const auto room = expander_.avail_out;
    const int state = ::inflate(&expander_, Z_SYNC_FLUSH);
    in_begin_ = in_end_ - expander_.avail_in;
    more_inside_ = expander_.avail_out == 0;
    if (state == Z_STREAM_END) fail("the peer ended its compressed stream");
    if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) fail("broken compressed data");
    return room - expander_.avail_out;
  }

  // security.md D87
  IoAttempt admit(std::size_t got) {
    expanded_ += got;
    if (expanded_ > free_octets && expanded_ / max_ratio > received_) {
      fail("compressed data grows too much");
      return {IoState::failed, 0};
    }
    return {IoState::done, got};
  }

  void compress(std::string_view bytes) {
    taken_ = bytes.size();
    out_.resize(::deflateBound(&compressor_, static_cast<uLong>(bytes.size())) + growth);
    compressor_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    compressor_.avail_in = static_cast<uInt>(bytes.size());
    compressor_.next_out = reinterpret_cast<Bytef*>(out_.data());
    compressor_.avail_out = static_cast<uInt>(out_.size());
    ::deflate(&compressor_, Z_SYNC_FLUSH);
    out_.resize(out_.size() - compressor_.avail_out);
    out_begin_ = 0;
  }

  std::unique_ptr<Stream> inner_;
  z_stream compressor_{};
  z_stream expander_{};
  std::array<char, read_piece> in_{};
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  bool more_inside_ = false;
  std::string out_;
  std::size_t out_begin_ = 0;
  std::size_t taken_ = 0;  ///< octets of the caller that out_ stands for
  std::uint64_t received_ = 0;
  std::uint64_t expanded_ = 0;
  std::string error_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Stream> make_deflate_stream(std::unique_ptr<Stream> inner) {
  return std::make_unique<DeflateStream>(std::move(inner));
}

}  // namespace postern::net
