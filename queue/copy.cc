// SPDX-License-Identifier: Apache-2.0
#include "queue/copy.h"

namespace postern::queue {

namespace {

constexpr std::size_t read_step = 64 * 1024;

}  // namespace

async::Task<Result<store::BodyPtr>> copy_message(store::Store& store, store::QueueId entry) {
  auto reader = co_await store.queue().body(entry);
  if (!reader) co_return std::unexpected(reader.error());
  const auto spool = store.spool();
  for (std::uint64_t at = 0; at < (*reader)->size();) {
    const auto piece = co_await (*reader)->read(at, read_step);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return fail(ErrorKind::io, "the message ended before its size");
    at += piece->size();
    if (auto written = spool->write(*piece); !written) co_return std::unexpected(written.error());
  }
  co_return spool->finish();
}

async::Task<Result<>> carry_over(store::Store& store, const store::QueueEntry& entry, Arrival& arrival) {
  auto body = co_await copy_message(store, entry.id);
  if (!body) co_return std::unexpected(body.error());
  arrival.body = std::move(*body);
  arrival.envelope.sender = entry.sender;
  arrival.envelope.body = entry.body_type;
  arrival.envelope.smtputf8 = entry.smtputf8;
  arrival.envelope.require_tls = entry.require_tls;
  arrival.envelope.ret = entry.ret;
  arrival.envelope.envid = entry.envid;
  arrival.account = entry.account;
  arrival.bounce = entry.bounce;
  co_return Result<>();
}

}  // namespace postern::queue
