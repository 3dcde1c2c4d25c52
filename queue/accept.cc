// SPDX-License-Identifier: Apache-2.0
// The door. Everything is computed before the one call of store::Store::accept(), so that there is nothing to undo.
// This is on the path of every message: a body in memory is read once, by the MIME parser, and never copied.
//
// Crash table (design.md §3): before accept() returns the message is in state S2 or S3 and the sender saw no 250; after
// it the message is in S4, durable for all recipients or for none.
#include "queue/accept.h"

#include <array>
#include <atomic>

#include "async/executor.h"
#include "base/ascii.h"
#include "base/random.h"
#include "mime/body_structure.h"
#include "mime/header.h"
#include "mime/part.h"
#include "mime/part_codec.h"
#include "mime/writer.h"
#include "policy/relay.h"
#include "policy/srs.h"
#include "queue/forwarding.h"
#include "queue/signer.h"
#include "store/queue_clock.h"

namespace postern::queue {

namespace {

constexpr std::size_t read_step = 64 * 1024;        ///< octets of a body in a file read at once
constexpr std::uint64_t yield_every = 1024 * 1024;  ///< octets of a body in a file between turns for others

/// The low `digits`·5 bits in the alphabet of random::token, most significant first.
std::string base32_digits(std::uint64_t value, std::size_t digits) {
  static constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::string out(digits, 'a');
  for (std::size_t i = digits; i-- > 0; value >>= 5) out[i] = alphabet[value & 31];
  return out;
}

/// Calls `use` with every piece of the body, in order.
template <class Use>
async::Task<Result<>> each_piece(const store::Body& body, Use& use) {
  if (body.descriptor() < 0) {
    use(body.memory());
    co_return Result<>();
  }
  std::vector<char> buffer(read_step);
  for (std::uint64_t at = 0, turn = yield_every; at < body.size();) {
    const auto got = body.read(at, buffer);
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return fail(ErrorKind::io, "a received body ended before its size");
    use(std::string_view(buffer.data(), *got));
    at += *got;
    if (at < turn) continue;
    turn += yield_every;
    co_await async::yield();
  }
  co_return Result<>();
}

async::Task<Result<store::MessageMeta>> compute_meta(const store::Body& body) {
  mime::PartParser parser;
  auto feed = [&parser](std::string_view piece) { parser.feed(piece); };
  const auto read = co_await each_piece(body, feed);
  if (!read) co_return std::unexpected(read.error());
  mime::PartTree tree = parser.finish();
  store::MessageMeta meta;
  meta.bodystructure = mime::imap_bodystructure(tree, mime::Structure::extended);
  meta.parts = mime::encode_parts(tree);
  meta.envelope = std::move(tree.parts.front().envelope);
  co_return meta;
}

/// RFC 6152 §3: content with octets above 127 is announced as such to the next server, also where its sender did not say so.
async::Task<Result<>> label_body(const store::Body& body, mail::BodyType& type) {
  if (type != mail::BodyType::seven_bit) co_return Result<>();
  bool high = false;
  auto look = [&high](std::string_view piece) { high = high || !ascii::is_ascii(piece); };
  auto read = co_await each_piece(body, look);
  if (high) type = mail::BodyType::eight_bit_mime;
  co_return read;
}

/// The start of the body that holds the header; a view into memory where that is possible.
Result<std::string_view> header_of(const store::Body& body, std::string& buffer) {
  std::string_view start = body.memory();
  if (body.descriptor() >= 0) {
    buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(body.size(), mime::max_header_block)));
    std::size_t filled = 0;
    while (filled < buffer.size()) {
      const auto got = body.read(filled, std::span(buffer).subspan(filled));
      if (!got) return std::unexpected(got.error());
      if (*got == 0) break;
      filled += *got;
    }
    buffer.resize(filled);
    start = buffer;
  }
  return start.substr(0, mime::find_header_end(start).fields_end);
}

/// The addresses that the header's Delivered-To fields name.
std::vector<std::string> delivered_to(std::string_view header) {
  std::vector<std::string> found;
  std::size_t position = 0;
  while (const auto field = mime::next_field(header, position)) {
    if (field->is("Delivered-To")) found.push_back(field->value());
  }
  return found;
}

