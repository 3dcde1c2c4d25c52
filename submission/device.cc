// SPDX-License-Identifier: Apache-2.0
// The listener for devices; see device.h.
#include "submission/device.h"

#include <algorithm>

#include "config/way_out.h"
#include "smtp/trace.h"
#include "submission/trusted.h"

namespace postern::submission {

namespace status = mail::status;
using smtp::reply;

namespace {

const config::Device& settings(const smtp::Conversation& talk) { return talk.config->way_out->device; }

DeviceRates::Limits limits_of(const smtp::Conversation& talk) {
  return {settings(talk).messages_per_hour, settings(talk).messages_per_day};
}

bool any_fits(const std::vector<config::DevicePattern>& patterns, const mail::Address& address) {
  return std::ranges::any_of(patterns, [&](const auto& one) { return one.fits(address); });
}

bool is_ours(const smtp::Conversation& talk, const mail::Address& address) {
  return address.domain() != nullptr && talk.parts.directory.is_local(*address.domain());
}

}  // namespace

DeviceRates::Used* DeviceRates::current(const std::string& device) {
  const auto now = Used::slot_at(clock_);
  auto at = used_.find(device);
  if (at == used_.end()) {
    const auto silent = [&](const auto& one) {
      return now - one.second.newest() >= static_cast<std::int64_t>(Used::slots_per_day);
    };
    if (used_.size() >= max_devices) std::erase_if(used_, silent);
    if (used_.size() >= max_devices) return nullptr;
    at = used_.emplace(device, now).first;
  }
  at->second.move_to(now);
  return &at->second;
}

bool DeviceRates::fits(const Used& used, Limits limits) { return used.hour() < limits.per_hour && used.day() < limits.per_day; }

bool DeviceRates::permits(const std::string& device, Limits limits) {
  const std::lock_guard lock(mutex_);
  const auto* const used = current(device);
  return used != nullptr && fits(*used, limits);
}

bool DeviceRates::spend(const std::string& device, Limits limits) {
  const std::lock_guard lock(mutex_);
  auto* const used = current(device);
  if (used == nullptr || !fits(*used, limits)) return false;
  ++used->back(0);
  return true;
}

smtp::Offer DeviceHandler::offer(const smtp::Conversation& talk) const {
  auto offer = Outgoing::offer(talk);
  offer.message_bytes = std::min<std::uint64_t>(offer.message_bytes, settings(talk).message_bytes);
  offer.recipients = settings(talk).recipients_max;
  return offer;
}

std::uint64_t DeviceHandler::message_limit(const smtp::Conversation& talk) const {
  return std::min<std::uint64_t>(Outgoing::message_limit(talk), settings(talk).message_bytes);
}

bool DeviceHandler::may_send_as(const smtp::Conversation& talk, const mail::Address& address) const {
  const auto& senders = settings(talk).senders;
  return senders.empty() ? is_ours(talk, address) : any_fits(senders, address);
}

smtp::Refusal DeviceHandler::check_sender(const smtp::Conversation& talk, const mail::Envelope& envelope) {
  if (!right_) return reply(status::relay_denied, "This listener is for the devices of [device] networks");
  // A device has nobody to report to and writes no notices: whoever has no sender is no device.
  if (!envelope.sender || !may_send_as(talk, *envelope.sender)) {
    return reply(status::not_your_address, "The sender must be one that [device] senders lists");
  }
  // RFC 1870 §6.1
  if (envelope.declared_size.value_or(0) > settings(talk).message_bytes) return reply(status::message_too_large);
  if (rates_.permits(talk.ip(), limits_of(talk))) return std::nullopt;
  return reply(status::rate_limited, "This device has sent what [device] allows, try again later");
}

std::expected<smtp::Route, smtp::Reply> DeviceHandler::route(const smtp::Conversation& talk, const mail::Recipient& recipient) {
  const auto& recipients = settings(talk).recipients;
  const bool listed = recipients.empty() ? is_ours(talk, recipient.address) : any_fits(recipients, recipient.address);
  if (!right_ || !listed) {
    return std::unexpected(reply(status::relay_denied, "The recipient must be one that [device] recipients lists"));
  }
  return Outgoing::route(talk, recipient);
}

smtp::Refusal DeviceHandler::sign(const smtp::Conversation& talk, queue::Arrival& arrival) {
  if (!rates_.spend(talk.ip(), limits_of(talk))) {
    return reply(status::rate_limited, "This device has sent what [device] allows, try again later");
  }
  const auto& sender = talk.transaction->envelope.sender;
  arrival.account = 0;
  arrival.ours = true;
  // A bounce goes back only to a mailbox that is ours, so it cannot hit a stranger (product.md promise 4).
  arrival.bounce = sender && is_ours(talk, *sender) ? store::BounceRight::authenticated : store::BounceRight::none;
  return std::nullopt;
}

std::string DeviceHandler::received_field(const smtp::Conversation& talk) const {
  return smtp::received_field(talk, smtp::Origin::hidden);
}

DeviceService::DeviceService(smtp::Parts parts, Metrics& metrics, std::shared_ptr<const net::TlsServer> tls)
    : parts_(parts), meters_(metrics, "device"), rates_(parts.clock) {
  options_.service = "device";
  options_.tls = std::move(tls);
}

async::Task<> DeviceService::serve(net::Connection& connection) {
  DeviceHandler handler(TrustedNetwork::right_of(connection.peer().address, parts_.config.get()->way_out->device.networks),
                        rates_);
  smtp::Session session(connection, {parts_, options_, meters_}, handler);
  co_await session.run();
}

}  // namespace postern::submission
