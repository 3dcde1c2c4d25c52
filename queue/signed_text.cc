// SPDX-License-Identifier: Apache-2.0
#include "queue/signed_text.h"

#include "async/executor.h"
#include "mime/header.h"
#include "policy/dkim_canonical.h"

namespace postern::queue {

namespace {

constexpr std::size_t read_step = 64 * 1024;        ///< octets read at once from a body in a file
constexpr std::uint64_t yield_every = 1024 * 1024;  ///< octets hashed between turns for others

/// The octets at `from` of a body in a file, at most `most`; fewer only at the end.
Result<std::string> read_range(const store::Body& body, std::uint64_t from, std::size_t most) {
  std::string out(static_cast<std::size_t>(std::min<std::uint64_t>(most, body.size() - from)), '\0');
  for (std::size_t filled = 0; filled < out.size();) {
    const auto got = body.read(from + filled, std::span(out).subspan(filled));
    if (!got) return std::unexpected(got.error());
    if (*got == 0) return fail(ErrorKind::io, "a received body ended before its size");
    filled += *got;
  }
  return out;
}

/// SHA-256 of the relaxed body behind `from`.
async::Task<Result<std::string>> hash_body(const store::Body& body, std::uint64_t from) {
  policy::BodyHash hash(policy::Canonical::relaxed, std::nullopt);
  for (std::uint64_t at = from, turn = from + yield_every; at < body.size();) {
    Result<std::string> read;
    if (body.descriptor() >= 0) read = read_range(body, at, read_step);
    if (!read) co_return std::unexpected(read.error());
    const std::string_view piece = body.descriptor() >= 0 ? std::string_view(*read) : body.memory().substr(at, yield_every);
    hash.feed(piece);
    at += piece.size();
    if (at < turn) continue;
    turn += yield_every;
    co_await async::yield();
  }
  co_return hash.finish();
}

/// Where the header of a body ends, and its octets; `kept` holds them when the body is in a file.
Result<mime::HeaderEnd> find_end(const store::Body& body, std::string& kept, std::string_view& start) {
  if (body.descriptor() >= 0) {
    auto read = read_range(body, 0, mime::max_header_block);
    if (!read) return std::unexpected(read.error());
    kept = std::move(*read);
  }
  start = body.descriptor() >= 0 ? std::string_view(kept) : body.memory();
  return mime::find_header_end(start);
}

}  // namespace

Result<std::string> read_signed_header(const store::Body& body) {
  std::string kept;
  std::string_view start;
  const auto end = find_end(body, kept, start);
  if (!end) return std::unexpected(end.error());
  return std::string(start.substr(0, end->fields_end));
}

async::Task<Result<SignedText>> read_signed_text(store::BodyPtr body) {
  std::string kept;
  std::string_view start;
  const auto end = find_end(*body, kept, start);
  if (!end) co_return std::unexpected(end.error());
  SignedText out{std::string(start.substr(0, end->fields_end)), {}};
  auto digest = co_await hash_body(*body, end->body_begin);
  if (!digest) co_return std::unexpected(digest.error());
  out.digest = std::move(*digest);
  co_return out;
}

}  // namespace postern::queue