bool names(const std::vector<std::string>& seen, std::string_view address) {
  return std::ranges::any_of(seen, [address](const std::string& one) { return ascii::iequals(one, address); });
}

void keep_first_of_each_account(std::vector<LocalRecipient>& local) {
  if (local.size() < 2) return;
  std::set<store::AccountId> seen;
  std::erase_if(local, [&seen](const LocalRecipient& one) { return !seen.insert(one.account).second; });
}

void keep_first_of_each_address(std::vector<RemoteRecipient>& remote) {
  if (remote.size() < 2) return;
  std::set<std::string> seen;
  std::erase_if(remote, [&seen](const RemoteRecipient& one) { return !seen.insert(one.recipient().address.to_string()).second; });
}

/// The recipients that want a report of success, each address once. Few messages have any.
Confirmation wanted_confirmation(const Arrival& arrival) {
  Confirmation out;
  if (!arrival.envelope.sender || arrival.bounce == store::BounceRight::none) return out;
  std::set<std::string_view> seen;
  for (const auto& one : arrival.local) {
    if ((one.notify & mail::notify_success) == 0 || !seen.insert(one.address).second) continue;
    auto address = mail::Address::parse(one.address);
    if (address) out.delivered.push_back({std::move(*address), one.notify, one.orcpt});
  }
  return out;
}

/// Return-Path and Delivered-To stand above the trace (RFC 5321 §4.4: the final delivery adds Return-Path at the top).
std::string local_prefix(const Arrival& arrival, const LocalRecipient& to) {
  const std::string sender = arrival.envelope.sender ? arrival.envelope.sender->to_string() : std::string();
  return fmt::format("Return-Path: <{}>\r\nDelivered-To: {}\r\n{}", sender, to.address, arrival.trace);
}

/// The prefix for the way out. A single forwarding address is named, so that a loop through it is seen at its second
/// arrival; several are not, because each recipient would learn of the others.
std::string remote_prefix(const Arrival& arrival) {
  std::set<std::string_view> owners;
  for (const auto& one : arrival.remote) owners.insert(one.forwarded_for());
  if (owners.size() != 1 || owners.begin()->empty()) return arrival.trace;
  return fmt::format("Delivered-To: {}\r\n{}", *owners.begin(), arrival.trace);
}

}  // namespace

RemoteRecipient RemoteRecipient::by_right(mail::Recipient recipient, const mail::RelayRight&) {
  return RemoteRecipient(std::move(recipient));
}

// RFC 3461 §5.2.7.1: an alias with one target keeps NOTIFY and ORCPT of the original recipient.
RemoteRecipient RemoteRecipient::by_relay(const mail::Recipient& recipient, const policy::RelayRoute& route) {
  RemoteRecipient out(recipient);
  if (route.relay().is_one_recipient()) out.destination_ = route.relay().match;
  return out;
}

RemoteRecipient RemoteRecipient::by_return(const policy::ReturnPath& path, const mail::Recipient& notice) {
  return RemoteRecipient(mail::Recipient{path.to(), notice.notify, notice.orcpt});
}

RemoteRecipient RemoteRecipient::by_redirect(mail::Address to, const store::QueueRecipient& instead_of) {
  return RemoteRecipient(mail::Recipient{std::move(to), instead_of.recipient.notify, instead_of.recipient.orcpt});
}

RemoteRecipient RemoteRecipient::by_forward(const auth::Forward& forward, const mail::Recipient& original) {
  RemoteRecipient made(mail::Recipient{forward.to(), original.notify, original.orcpt});
  made.forwarded_for_ = original.address.to_string();
  return made;
}

struct Door::State {
  explicit State(Parts p)
      : parts(p),
        accepted(p.metrics.counter("postern_messages_accepted_total", "Messages that the door accepted")),
        refused(p.metrics.counter("postern_messages_not_stored_total", "Messages that the door could not accept")),
        local(p.metrics.counter("postern_local_deliveries_total", "Copies delivered to mailboxes of ours")),
        remote(p.metrics.counter("postern_queued_recipients_total", "Recipients elsewhere that were put into the queue")),
        bytes(p.metrics.counter("postern_accepted_bytes_total", "Octets of accepted messages, each counted once")) {}

