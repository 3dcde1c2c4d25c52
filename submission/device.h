// SPDX-License-Identifier: Apache-2.0
// DeviceService: the listener for printers, scanners and disk boxes ([device]). It needs no login; instead everything is listed:
// the networks, the senders, the recipients. It is never an open relay: a peer outside of the networks gets no RelayRight and
// no transaction, and without a list of recipients mail goes to our own addresses only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "config/device.h"
#include "smtp/session.h"
#include "submission/outgoing.h"
#include "submission/sliding_day.h"

namespace postern::submission {

/// Messages of each device in the last hour and day, by address. Thread-safe; in memory only. Bounded: there are at most
/// max_devices addresses, and a full table refuses new ones until old ones have been silent for a day.
class DeviceRates {
 public:
  static constexpr std::size_t max_devices = 16'384;

  struct Limits {
    std::uint32_t per_hour = 200;
    std::uint32_t per_day = 2000;
  };
  explicit DeviceRates(const Clock& clock) : clock_(clock) {}
  /// Whether one more message fits.
  bool permits(const std::string& device, Limits limits);
  /// Counts a message. False, and nothing counted, when it does not fit.
  bool spend(const std::string& device, Limits limits);

 private:
  using Used = SlidingDay<std::uint32_t>;
  /// The device's counts, moved to now; null when the table is full.
  Used* current(const std::string& device);
  static bool fits(const Used& used, Limits limits);

  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Used> used_;
};

class DeviceHandler final : public Outgoing {
 public:
  DeviceHandler(std::optional<mail::RelayRight> right, DeviceRates& rates) : right_(right), rates_(rates) {}
  smtp::Offer offer(const smtp::Conversation& talk) const override;
  smtp::Refusal check_sender(const smtp::Conversation& talk, const mail::Envelope& envelope) override;
  std::expected<smtp::Route, smtp::Reply> route(const smtp::Conversation& talk, const mail::Recipient& recipient) override;
  std::uint64_t message_limit(const smtp::Conversation& talk) const override;
  smtp::Refusal sign(const smtp::Conversation& talk, queue::Arrival& arrival) override;
  std::string received_field(const smtp::Conversation& talk) const override;

 private:
  const mail::RelayRight* right() const override { return right_ ? &*right_ : nullptr; }
  bool may_send_as(const smtp::Conversation& talk, const mail::Address& address) const override;
  Claims claims() const override { return Claims::author; }
  std::optional<mail::RelayRight> right_;
  DeviceRates& rates_;
};

class DeviceService {
 public:
  DeviceService(smtp::Parts parts, Metrics& metrics, std::shared_ptr<const net::TlsServer> tls);
  smtp::SessionOptions& options() { return options_; }
  async::Task<> serve(net::Connection& connection);

 private:
  smtp::Parts parts_;
  smtp::Meters meters_;
  smtp::SessionOptions options_;
  DeviceRates rates_;
};

}  // namespace postern::submission
