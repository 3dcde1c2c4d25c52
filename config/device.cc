// SPDX-License-Identifier: Apache-2.0
// Values of [device], and its rows in the table of options.
#include "config/device.h"

#include <fmt/format.h>

#include "config/option.h"
#include "config/way_out.h"

namespace postern::config {

Result<DevicePattern> DevicePattern::parse(std::string_view text) {
  if (text == "*") return DevicePattern{"*"};
  const bool whole_domain = text.starts_with('@');
  const auto address = mail::Address::parse(whole_domain ? "x" + std::string(text) : std::string(text));
  if (address && address->domain() != nullptr) {
    return DevicePattern{whole_domain ? "@" + address->domain()->ascii() : address->lookup_key()};
  }
  return fail(ErrorKind::invalid,
              fmt::format("\"{}\" is no pattern; write \"scanner@example.org\", \"@example.org\" or \"*\"", text));
}

bool DevicePattern::fits(const mail::Address& address) const {
  if (text == "*") return true;
  if (address.domain() == nullptr) return false;
  return text.starts_with('@') ? text.substr(1) == address.domain()->ascii() : text == address.lookup_key();
}

namespace {

constexpr std::uint64_t least_message = 1024;
constexpr std::uint64_t most_message = 2ULL * 1024 * 1024 * 1024;
constexpr std::uint64_t most_recipients = 10'000;
constexpr std::uint64_t most_messages = 1'000'000;

void who_rows(Builder<Device>& rows) {
  rows.parsed_list("listen", &Device::listen, Endpoint::parse,
                   "Addresses to listen on: [\"192.168.1.2:2526\"]. []: there is no such listener.")
      .at_restart()
      .parsed_list("networks", &Device::networks, Network::parse,
                   "Where the devices are: \"192.168.1.0/24\", or one address. All others are refused.")
      .parsed_list("senders", &Device::senders, DevicePattern::parse,
                   "Their senders: \"scanner@example.org\", or \"@example.org\" for all of a domain. []: any of our domains.")
      .parsed_list("recipients", &Device::recipients, DevicePattern::parse,
                   "Whom they may write to, in the same form; \"*\": anybody. []: our own addresses only.");
}

}  // namespace

Section device_section() {
  Builder<Device> rows(
      "device", [](Config& c) -> Device& { return c.way_out->device; },
      "A listener for printers, scanners and disk boxes that cannot log in: listed networks, senders and recipients, limits of\n"
      "its own, and old TLS there only.");
  who_rows(rows);
  rows.size("message_bytes", &Device::message_bytes, {least_message, most_message},
            "Largest message; limits.message_bytes holds too.")
      .number("recipients_max", &Device::recipients_max, {1, most_recipients}, "Most recipients of one message.")
      .number("messages_per_hour", &Device::messages_per_hour, {1, most_messages},
              "Messages of one device (by address) in an hour.")
      .number("messages_per_day", &Device::messages_per_day, {1, most_messages}, "The same in a day.");
  auto section = rows.done();
  auto tls = Builder<Device>(
                 "device", [](Config& c) -> Device& { return c.way_out->device; }, "")
                 .choice("tls_least", &Device::tls_least,
                         {{"1.0", Device::Tls::tls1_0},
                          {"1.1", Device::Tls::tls1_1},
                          {"1.2", Device::Tls::tls1_2},
                          {"1.3", Device::Tls::tls1_3}},
                         "Oldest TLS that is spoken there. Below \"1.2\" is broken cryptography, for machines that know nothing\n"
                         "else; no other listener speaks it then.")
                 .at_restart()
                 .done();
  for (auto& row : tls.options) section.options.push_back(std::move(row));
  return section;
}

}  // namespace postern::config