  Result<> check(const Arrival& arrival) const;
  Result<> check_loop(const Arrival& arrival) const;
  store::QueueEntry queue_entry(const Arrival& arrival) const;
  async::Task<Result<store::Acceptance>> prepare(const Arrival& arrival) const;
  async::Task<> confirm(const Arrival& arrival, Confirmation confirmation) const;
  void tell(const Arrival& arrival, const std::string& id, const Result<store::Accepted>& result) const;

  Parts parts;
  Confirmer* confirmer = nullptr;
  const Signer* signer = nullptr;
  const Forwarding* forwarding = nullptr;
  std::atomic<std::uint64_t> counter{random::number()};
  Counter accepted;
  Counter refused;
  Counter local;
  Counter remote;
  Counter bytes;
};

Result<> Door::State::check(const Arrival& arrival) const {
  if (arrival.local.empty() && arrival.remote.empty()) return fail(ErrorKind::invalid, "a message without recipients");
  if (arrival.body->size() > parts.config.get()->limits.message_bytes) {
    return fail(ErrorKind::too_large, fmt::format("{} octets are more than limits.message_bytes", arrival.body->size()));
  }
  // security.md D80: what becomes a header line holds no line end.
  for (const auto& one : arrival.local) {
    if (!mime::check_field_text(one.address)) return fail(ErrorKind::invalid, "a recipient address holds a control character");
  }
  return check_loop(arrival);
}

Result<> Door::State::check_loop(const Arrival& arrival) const {
  std::string buffer;
  const auto header = header_of(*arrival.body, buffer);
  if (!header) return std::unexpected(header.error());
  const auto seen = delivered_to(*header);
  if (seen.empty()) return {};
  // security.md D24: a message that was delivered to this very address before is in a loop.
  for (const auto& one : arrival.local) {
    if (names(seen, one.address)) return fail(ErrorKind::limit, "mail loop: it was delivered to " + one.address + " before");
  }
  for (const auto& one : arrival.remote) {
    if (one.forwarded_for().empty() || !names(seen, one.forwarded_for())) continue;
    return fail(ErrorKind::limit, "mail loop: it was forwarded for " + one.forwarded_for() + " before");
  }
  return {};
}

store::QueueEntry Door::State::queue_entry(const Arrival& arrival) const {
  const auto config = parts.config.get();
  const auto& envelope = arrival.envelope;
  const auto lifetime = envelope.sender ? config->queue.lifetime : config->queue.bounce_lifetime;
  store::QueueEntry entry;
  entry.sender = envelope.sender;
  entry.account = arrival.account;
  entry.bounce = arrival.bounce;
  // RFC 4865 §5: what is held begins its way, and its lifetime, when it is let go.
  const UnixTime now = parts.clock.unix_now();
  entry.created = std::max(now, envelope.hold_until);
  entry.expires = entry.created + lifetime.count();
  entry.body_type = envelope.body;
  entry.smtputf8 = envelope.smtputf8;
  entry.require_tls = envelope.require_tls;
  entry.ret = envelope.ret;
  entry.envid = envelope.envid;
  entry.prefix = remote_prefix(arrival);
  entry.recipients.reserve(arrival.remote.size());
  for (const auto& one : arrival.remote) {
    store::QueueRecipient row{.recipient = one.recipient()};
    row.domain = one.destination();
    row.next_at = entry.created;
    if (entry.created > now) row.last_reply = store::chosen_time_note(now);
    entry.recipients.push_back(std::move(row));
  }
  return entry;
}

