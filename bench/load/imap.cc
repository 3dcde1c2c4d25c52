// SPDX-License-Identifier: Apache-2.0
// postern_load imap: one session over TLS that fills its INBOX if asked to, then times each --step 'name=COMMAND' (--repeat
// times, the median counts). !append N and !multiappend N send N messages one by one or in one command; their time is that of
// all. One JSON object of name: {ms, octets, status} at the end.
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "bench/load/commands.h"
#include "bench/load/imap_client.h"
#include "bench/load/report.h"
#include "bench/load/text.h"

namespace postern::bench {

namespace {

constexpr std::uint64_t fill_batch = 100;

class Bench {
 public:
  Bench(ImapClient& client, Messages messages) : client_(client), messages_(std::move(messages)) {}

  /// Stores `count` messages in the INBOX.
  void fill(std::uint64_t count) {
    for (std::uint64_t done = 0; done < count; done += fill_batch) multi_append(std::min(fill_batch, count - done), "INBOX");
  }

  /// Runs a step once.
  Outcome run(const std::string& command) {
    constexpr std::string_view one_by_one = "!append ";
    constexpr std::string_view together = "!multiappend ";
    if (command.starts_with(one_by_one)) return append(std::stoull(command.substr(one_by_one.size())));
    if (command.starts_with(together)) return multi_append(std::stoull(command.substr(together.size())), "INBOX");
    return client_.command(command);
  }

 private:
  Outcome append(std::uint64_t count) {
    Outcome all;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string message = messages_.make(number_++);
      const Outcome one = client_.must(fmt::format("APPEND INBOX {{{}+}}\r\n{}", message.size(), message));
      all.ms += one.ms;
      all.status = one.status;
    }
    return all;
  }

  Outcome multi_append(std::uint64_t count, std::string_view mailbox) {
    std::string command = fmt::format("APPEND {}", mailbox);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string message = messages_.make(number_++);
      command += fmt::format(" {{{}+}}\r\n{}", message.size(), message);
    }
    return client_.must(command);
  }

  ImapClient& client_;
  Messages messages_;
  std::uint64_t number_ = 0;
};

std::string measure(Bench& bench, const std::string& step, std::uint64_t repeat) {
  const auto equals = step.find('=');
  if (equals == std::string::npos) fail("--step wants name=COMMAND");
  std::vector<Outcome> outcomes;
  for (std::uint64_t i = 0; i < repeat; ++i) outcomes.push_back(bench.run(step.substr(equals + 1)));
  std::ranges::sort(outcomes, {}, &Outcome::ms);
  const Outcome& middle = outcomes[outcomes.size() / 2];
  return fmt::format(R"({}:{{"ms":{:.3f},"min_ms":{:.3f},"max_ms":{:.3f},"octets":{},"status":{},"last":{}}})",
                     quoted(step.substr(0, equals)), middle.ms, outcomes.front().ms, outcomes.back().ms, middle.octets,
                     quoted(middle.status), quoted(middle.last));
}

}  // namespace

int run_imap(const Options& options) {
  const Address address{options.text("host", "127.0.0.1"), static_cast<std::uint16_t>(options.number("port", 993))};
  const Shape shape{.size = options.number("size", 10 * 1024), .mime = options.has("mime")};
  const std::uint64_t repeat = std::max<std::uint64_t>(options.number("repeat", 1), 1);
  const std::uint64_t fill = options.number("fill", 0);
  const auto steps = options.all("step");
  ImapClient client(address, options.text("user", "u0@bench.test"), options.text("password"));
  options.finish();
  Bench bench(client, Messages(shape));
  bench.fill(fill);
  client.must("SELECT INBOX");
  std::string out;
  for (const auto& step : steps) out += (out.empty() ? "" : ",") + measure(bench, step, repeat);
  fmt::print("{{{}}}\n", out);
  return 0;
}

}  // namespace postern::bench
