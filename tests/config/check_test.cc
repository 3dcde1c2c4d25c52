// SPDX-License-Identifier: Apache-2.0
// Each rule between options, broken once.
#include "config/check.h"

#include <gtest/gtest.h>

#include <functional>

#include "config/way_out.h"

namespace postern::config {
namespace {

struct Case {
  std::string key;  ///< where the error must be
  std::function<void(Config&)> spoil;
};

std::vector<Case> cases() {
  return {
      {"server.data_dir", [](Config& c) { c.server.data_dir = "mail"; }},
      {"server.control_socket", [](Config& c) { c.server.control_socket = "s"; }},
      {"tls.certificate", [](Config& c) { c.tls.certificate = "/c"; }},
      {"tls.key", [](Config& c) { c.tls.key = "/k"; }},
      {"imap.message_limit", [](Config& c) { c.imap.message_limit = 999; }},
      {"listen.submission", [](Config& c) { c.listen.submission = {c.listen.smtp[0]}; }},
      {"listen.trusted", [](Config& c) { c.listen.trusted = {{"127.0.0.1", 26}}; }},
      {"trusted.networks", [](Config& c) { c.trusted.networks = {*Network::parse("0.0.0.0/0")}; }},
      {"trusted.networks", [](Config& c) { c.trusted.networks = {*Network::parse("::/0")}; }},
      {"route.proxy_user",
       [](Config& c) {
         c.way_out->routes.emplace_back();
         c.way_out->routes.back().proxy_user = "us";
         c.way_out->routes.back().proxy_password_file = "/x";
       }},
      {"route.proxy_user",
       [](Config& c) {
         c.way_out->routes.emplace_back();
         c.way_out->routes.back().proxy = {"127.0.0.1", 1080};
         c.way_out->routes.back().proxy_user = "us";
       }},
      {"device.networks", [](Config& c) { c.way_out->device.listen = {{"127.0.0.1", 26}}; }},
      {"device.networks", [](Config& c) { c.way_out->device.networks = {*Network::parse("0.0.0.0/0")}; }},
      {"device.messages_per_day", [](Config& c) { c.way_out->device.messages_per_day = 10; }},
      {"device.listen",
       [](Config& c) {
         c.listen.trusted = {{"127.0.0.1", 26}};
         c.trusted.networks = c.way_out->device.networks = {*Network::parse("127.0.0.0/8")};
         c.way_out->device.listen = {{"127.0.0.1", 26}};
       }},
      {"trusted.networks", [](Config& c) { c.trusted.networks = {*Network::parse("2000::/3")}; }},
      {"auth.mechanisms", [](Config& c) { c.auth.mechanisms = {}; }},
      {"auth.mechanisms", [](Config& c) { c.auth.mechanisms = {"PLAIN", "CRAM-MD5"}; }},
      {"auth.failures_per_day", [](Config& c) { c.auth.failures_per_day = 1; }},
      {"auth.ban_longest", [](Config& c) { c.auth.ban_longest = Duration(60); }},
      {"limits.header_bytes", [](Config& c) { c.limits.message_bytes = 64 * KiB; }},
      {"limits.connections_per_address", [](Config& c) { c.limits.connections_per_address = 61; }},
      {"limits.auth_line", [](Config& c) { c.limits.auth_line = 1024; }},
      {"queue.backoff_max", [](Config& c) { c.queue.backoff_max = Duration(60); }},
      {"queue.lifetime", [](Config& c) { c.queue.lifetime = Duration(60); }},
      {"outbound.smart_host_user", [](Config& c) { c.outbound.smart_host_password_file = "/p"; }},
      {"outbound.smart_host_user",
       [](Config& c) { c.outbound.smart_host_user = "u", c.outbound.smart_host_password_file = "/p"; }},
      {"outbound.smart_host_tls",
       [](Config& c) {
         c.outbound.smart_host = {"h.example", 587};
         c.outbound.smart_host_user = "u", c.outbound.smart_host_password_file = "/p";
         c.outbound.smart_host_tls = TlsUse::opportunistic;
       }},
      {"dns.stub.servers", [](Config& c) { c.dns.stub = {{"inside.example", {}}}; }},
  };
}

TEST(Check, FindsEachBrokenRule) {
  for (const auto& test : cases()) {
    Config config;
    test.spoil(config);
    const auto errors = check(config).errors;
    ASSERT_EQ(errors.size(), 1U) << test.key << "\n" << to_string(errors);
    EXPECT_EQ(errors[0].key, test.key) << errors[0].text;
  }
}

TEST(Check, DefaultsAreSound) { EXPECT_EQ(to_string(check(Config{}).errors), ""); }

TEST(Check, PortsChosenByTheSystemDoNotCollide) {
  Config config;
  config.listen.smtp = config.listen.imaps = {{"127.0.0.1", 0}};
  EXPECT_EQ(to_string(check(config).errors), "");
}

TEST(Check, GoodServerHasNoWarnings) {
  Config config;
  config.server.hostname = "mail.example.org";
  config.tls.certificate = "/c";
  config.tls.key = "/k";
  EXPECT_EQ(to_string(check(config).warnings), "");
  config.outbound.allow_private_targets = true;
  EXPECT_EQ(check(config).warnings.size(), 1U);
}

}  // namespace
}  // namespace postern::config
