// SPDX-License-Identifier: Apache-2.0
// BDAT (RFC 3030): a chunk of the message, counted instead of dotted (security.md D5).
#include <algorithm>

#include "async/executor.h"
#include "smtp/commands.h"

namespace postern::smtp {
namespace {

namespace status = mail::status;

/// Octets taken from the connection at once.
constexpr std::size_t piece = 64 * 1024;
/// Octets until others get their turn.
constexpr std::uint64_t turn = 1024 * 1024;

/// Reads the chunk to its end, handing pieces to the intake when there is one. Error: the connection is over.
async::Task<Result<>> take_chunk(net::Connection& connection, std::uint64_t size, Intake* intake) {
  while (size > 0) {
    if (connection.buffered().empty()) {
      const auto flushed = co_await connection.flush();
      if (!flushed) co_return std::unexpected(flushed.error());
    }
    const auto bytes = co_await connection.read_chunk(static_cast<std::size_t>(std::min<std::uint64_t>(size, piece)));
    if (!bytes) co_return std::unexpected(bytes.error());
    const auto before = size / turn;
    size -= bytes->size();
    if (intake != nullptr) intake->write(*bytes);
    if (size / turn != before) co_await async::yield();
  }
  co_return Result<>{};
}

Refusal check_order(const Conversation& talk) {
  if (talk.helo.empty()) return reply(status::bad_sequence, "Say EHLO first");
  if (!talk.transaction) return reply(status::bad_sequence, "Say MAIL first");
  if (talk.transaction->envelope.recipients.empty()) return reply(status::no_valid_recipients);
  return std::nullopt;
}

net::TransferLimits transfer_limits(const config::Limits& limits) {
  net::TransferLimits out;
  out.minimum_rate = limits.data_min_rate;
  out.total = limits.data_total;
  return out;
}

}  // namespace

async::Task<Reply> run_bdat(Context& context, std::string_view arguments) {
  auto& talk = context.talk;
  const auto parsed = parse_bdat(arguments);
  // Without a size nobody knows where the next command begins; above the limit nobody waits for it.
  if (!parsed) co_return closing(parsed.error());
  if (parsed->size > talk.config->limits.message_bytes) co_return closing(status::message_too_large);
  if (parsed->size == 0 && !parsed->last) ++talk.tally.junk;
  auto refused = check_order(talk);
  // Many small chunks do not make more time (RFC 5321 §4.5.3.2).
  const bool late = !refused && talk.transaction->chunking && std::chrono::steady_clock::now() > talk.transaction->content_end;
  if (late) co_return closing(status::timed_out);
  if (!refused && !talk.transaction->chunking) {
    begin_content(context);
    talk.transaction->chunking = true;
  }
  talk.connection.begin_transfer(transfer_limits(talk.config->limits));
  const auto taken = co_await take_chunk(talk.connection, parsed->size, refused ? nullptr : talk.transaction->intake.get());
  talk.connection.end_transfer();
  if (!taken) co_return closing(taken.error().kind == ErrorKind::timeout ? status::timed_out : status::local_error);
  if (refused) co_return std::move(*refused);
  // RFC 3030 §2: a failed chunk ends the transaction at once; what was pipelined behind it gets 503.
  if (parsed->last || talk.transaction->intake->refused()) co_return co_await finish_message(context);
  co_return reply(status::chunk_ok);
}

}  // namespace postern::smtp
