// SPDX-License-Identifier: Apache-2.0
// Notices: who gets them, and how much of the message they return.
#include "queue/bounce.h"

#include "base/ascii.h"
#include "mime/date.h"
#include "mime/header.h"
#include "queue/decision.h"
#include "queue/forwarding.h"

namespace postern::queue {

namespace {

/// Largest message that is returned whole when the sender did not say what it wants, and when it asked for all of it.
constexpr std::uint64_t whole_unasked = 64 * 1024;
constexpr std::uint64_t whole_asked = 1024 * 1024;
constexpr std::size_t read_step = 64 * 1024;

// RFC 3461 §4.3: RET governs notices of failure; others return the header only.
bool return_whole(const store::QueueEntry& entry, Dsn::Action action, std::uint64_t size) {
  // What was to travel under TLS alone (RFC 8689) is not returned over a way that may have none.
  if (action != Dsn::Action::failed || entry.ret == mail::Return::headers || entry.require_tls) return false;
  return size <= (entry.ret == mail::Return::full ? whole_asked : whole_unasked);
}

async::Task<Result<std::string>> read_start(store::BodyReader& reader, std::uint64_t most) {
  std::string bytes;
  while (bytes.size() < most) {
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(most - bytes.size(), read_step));
    const auto piece = co_await reader.read(bytes.size(), step);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    bytes += *piece;
  }
  co_return bytes;
}

}  // namespace

Bouncer::Bouncer(Parts parts)
    : parts_(parts),
      sent_(parts.metrics.counter("postern_notices_total", "Delivery status notifications accepted for delivery")) {
  parts_.door.confirm_by(this);
}

Bouncer::~Bouncer() { parts_.door.confirm_by(nullptr); }

async::Task<Result<>> Bouncer::read_original(const store::QueueEntry& entry, Dsn::Action action, Dsn& out) {
  auto reader = co_await parts_.queue.body(entry.id);
  if (!reader) co_return std::unexpected(reader.error());
  const std::uint64_t size = (*reader)->size();
  const bool whole = return_whole(entry, action, size);
  auto bytes = co_await read_start(**reader, whole ? size : mime::max_header_block + entry.prefix.size());
  if (!bytes) co_return std::unexpected(bytes.error());
  out.header = bytes->substr(0, mime::find_header_end(*bytes).fields_end);
  if (whole) out.whole = std::move(*bytes);
  co_return Result<>();
}

async::Task<Result<>> Bouncer::notify(const store::QueueEntry& entry, Dsn::Action action, std::vector<DsnRecipient> about) {
  if (!may_tell_sender(entry)) co_return fail(ErrorKind::denied, "the sender may not be told");
  Dsn dsn;
  dsn.action = action;
  dsn.to = parts_.forwarding != nullptr ? parts_.forwarding->undressed(*entry.sender) : *entry.sender;
  dsn.about = std::move(about);
  dsn.envid = entry.envid;
  dsn.arrived = entry.created;
  dsn.retry_until = entry.expires;
  dsn.smtputf8 = entry.smtputf8;
  const Result<> read = co_await read_original(entry, action, dsn);
  if (!read) co_return read;
  co_return co_await send(std::move(dsn), entry.bounce);
}

async::Task<Result<>> Bouncer::confirm(Confirmation confirmation) {
  const auto& sender = confirmation.envelope.sender;
  if (!sender || confirmation.bounce == store::BounceRight::none) co_return Result<>();
  Dsn dsn;
  dsn.action = Dsn::Action::delivered;
  for (auto& one : confirmation.delivered) {
    if ((one.notify & mail::notify_success) == 0) continue;
    DsnRecipient done{std::move(one), {}, false};
    done.outcome.kind = mail::Outcome::Kind::delivered;
    done.outcome.enhanced = mail::status::recipient_ok.enhanced;
    dsn.about.push_back(std::move(done));
  }
  if (dsn.about.empty()) co_return Result<>();
  dsn.to = sender;
  dsn.envid = confirmation.envelope.envid;
  dsn.arrived = parts_.clock.unix_now();
  dsn.smtputf8 = confirmation.envelope.smtputf8;
  dsn.header = confirmation.header.substr(0, mime::find_header_end(confirmation.header).fields_end);
  co_return co_await send(std::move(dsn), confirmation.bounce);
}

Result<> Bouncer::address(Arrival& arrival, const mail::Address& to) const {
  const bool ours = to.domain() != nullptr && parts_.directory.is_local(*to.domain());
  if (!ours) {
    arrival.remote.push_back(RemoteRecipient(mail::Recipient{to, mail::notify_never, {}}));
    return {};
  }
  const auto found = parts_.directory.resolve(to);
  if (!found) return fail(ErrorKind::denied, "the sender is not an address of ours any more: " + found.error().text);
  for (const auto& mailbox : found->mailboxes) arrival.local.push_back({mailbox.account, to.to_string()});
  for (const auto& forward : found->forwards) {
    arrival.remote.push_back(RemoteRecipient::by_forward(forward, mail::Recipient{to, mail::notify_never, {}}));
  }
  return {};
}

async::Task<Result<>> Bouncer::send(Dsn dsn, store::BounceRight right) {
  if (right == store::BounceRight::none) co_return fail(ErrorKind::denied, "the sender may not be told");
  dsn.hostname = parts_.config.get()->server.hostname;
  dsn.now = parts_.clock.unix_now();
  auto text = compose(dsn);
  if (!text) co_return std::unexpected(text.error());
  Arrival arrival;
  arrival.ours = true;
  const Result<> addressed = address(arrival, *dsn.to);
  if (!addressed) co_return addressed;
  const std::string id = parts_.door.new_id();
  arrival.trace = fmt::format("Received: by {} (notice)\r\n\tid {}; {}\r\n", dsn.hostname, id, mime::format_date({dsn.now, 0}));
  arrival.envelope.smtputf8 = dsn.smtputf8;
  arrival.envelope.body = ascii::is_ascii(*text) ? mail::BodyType::seven_bit : mail::BodyType::eight_bit_mime;
  arrival.body = store::body_of(std::move(*text));
  const auto receipt = co_await parts_.door.accept(std::move(arrival), id);
  if (!receipt) co_return std::unexpected(receipt.error());
  sent_.add();
  parts_.log.info("queue", "notice", {{"id", receipt->id}, {"to", dsn.to->to_string()}, {"recipients", dsn.about.size()}});
  co_return Result<>();
}

}  // namespace postern::queue
