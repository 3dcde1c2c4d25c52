// SPDX-License-Identifier: Apache-2.0
// postern_load count: asks IMAP STATUS of one mailbox after the other until each holds --each messages. finished_ns is the
// moment when the last did, which with started_ns of `postern_load smtp` gives delivered messages a second. With --wait it logs
// in everywhere first, says "ready" and begins to ask when it reads a line: logins are then no part of what is measured.
#include <fmt/core.h>
#include <time.h>

#include <charconv>
#include <cstdio>
#include <memory>
#include <vector>

#include "bench/load/commands.h"
#include "bench/load/imap_client.h"
#include "bench/load/report.h"

namespace postern::bench {

namespace {

constexpr timespec poll_interval{.tv_sec = 0, .tv_nsec = 10'000'000};
constexpr std::uint64_t ns_per_second = 1'000'000'000;

std::uint64_t messages_in(ImapClient& client) {
  const Outcome outcome = client.must("STATUS INBOX (MESSAGES)");
  const auto place = outcome.last.find("MESSAGES ");
  if (place == std::string::npos) fail("STATUS tells no number");
  const char* begin = outcome.last.data() + place + std::string_view("MESSAGES ").size();
  std::uint64_t number = 0;
  std::from_chars(begin, outcome.last.data() + outcome.last.size(), number);
  return number;
}

}  // namespace

int run_count(const Options& options) {
  const Address address{options.text("host", "127.0.0.1"), static_cast<std::uint16_t>(options.number("port", 993))};
  const std::uint64_t users = options.number("users", 1);
  const Pattern pattern(options.text("user", "u%d@bench.test"), users);
  const std::string password = options.text("password");
  const std::uint64_t each = options.number("each", 0);
  const std::uint64_t patience = options.number("patience", 60);
  const bool wait = options.has("wait");
  options.finish();
  std::vector<std::unique_ptr<ImapClient>> clients;
  for (std::uint64_t i = 0; i < users; ++i) clients.push_back(std::make_unique<ImapClient>(address, pattern.at(i), password));
  if (wait) {
    std::puts("ready");
    std::fflush(stdout);
    std::getchar();
  }
  const std::uint64_t limit = now_ns() + patience * ns_per_second;
  std::uint64_t total = 0;
  for (const auto& client : clients) {
    std::uint64_t held = messages_in(*client);
    while (held < each && now_ns() < limit) {
      nanosleep(&poll_interval, nullptr);
      held = messages_in(*client);
    }
    total += held;
  }
  fmt::print(R"({{"total":{},"complete":{},"finished_ns":{}}})"
             "\n",
             total, total >= each * users, now_ns());
  return total >= each * users ? 0 : 1;
}

}  // namespace postern::bench
