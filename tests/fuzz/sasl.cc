// SPDX-License-Identifier: Apache-2.0
// The whole wrapper: mechanism name, base64, PLAIN, LOGIN and SCRAM through libsasl2, over an auth with cheap hashes. The
// input is lines: the mechanism, the initial response ("-" for none), then replies. A login without the password is a bug.
#include "async/executor.h"
#include "auth/exchange.h"
#include "auth/sasl_client.h"
#include "tests/auth/fixture.h"

namespace {

using namespace postern;
using namespace postern::auth;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size() && out.size() < 8;) {
    const auto end = std::min(text.find('\n', at), text.size());
    out.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

async::Task<> talk(Service& service, const std::vector<std::string>& lines, Origin origin) {
  auto exchange = service.begin(std::move(origin));
  std::optional<std::string> initial;
  if (lines.size() > 1 && lines[1] != "-") initial = lines[1];
  auto step = co_await exchange->start(lines[0], std::move(initial));
  for (std::size_t i = 2; i < lines.size() && !step.login && !step.refusal; ++i) step = co_await exchange->step(lines[i]);
  if (step.login && step.login->identity.login() != "alice@example.org") std::abort();
}

/// A house serves some inputs: each moves its clock by a day, and a clock has only 292 years.
testing::House& current_house() {
  static auto house = std::make_unique<testing::House>();
  static int used = 0;
  if (++used % 10'000 == 0) house = std::make_unique<testing::House>();
  return *house;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto& house = current_house();
  const std::string_view text(size == 0 ? "" : reinterpret_cast<const char*>(data), size);
  const auto lines = lines_of(text);
  auto origin = testing::House::from();
  if (size % 2 == 1) origin.channel_binding = std::string(32, 'b');
  async::run_alone(talk(*house.service, lines, origin));
  house.lines.clear();
  house.clock.advance(std::chrono::hours(25));
  SaslClient client(testing::sasl_library(), "alice", Secret("password"));
  if (auto begin = client.start({"SCRAM-SHA-256"})) (void)client.step(text);
  return 0;
}