async::Task<Result<store::Acceptance>> Door::State::prepare(const Arrival& arrival) const {
  store::Acceptance acceptance;
  acceptance.body = arrival.body;
  acceptance.internal_date = parts.clock.unix_now();
  if (!arrival.local.empty()) {
    auto meta = co_await compute_meta(*arrival.body);
    if (!meta) co_return std::unexpected(meta.error());
    acceptance.meta = std::move(*meta);
  }
  acceptance.deliveries.reserve(arrival.local.size());
  for (const auto& one : arrival.local) {
    store::Delivery delivery;
    delivery.account = one.account;
    delivery.prefix = local_prefix(arrival, one);
    acceptance.deliveries.push_back(std::move(delivery));
  }
  if (arrival.remote.empty()) co_return acceptance;
  acceptance.enqueue = queue_entry(arrival);
  if (const auto labelled = co_await label_body(*arrival.body, acceptance.enqueue->body_type); !labelled)
    co_return std::unexpected(labelled.error());
  if (forwarding != nullptr) {
    if (auto dressed = co_await forwarding->dress(arrival, *acceptance.enqueue); !dressed)
      co_return std::unexpected(dressed.error());
  }
  if (arrival.ours && signer != nullptr) {
    const auto signatures = co_await signer->sign(arrival.body);
    if (!signatures) co_return std::unexpected(signatures.error());
    acceptance.enqueue->prefix.insert(0, *signatures);
  }
  co_return acceptance;
}

/// The message is accepted whatever becomes of its report.
async::Task<> Door::State::confirm(const Arrival& arrival, Confirmation confirmation) const {
  if (confirmer == nullptr || confirmation.delivered.empty()) co_return;
  std::string buffer;
  const auto header = header_of(*arrival.body, buffer);
  if (header) confirmation.header = std::string(*header);
  confirmation.envelope = arrival.envelope;
  confirmation.bounce = arrival.bounce;
  const auto sent = co_await confirmer->confirm(std::move(confirmation));
  if (!sent) parts.log.warning("queue", "no_confirmation", {{"text", sent.error().text}});
}

void Door::State::tell(const Arrival& arrival, const std::string& id, const Result<store::Accepted>& result) const {
  if (!result) {
    refused.add();
    parts.log.warning("queue", "not_stored",
                      {{"id", id},
                       {"from", mail::to_string(arrival.envelope.sender)},
                       {"reason", to_string(result.error().kind)},
                       {"text", result.error().text}});
    return;
  }
  accepted.add();
  local.add(static_cast<double>(arrival.local.size()));
  remote.add(static_cast<double>(arrival.remote.size()));
  bytes.add(static_cast<double>(arrival.body->size()));
  parts.log.debug("queue", "accepted",
                  {{"id", id},
                   {"from", mail::to_string(arrival.envelope.sender)},
                   {"size", arrival.body->size()},
                   {"local", arrival.local.size()},
                   {"remote", arrival.remote.size()},
                   {"entry", result->queued.value_or(0)}});
}

Door::Door(Parts parts) : state_(std::make_unique<State>(parts)) {}
Door::~Door() = default;

std::string Door::new_id() {
  // 35 bits of time, 20 of a counter that wraps far slower than a second, 20 random ones for a clock that was set back.
  const auto now = static_cast<std::uint64_t>(state_->parts.clock.unix_now());
  return base32_digits(now, 7) + base32_digits(state_->counter.fetch_add(1, std::memory_order_relaxed), 4) + random::token(4);
}

void Door::confirm_by(Confirmer* confirmer) { state_->confirmer = confirmer; }

void Door::sign_by(const Signer* signer) { state_->signer = signer; }

void Door::forward_by(const Forwarding* forwarding) { state_->forwarding = forwarding; }

async::Task<Result<Receipt>> Door::accept(Arrival arrival, std::string id) {
  auto confirmation = wanted_confirmation(arrival);
  keep_first_of_each_account(arrival.local);
  keep_first_of_each_address(arrival.remote);
  const Result<> fit = state_->check(arrival);
  if (!fit) {
    state_->tell(arrival, id, std::unexpected(fit.error()));
    co_return std::unexpected(fit.error());
  }
  auto acceptance = co_await state_->prepare(arrival);
  if (!acceptance) {
    state_->tell(arrival, id, std::unexpected(acceptance.error()));
    co_return std::unexpected(acceptance.error());
  }
  auto stored = co_await state_->parts.store.accept(std::move(*acceptance));
  state_->tell(arrival, id, stored);
  if (!stored) co_return std::unexpected(stored.error());
  co_await state_->confirm(arrival, std::move(confirmation));
  Receipt receipt;
  receipt.local = arrival.local.size();
  receipt.remote = arrival.remote.size();
  receipt.id = std::move(id);
  receipt.delivered = std::move(stored->delivered);
  co_return receipt;
}

}  // namespace postern::queue
