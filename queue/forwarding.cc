// SPDX-License-Identifier: Apache-2.0
#include "queue/forwarding.h"

#include <algorithm>

#include "config/way_out.h"
#include "policy/arc_seal.h"
#include "policy/dkim_book.h"
#include "policy/srs.h"
#include "queue/signed_text.h"

namespace postern::queue {

namespace {

constexpr const char* senders_help = "Senders of forwarded mail by what became of them";

/// The address of ours that forwards; null when not all recipients are forwards.
const RemoteRecipient* forwarder(const Arrival& arrival) {
  const auto is_forward = [](const RemoteRecipient& one) { return !one.forwarded_for().empty(); };
  const bool all = !arrival.remote.empty() && std::ranges::all_of(arrival.remote, is_forward);
  return all ? &arrival.remote.front() : nullptr;
}

std::optional<mail::Domain> domain_of(const RemoteRecipient& forward) {
  const auto owner = mail::Address::parse(forward.forwarded_for());
  return owner && owner->domain() != nullptr ? std::optional(*owner->domain()) : std::nullopt;
}

policy::ArcCode chain_of(std::string_view word) {
  using enum policy::ArcCode;
  for (const auto code : {none, pass, fail}) {
    if (word == to_string(code)) return code;
  }
  return temperror;
}

}  // namespace

Forwarding::Forwarding(Parts parts)
    : parts_(parts),
      rewritten_(parts.metrics.counter("postern_forwarded_senders_total", senders_help, {{"result", "rewritten"}})),
      kept_(parts.metrics.counter("postern_forwarded_senders_total", senders_help, {{"result", "kept"}})),
      sealed_(parts.metrics.counter("postern_arc_seals_total", "ARC sets put on forwarded mail")) {}

void Forwarding::rewrite(const Arrival& arrival, store::QueueEntry& entry) const {
  const auto config = parts_.config.get();
  const auto& settings = config->way_out->forwarding;
  const auto* const sender = entry.sender ? entry.sender->domain() : nullptr;
  if (!settings.srs || sender == nullptr || parts_.directory.is_local(*sender)) return;
  auto through = domain_of(*forwarder(arrival));
  if (!settings.srs_domain.empty()) {
    if (auto chosen = mail::Domain::parse(settings.srs_domain)) through = std::move(*chosen);
  }
  auto address = through ? parts_.srs.forward(*entry.sender, *through, parts_.clock.unix_now()) : std::nullopt;
  (address ? rewritten_ : kept_).add();
  if (address) {
    entry.sender = std::move(*address);
  } else {
    parts_.log.info("queue", "sender_kept", {{"from", entry.sender->to_string()}, {"why", "too long for SRS"}});
  }
}

async::Task<Result<std::string>> Forwarding::seal(const Arrival& arrival) const {
  if (!parts_.config.get()->way_out->forwarding.arc || arrival.ours || arrival.results.empty()) co_return std::string();
  const auto domain = domain_of(*forwarder(arrival));
  auto keys = domain ? parts_.book.signing_keys(domain->ascii()) : std::vector<policy::DkimKey>();
  // RSA first: RFC 8617 knows no other, and some verifiers of ARC do not either.
  if (keys.empty()) co_return std::string();
  std::ranges::iter_swap(keys.begin(), std::ranges::min_element(keys, {}, &policy::DkimKey::is_ed25519));
  auto text = co_await read_signed_text(arrival.body);
  if (!text) co_return std::unexpected(text.error());
  policy::ArcSealing sealing{.domain = keys.front().domain,
                             .selector = keys.front().selector,
                             .key_id = keys.front().name(),
                             .results = arrival.results,
                             .chain = chain_of(arrival.arc_chain),
                             .now = parts_.clock.unix_now()};
  auto fields = co_await policy::seal_arc(parts_.book, std::move(sealing), std::move(text->header), std::move(text->digest));
  if (!fields) parts_.log.error("queue", "not_sealed", {{"key", keys.front().name()}, {"text", fields.error().text}});
  if (fields && !fields->empty()) sealed_.add();
  co_return fields.value_or("");
}

async::Task<Result<>> Forwarding::dress(const Arrival& arrival, store::QueueEntry& entry) const {
  if (forwarder(arrival) == nullptr) co_return Result<>();
  rewrite(arrival, entry);
  const auto fields = co_await seal(arrival);
  if (!fields) co_return std::unexpected(fields.error());
  entry.prefix.insert(0, *fields);
  co_return Result<>();
}

mail::Address Forwarding::undressed(const mail::Address& sender) const {
  const bool ours = sender.domain() != nullptr && parts_.directory.is_local(*sender.domain());
  if (!ours || !policy::Srs::is_rewritten(sender)) return sender;
  const auto config = parts_.config.get();
  // What waits in our own queue is younger than its lifetime.
  const auto valid = std::max(config->way_out->forwarding.srs_valid, config->queue.lifetime);
  const auto back = parts_.srs.reverse(sender, parts_.clock.unix_now(), valid);
  return back ? back->to() : sender;
}

}  // namespace postern::queue
