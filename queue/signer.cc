// SPDX-License-Identifier: Apache-2.0
#include "queue/signer.h"

#include "async/executor.h"
#include "config/way_out.h"
#include "mime/header.h"
#include "policy/author.h"
#include "policy/dkim_book.h"
#include "policy/dkim_sign.h"

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

}  // namespace

Signer::Signer(Parts parts)
    : parts_(parts),
      signed_(parts.metrics.counter("postern_dkim_signatures_total", "DKIM signatures by result", {{"result", "signed"}})),
      failed_(parts.metrics.counter("postern_dkim_signatures_total", "DKIM signatures by result", {{"result", "failed"}})) {}

async::Task<Result<std::string>> Signer::sign(store::BodyPtr body) const {
  if (!parts_.config.get()->way_out->dkim.sign) co_return std::string();
  Result<std::string> read;
  if (body->descriptor() >= 0) read = read_range(*body, 0, mime::max_header_block);
  if (!read) co_return std::unexpected(read.error());
  const std::string_view start = body->descriptor() >= 0 ? std::string_view(*read) : body->memory();
  const auto end = mime::find_header_end(start);
  const std::string header(start.substr(0, end.fields_end));
  const auto author = policy::read_author(header);
  if (!author.is_clear() || author.domains.empty()) co_return std::string();
  const auto keys = parts_.book.signing_keys(author.domains.front());
  if (keys.empty()) co_return std::string();
  const auto digest = co_await hash_body(*body, end.body_begin);
  if (!digest) co_return std::unexpected(digest.error());
  std::string out;
  for (const auto& key : keys) {
    policy::DkimSigning signing{.domain = key.domain, .selector = key.selector, .key_id = key.name(), .agent = {}};
    signing.signed_at = parts_.clock.unix_now();
    const auto field = co_await policy::sign_dkim(parts_.book, std::move(signing), header, *digest);
    if (field) out += *field;
    (field ? signed_ : failed_).add();
    if (!field) parts_.log.error("dkim", "not_signed", {{"key", key.name()}, {"text", field.error().text}});
  }
  co_return out;
}

}  // namespace postern::queue
